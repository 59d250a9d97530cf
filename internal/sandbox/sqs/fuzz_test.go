package sqs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/stats"
)

// FuzzServeAPI checks that every request is answered with JSON, and every
// mistake in one is the caller's and not the server's.
func FuzzServeAPI(f *testing.F) {
	const queueURL = `"QueueUrl":"http://127.0.0.1:4566/123456789012/q"`
	for _, seed := range [][2]string{
		{"SendMessage", `{` + queueURL + `,"MessageBody":"x","MessageAttributes":{"a":{"DataType":"Number","StringValue":"1e999"}}}`},
		{"SendMessageBatch",
			`{` + queueURL +
				`,"Entries":[{"Id":"a","MessageBody":"x","DelaySeconds":1},{"Id":"b","MessageBody":""},{"Id":"c","ReceiptHandle":"x"}]}`},
		{"ReceiveMessage", `{` + queueURL + `,"MaxNumberOfMessages":10,"VisibilityTimeout":0}`},
		{"DeleteMessage", `{` + queueURL + `,"ReceiptHandle":"x"}`},
		{"DeleteMessageBatch", `{` + queueURL + `,"Entries":[{"Id":"a","ReceiptHandle":"x"},{"Id":"a"}]}`},
		{"ChangeMessageVisibility", `{` + queueURL + `,"ReceiptHandle":"x","VisibilityTimeout":-1}`},
		{"GetQueueAttributes", `{` + queueURL + `,"AttributeNames":["All"]}`},
		{"ListQueues", `{"MaxResults":1,"NextToken":"x"}`},
		{"GetQueueUrl", `{"QueueName":"q"}`},
		{"Nothing", `[`},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		// A wait is no answer; that one ends is tested elsewhere.
		if strings.Contains(strings.ToLower(string(body)), "wait") {
			t.Skip()
		}
		s := newService(t, stats.New([]string{region}))
		if _, _, err := s.CreateQueue(region, QueueConfig{Name: "q"}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header["X-Amz-Target"] = []string{targetPrefix + operation}
		w := httptest.NewRecorder()
		s.ServeAPI(w, r, region, iam.Caller{
			ARN: "arn:aws:iam::" + account + ":user/administrator", PrincipalID: "AIDATEST", AccountID: account,
		})
		if w.Code >= 500 || w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: %d %s", operation, body, w.Code, w.Body)
		}
	})
}
