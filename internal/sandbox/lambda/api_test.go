package lambda

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
)

// client returns a real SDK client that the endpoint takes for caller.
func (w *world) client(t *testing.T, caller iam.Caller) *awslambda.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeAPI(rw, r, region, caller) }))
	t.Cleanup(server.Close)
	return awslambda.New(awslambda.Options{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
		}),
	})
}

func TestAPIInvoke(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	client := w.client(t, w.admin())
	for _, name := range []string{"replicator", arn, account + ":function:replicator"} {
		got, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &name, Payload: payload(order{Do: "report"})})
		if err != nil || got.StatusCode != http.StatusOK || got.FunctionError != nil || *got.ExecutedVersion != "$LATEST" ||
			!strings.Contains(string(got.Payload), `"pid"`) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	failed, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, Payload: payload(order{Do: "fail"})})
	if err != nil || failed.StatusCode != http.StatusOK || aws.ToString(failed.FunctionError) != "Unhandled" ||
		!strings.Contains(string(failed.Payload), "cannot do it") {
		t.Errorf("failing: %+v, %v", failed, err)
	}
	event, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: &arn, InvocationType: types.InvocationTypeEvent, Payload: payload(order{Do: "report"}),
	})
	if err != nil || event.StatusCode != http.StatusAccepted {
		t.Errorf("event: %+v, %v", event, err)
	}
	w.settle(t)
	dry, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, InvocationType: types.InvocationTypeDryRun})
	if err != nil || dry.StatusCode != http.StatusNoContent {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	if got := w.counted(); got.Invocations != 5 || got.Errors != 1 {
		t.Errorf("counters = %+v, want 5 invocations, 1 error", got)
	}
}

func TestAPIDescribes(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, func(c *FunctionConfig) {
		c.Description, c.LogFormat, c.ReservedConcurrency = "copies", "JSON", aws.Int(7)
	})
	if err := w.AddPermission(arn, PermissionConfig{
		StatementID: "topic", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com",
		SourceARN: "arn:aws:sns:eu-west-1:123456789012:uploads",
	}); err != nil {
		t.Fatal(err)
	}
	client := w.client(t, w.admin())
	f, err := client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: &arn})
	if err != nil || *f.Configuration.FunctionArn != arn || *f.Configuration.Timeout != 30 || f.Configuration.State != types.StateActive {
		t.Errorf("GetFunction = %+v, %v", f, err)
	}
	c, err := client.GetFunctionConfiguration(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: &arn})
	if err != nil || c.Environment.Variables[testFunction] != "yes" || *c.LoggingConfig.LogGroup != "/aws/lambda/replicator" ||
		c.LoggingConfig.LogFormat != types.LogFormatJson || *c.Role != w.role.ARN || *c.MemorySize != 256 || *c.Description != "copies" ||
		!slices.Equal(c.Architectures, []types.Architecture{"arm64"}) || c.State != types.StateActive {
		t.Errorf("GetFunctionConfiguration = %+v, %v", c, err)
	}
	p, err := client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: &arn})
	if err != nil || !strings.Contains(*p.Policy, `"Sid":"topic"`) {
		t.Errorf("GetPolicy = %+v, %v", p, err)
	}
	e, err := client.GetFunctionEventInvokeConfig(t.Context(), &awslambda.GetFunctionEventInvokeConfigInput{FunctionName: &arn})
	if err != nil || *e.DestinationConfig.OnFailure.Destination != w.queue || *e.MaximumRetryAttempts != 2 {
		t.Errorf("GetFunctionEventInvokeConfig = %+v, %v", e, err)
	}
	n, err := client.GetFunctionConcurrency(t.Context(), &awslambda.GetFunctionConcurrencyInput{FunctionName: &arn})
	if err != nil || aws.ToInt32(n.ReservedConcurrentExecutions) != 7 {
		t.Errorf("GetFunctionConcurrency = %+v, %v; want 7", n, err)
	}
	l, err := client.GetFunctionRecursionConfig(t.Context(), &awslambda.GetFunctionRecursionConfigInput{FunctionName: &arn})
	if err != nil || l.RecursiveLoop != types.RecursiveLoopTerminate {
		t.Errorf("GetFunctionRecursionConfig = %+v, %v; want Terminate", l, err)
	}
	unreserved := w.function(t, func(c *FunctionConfig) { c.Name = "unreserved" })
	n, err = client.GetFunctionConcurrency(t.Context(), &awslambda.GetFunctionConcurrencyInput{FunctionName: &unreserved})
	if err != nil || n.ReservedConcurrentExecutions != nil {
		t.Errorf("GetFunctionConcurrency without any = %+v, %v; want none", n, err)
	}
}

func TestAPIErrors(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	client := w.client(t, w.admin())
	nobody := w.client(t, iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: account, Role: &iam.Role{Name: "r"}})
	for _, tt := range []struct {
		name, code string
		call       func() error
	}{
		{"no such function", "ResourceNotFoundException", func() error {
			_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("gone")})
			return err
		}},
		{"another Region's ARN", "ResourceNotFoundException", func() error {
			_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
				FunctionName: aws.String(strings.Replace(arn, region, "eu-west-1", 1)),
			})
			return err
		}},
		{"no permission", "AccessDeniedException", func() error {
			_, err := nobody.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn})
			return err
		}},
		{"no permission to see the concurrency", "AccessDeniedException", func() error {
			_, err := nobody.GetFunctionConcurrency(t.Context(), &awslambda.GetFunctionConcurrencyInput{FunctionName: &arn})
			return err
		}},
		{"no permission to see the recursion", "AccessDeniedException", func() error {
			_, err := nobody.GetFunctionRecursionConfig(t.Context(), &awslambda.GetFunctionRecursionConfigInput{FunctionName: &arn})
			return err
		}},
		{"no permission to see the configuration", "AccessDeniedException", func() error {
			_, err := nobody.GetFunctionConfiguration(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: &arn})
			return err
		}},
		{"concurrency of no function", "ResourceNotFoundException", func() error {
			_, err := client.GetFunctionConcurrency(t.Context(), &awslambda.GetFunctionConcurrencyInput{FunctionName: aws.String("gone")})
			return err
		}},
		{"no event invoke configuration", "ResourceNotFoundException", func() error {
			_, err := client.GetFunctionEventInvokeConfig(t.Context(), &awslambda.GetFunctionEventInvokeConfigInput{FunctionName: &arn})
			return err
		}},
		{"no JSON", "InvalidRequestContentException", func() error {
			_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, Payload: []byte("{")})
			return err
		}},
		{"log tail", "InvalidParameterValueException", func() error {
			_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, LogType: types.LogTypeTail})
			return err
		}},
		{"no policy", "ResourceNotFoundException", func() error {
			_, err := client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: &arn})
			return err
		}},
		{"operation that is not modelled", "NotImplemented", func() error {
			_, err := client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: &arn})
			return err
		}},
	} {
		var api smithy.APIError
		if err := tt.call(); !errors.As(err, &api) || api.ErrorCode() != tt.code {
			t.Errorf("%s: %v, want code %s", tt.name, err, tt.code)
		}
	}
}
