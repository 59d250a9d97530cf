package lambda

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
)

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// A permission that is removed by hand is gone from the policy, and nobody
// invokes by it.
func TestRemovePermissionByHand(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	topic := iam.Caller{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:eu-west-1:123456789012:uploads", SourceAccount: account}
	for _, id := range []string{"one", "two"} {
		p := PermissionConfig{StatementID: id, Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com",
			SourceARN: topic.SourceARN + "-" + id}
		if id == "one" {
			p.SourceARN = topic.SourceARN
		}
		if err := w.AddPermission(arn, p); err != nil {
			t.Fatal(err)
		}
	}
	client, nobody := w.client(t, w.admin()), w.client(t, iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s",
		AccountID: account, Role: &iam.Role{Name: "r"}})
	one := &awslambda.RemovePermissionInput{FunctionName: &arn, StatementId: aws.String("one")}
	_, err := nobody.RemovePermission(t.Context(), one)
	wantCode(t, "nobody", err, "AccessDeniedException")
	if _, err := client.RemovePermission(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	_, err = client.RemovePermission(t.Context(), one)
	wantCode(t, "again", err, "ResourceNotFoundException")
	if err := w.InvokeAsync(t.Context(), topic, arn, []byte(`{}`)); err == nil {
		t.Error("the topic may still invoke")
	}
	p, err := client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: &arn})
	if err != nil || strings.Contains(*p.Policy, `"one"`) || !strings.Contains(*p.Policy, `"two"`) {
		t.Errorf("the policy is %v, %v; want two alone", p, err)
	}
}

// Reserved concurrency is set and taken away by hand. A process that is there
// stays.
func TestConcurrencyByHand(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	client, nobody := w.client(t, w.admin()), w.client(t, iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s",
		AccountID: account, Role: &iam.Role{Name: "r"}})
	pid := func() string {
		t.Helper()
		got, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, Payload: payload(order{Do: "report"})})
		if err != nil || got.FunctionError != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		_, rest, _ := strings.Cut(string(got.Payload), `"pid":`)
		number, _, _ := strings.Cut(rest, ",")
		return number
	}
	before := pid()
	put := func(c *awslambda.Client, n int32) error {
		_, err := c.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{FunctionName: &arn,
			ReservedConcurrentExecutions: aws.Int32(n)})
		return err
	}
	wantCode(t, "nobody", put(nobody, 1), "AccessDeniedException")
	wantCode(t, "more than the account has", put(client, 901), "InvalidParameterValueException")
	if err := put(client, 0); err != nil {
		t.Fatal(err)
	}
	_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn})
	wantCode(t, "with none left", err, "TooManyRequestsException")
	_, err = nobody.DeleteFunctionConcurrency(t.Context(), &awslambda.DeleteFunctionConcurrencyInput{FunctionName: &arn})
	wantCode(t, "nobody", err, "AccessDeniedException")
	if _, err := client.DeleteFunctionConcurrency(t.Context(), &awslambda.DeleteFunctionConcurrencyInput{FunctionName: &arn}); err != nil {
		t.Fatal(err)
	}
	if after := pid(); after != before || before == "" {
		t.Errorf("process %q before, %q after; want the same", before, after)
	}
	if c, err := client.GetFunctionConcurrency(t.Context(),
		&awslambda.GetFunctionConcurrencyInput{FunctionName: &arn}); err != nil || c.ReservedConcurrentExecutions != nil {
		t.Errorf("%+v, %v, want none reserved", c, err)
	}
}

// What the functions of a Region reserve comes out of what the account has there, and
// 100 are left to those that reserve nothing.
func TestReservationsAddUp(t *testing.T) {
	w := newWorld(t)
	first := w.function(t, func(c *FunctionConfig) { c.ReservedConcurrency = aws.Int(500) })
	second := w.function(t, func(c *FunctionConfig) { c.Name = "second" })
	client := w.client(t, w.admin())
	put := func(arn string, n int32) error {
		_, err := client.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{
			FunctionName: &arn, ReservedConcurrentExecutions: &n,
		})
		return err
	}
	wantCode(t, "one more than there is", put(second, 401), "InvalidParameterValueException")
	if err := put(second, 400); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "its own does not count twice", put(first, 501), "InvalidParameterValueException")
	if err := put(first, 0); err != nil {
		t.Fatal(err)
	}
	if err := put(second, 500); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "what was given to others meanwhile", put(first, 500), "InvalidParameterValueException")
	third := w.functions[second].current().FunctionConfig
	third.Name, third.ReservedConcurrency = "third", aws.Int(401)
	if _, err := w.CreateFunction(region, third); err == nil || !strings.Contains(err.Error(), "below its minimum value of [100]") {
		t.Errorf("a template that reserves too much: %v", err)
	}
}
