package sns

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
)

// FuzzServeAPI checks that every form is answered with XML, and every mistake
// in one is the caller's and not the server's.
func FuzzServeAPI(f *testing.F) {
	const topic = "arn:aws:sns:us-east-1:123456789012:uploads"
	form := func(action string, pairs ...string) []byte {
		v := url.Values{"Action": {action}, "Version": {version}}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return []byte(v.Encode())
	}
	f.Add(form("Publish", "TopicArn", topic, "Message", "{}", "Subject", "s\x01"))
	f.Add(form("Subscribe", "TopicArn", topic, "Protocol", "lambda", "Endpoint", function, "Attributes.entry.1.key", "FilterPolicy",
		"Attributes.entry.1.value", "{"))
	f.Add(form("SetSubscriptionAttributes", "SubscriptionArn", topic+":x", "AttributeName", "RawMessageDelivery",
		"AttributeValue", "maybe"))
	f.Add(form("ListSubscriptionsByTopic", "TopicArn", topic, "NextToken", "-1"))
	f.Add(form("ListTopics", "NextToken", "99999999999999999999"))
	f.Add(form("GetTopicAttributes", "TopicArn", "arn:aws:sns"))
	f.Add([]byte("%zz"))
	f.Fuzz(func(t *testing.T, body []byte) {
		counters := stats.New([]string{region})
		queues := sqs.New(sqs.Config{Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566", Counters: counters})
		defer func() { _ = queues.Close() }()
		s := New(Config{
			Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566",
			Functions: &functions{}, Queues: queues, Counters: counters, Faults: fault.New([]string{region}, 1),
		})
		defer func() { _ = s.Close() }()
		if _, err := s.CreateTopic(region, TopicConfig{Name: "uploads"}); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeAPI(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body))), region, admin())
		if w.Code >= 500 {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
		for d := xml.NewDecoder(w.Body); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q: not XML: %v", body, err)
			}
		}
	})
}
