package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Whoever has one Region's role can put dead letters into that Region's queue, and the
// operator who redrives may invoke the functions of all Regions. Dead letters that name
// another Region's function, and requests of S3 Batch Operations that name another
// Region to copy to, are left where they are.
func TestForgedLettersReachNoOtherRegion(t *testing.T) {
	t.Parallel()
	s, genuine := apart(t)
	set := defaultSet()
	role := s.mustAssume(set.Member(s.state.AccountID, there).RoleARN(), set.OperatorSession())
	send := func(letter any) {
		t.Helper()
		body, err := json.Marshal(letter)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqs.NewFromConfig(role.in(there)).SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(s.state.Regions[there].DeadLetterQueueURL), MessageBody: aws.String(string(body)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	failed := func(function string, payload json.RawMessage) map[string]any {
		return map[string]any{
			"version": "1.0", "requestContext": map[string]any{"functionArn": function + ":$LATEST", "condition": "RetriesExhausted"},
			"requestPayload": payload, "responsePayload": map[string]any{"errorMessage": "forged", "errorType": "ReplicationError"},
		}
	}
	batch, err := json.Marshal(map[string]any{
		"invocationSchemaVersion": "2.0", "invocationId": "forged",
		"job":   map[string]any{"userArguments": map[string]string{"targetRegion": here}},
		"tasks": []any{map[string]string{"taskId": "t", "s3Bucket": genuine.bucket, "s3Key": "dir/only"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.contents()
	send(failed(s.state.Regions[here].FunctionARN, forgery(genuine)))
	send(failed(s.state.Regions["ap-northeast-1"].FunctionARN, forgery(genuine)))
	send(failed(s.state.Regions[there].FunctionARN, batch))
	code, out := s.redrive()
	for _, want := range []string{
		"the function is this replica set's in " + here, "the function is this replica set's in ap-northeast-1",
		"a request of S3 Batch Operations",
		"3 dead letters, 0 replayed, 3 left",
	} {
		if code != 3 || !strings.Contains(out, want) {
			t.Errorf("exit %d, want 3 and %q\n%s", code, want, out)
		}
	}
	s.settle()
	if after := s.contents(); !slices.Equal(before, after) {
		t.Errorf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}

	// What docs/security.md says remains: a dead letter in the form of what SNS could
	// not deliver is for the other Regions. It brings them what a forged message could:
	// the object of the set, where its key is free.
	send(map[string]any{"Type": "Notification", "TopicArn": genuine.topic, "Message": messageOf(t, forgery(genuine))})
	if code, out := s.redrive(); code != 3 || !strings.Contains(out, "1 replayed") {
		t.Errorf("exit %d, want the notification replayed\n%s", code, out)
	}
	s.wantIn(here, object{key: "dir/only", body: "genuine"})
}

// messageOf is the S3 event in an SNS event.
func messageOf(t *testing.T, payload []byte) string {
	t.Helper()
	var in struct {
		Records []struct{ Sns struct{ Message string } }
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		t.Fatal(err)
	}
	return in.Records[0].Sns.Message
}
