package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"s3fanout/internal/sandbox/fault"
)

// All three kinds of dead letters, and one that is none, in one queue.
func TestRedriveOfMixedQueue(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	// The function has a dead-letter queue beside its on-failure destination,
	// so each failed event leaves two dead letters.
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
			p["DeadLetterConfig"] = map[string]any{"TargetArn": map[string]any{"Fn::GetAtt": []any{"DeadLetters", "Arn"}}}
		})
	})
	// And what us-east-1 has for eu-west-1 cannot be delivered.
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::Permission"))
	w := start(t, a.files)

	w.fault("us-east-1", fault.LambdaCrash, 1, 0)
	arriving := object{key: "arriving in us-east-1", body: "a"}
	leaving := object{key: "leaving us-east-1", body: "b"}
	w.upload("ap-northeast-1", arriving)
	w.upload("us-east-1", leaving)
	w.settle()
	// nobody else may send
	role := w.mustAssume(defaultSet().Member(w.state.AccountID, "us-east-1").RoleARN(), defaultSet().OperatorSession())
	_, err := sqs.NewFromConfig(role.in("us-east-1")).SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(w.state.Regions["us-east-1"].DeadLetterQueueURL), MessageBody: aws.String("none of ours"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.wantLetters("us-east-1", 4)
	w.wantMissing("us-east-1", arriving.key)
	w.wantMissing("eu-west-1", leaving.key)

	w.fault("us-east-1", fault.LambdaCrash, 0, 0)
	code, out := w.redrive("--dry-run")
	if code != 3 {
		t.Errorf("dry run: exit %d, want 3\n%s", code, out)
	}
	for _, kind := range []string{"on-failure", "function-dlq", "subscription-dlq"} {
		if !strings.Contains(out, kind) {
			t.Errorf("the dry run names no %s letter:\n%s", kind, out)
		}
	}
	w.wantLetters("us-east-1", 4)

	if code, out := w.redrive(); code != 3 || !strings.Contains(out, "not-understood") {
		t.Errorf("redrive: exit %d, want 3 for the message that is none of ours\n%s", code, out)
	}
	w.settle()
	w.wantLetters("us-east-1", 1)
	if letters := w.letters("us-east-1"); len(letters) != 1 || letters[0] != "none of ours" {
		t.Errorf("left is %q, want the message that is none of ours", letters)
	}
	w.wantIn("us-east-1", arriving)
	w.wantEverywhere(leaving)
}

func TestRedriveSaysInOneLineWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", func(resources map[string]any) int {
		return ofType(resources, "AWS::SQS::Queue", func(_ string, p map[string]any) { p["QueueName"] = "elsewhere" })
	})
	// What named the queue by its fixed name goes with it.
	a.edit("s3fanout-eu-west-1-mesh", func(resources map[string]any) int {
		return ofType(resources, "AWS::SNS::Subscription", func(_ string, p map[string]any) { delete(p, "RedrivePolicy") })
	})
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::EventInvokeConfig"))
	w := start(t, a.files)
	for _, c := range []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"queue does not exist", func(*world) {}, "region eu-west-1: queue s3fanout-dead-letters does not exist"},
		{"wrong secret", func(w *world) { w.state.SecretAccessKey = "wrong" }, "credentials"},
		{"unknown access key", func(w *world) { w.state.AccessKeyID = "AKIANOBODY" }, "credentials"},
		{"nobody answers", func(w *world) { w.state.Endpoint = "http://127.0.0.1:1" }, "127.0.0.1:1"},
	} {
		changed := *w
		c.change(&changed)
		code, out := changed.redrive("--region", "eu-west-1")
		var errorLines []string
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "s3fanout: ") {
				errorLines = append(errorLines, line)
			}
		}
		if code != 1 || len(errorLines) != 1 || !strings.Contains(fmt.Sprint(errorLines), c.want) {
			t.Errorf("%s: exit %d, want 1 and one line about %q\n%s", c.name, code, c.want, out)
		}
	}
}
