package sandbox

import (
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/snapshot"
)

// With a network like AWS's all services answer no sooner than a signal could have come
// from the client's Region and gone back, and a function's client is where it runs.
func TestNetworkDelaysAllServices(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{
		Assembly: snapshot.FS(), Function: program, Dir: t.TempDir(), RetryWait: time.Millisecond, Network: true,
		NetworkFrom: "us-east-1", Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	const far = "ap-northeast-1"
	c, region := s.config(far), s.State().Regions[far]
	least := s.network.RoundTrip("us-east-1", far)
	for service, ask := range map[string]func() error{
		"s3": func() error {
			_, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).HeadBucket(t.Context(),
				&s3.HeadBucketInput{Bucket: &region.Bucket})
			return err
		},
		"sqs": func() error {
			_, err := sqs.NewFromConfig(c).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl: &region.DeadLetterQueueURL,
			})
			return err
		},
		"sns": func() error {
			_, err := sns.NewFromConfig(c).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &region.TopicARN})
			return err
		},
		"lambda": func() error {
			_, err := lambda.NewFromConfig(c).GetFunctionConfiguration(t.Context(),
				&lambda.GetFunctionConfigurationInput{FunctionName: &region.FunctionName})
			return err
		},
		"sts": func() error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		},
	} {
		begun := time.Now()
		if err := ask(); err != nil {
			t.Errorf("%s: %v", service, err)
		}
		if took := time.Since(begun); took < least {
			t.Errorf("%s answered after %v, and the way there and back takes %v", service, took, least)
		}
	}

	function, err := lambda.NewFromConfig(c).GetFunctionConfiguration(t.Context(),
		&lambda.GetFunctionConfigurationInput{FunctionName: aws.String(region.FunctionName)})
	if err != nil {
		t.Fatal(err)
	}
	credentials, caller, err := s.store.AssumeRoleForService(*function.Role, region.FunctionName, "lambda.amazonaws.com", far)
	if err != nil || caller.Region != far {
		t.Fatalf("a function's session is in %q, %v; want %s", caller.Region, err, far)
	}
	if _, found, ok := s.store.Lookup(credentials.AccessKeyID); !ok || found.Region != far {
		t.Errorf("its requests come from %q, want %s", found.Region, far)
	}
	s.trusting(t, "other", `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}`)
	_, caller, _ = s.store.Lookup(s.state.AccessKeyID)
	caller.Region = far
	if _, next, err := s.store.AssumeRole(
		iam.Session{Caller: caller, RoleARN: s.store.RoleARN("other"), Name: "n"}, time.Now(),
	); err != nil || next.Region != far {
		t.Errorf("in another role it is in %q, %v; want %s", next.Region, err, far)
	}
}
