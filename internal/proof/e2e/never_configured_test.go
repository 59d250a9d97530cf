package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// With everything switched on, the function's role may do a little more, and
// jobs have a role. Neither may do anything of this.
func TestWhatTheRolesOfACarefulSetMustNeverDo(t *testing.T) {
	t.Parallel()
	a := editable(t, careful(t))
	a.edit("careful-*-[0-9]", jobsByAnyone)
	w := start(t, a.files)
	set := carefulSet()
	version := w.upload(here, object{key: "dt=2026/kept", body: "kept"})
	w.settle()
	admin := w.administrator()
	function := w.mustAssume(set.Member(w.state.AccountID, here).RoleARN(), set.OperatorSession())
	job := w.mustAssume(set.Member(w.state.AccountID, here).JobRoleARN(), "job")
	both, jobs := []identity{function, job}, []identity{job}
	key := aws.String("dt=2026/kept")
	put := func(region, key string) func(identity) error {
		return func(i identity) error {
			_, err := s3.NewFromConfig(i.in(region)).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(w.bucket(region)), Key: aws.String(key), Body: strings.NewReader("forged"),
			})
			return err
		}
	}
	for _, c := range []struct {
		what string
		by   []identity
		try  func(identity) error
	}{
		{"write to a remote bucket", both, put(there, "dt=2026/new")},
		{"write reports to a remote bucket", both, put(there, ".s3fanout/reports/new")},
		{"write beside the reports", jobs, put(here, "dt=2026/new")},
		{"write over an object", jobs, put(here, "dt=2026/kept")},
		{"read an object", jobs, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(here)).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(w.bucket(here)), Key: key})
			return err
		}},
		{"read a remote object", jobs, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(there)).GetObject(t.Context(), &s3.GetObjectInput{
				Bucket: aws.String(w.bucket(there)), Key: key,
			})
			return err
		}},
		{"list the bucket", jobs, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(here)).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(w.bucket(here))})
			return err
		}},
		{"delete an object", both, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(here)).DeleteObject(t.Context(), &s3.DeleteObjectInput{
				Bucket: aws.String(w.bucket(here)), Key: key,
			})
			return err
		}},
		{"delete a version", both, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(here)).DeleteObject(t.Context(), &s3.DeleteObjectInput{
				Bucket: aws.String(w.bucket(here)), Key: key, VersionId: aws.String(version),
			})
			return err
		}},
		{"open the bucket to everybody", both, func(i identity) error {
			_, err := s3.NewFromConfig(i.in(here)).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{
				Bucket: aws.String(w.bucket(here)), Policy: aws.String(openPolicy),
			})
			return err
		}},
		{"invoke a remote function", jobs, func(i identity) error {
			_, err := lambda.NewFromConfig(i.in(there)).Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String(set.FunctionName()), Payload: []byte(`{}`),
			})
			return err
		}},
		{"change the function's code", both, func(i identity) error {
			_, err := lambda.NewFromConfig(i.in(here)).UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
				FunctionName: aws.String(set.FunctionName()), S3Bucket: aws.String("b"), S3Key: aws.String("k"),
			})
			return err
		}},
		{"publish", both, func(i identity) error {
			_, err := sns.NewFromConfig(i.in(here)).Publish(t.Context(), &sns.PublishInput{
				TopicArn: aws.String(set.Member(w.state.AccountID, here).TopicARN()), Message: aws.String("forged"),
			})
			return err
		}},
		{"read dead letters", both, func(i identity) error {
			_, err := sqs.NewFromConfig(i.in(here)).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(w.state.Regions[here].DeadLetterQueueURL),
			})
			return err
		}},
		{"send a dead letter", jobs, func(i identity) error {
			_, err := sqs.NewFromConfig(i.in(here)).SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: aws.String(w.state.Regions[here].DeadLetterQueueURL), MessageBody: aws.String("forged"),
			})
			return err
		}},
		{"give the function permissions", both, func(i identity) error {
			_, err := iam.NewFromConfig(i.in(here)).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
				RoleName: aws.String(set.Member(w.state.AccountID, here).RoleName()), PolicyName: aws.String("replicate"),
				PolicyDocument: aws.String(openPolicy),
			})
			return err
		}},
		{"be the function", both, func(i identity) error {
			_, err := i.assume(t, set.Member(w.state.AccountID, here).RoleARN(), set.OperatorSession())
			return err
		}},
	} {
		for _, by := range c.by {
			if err := c.try(by); !accessDenied(err) {
				t.Errorf("%s: %s: %v, want it denied", by.name, c.what, err)
			}
		}
		if everybody := c.what == "send a dead letter"; accessDenied(c.try(admin)) != everybody {
			t.Errorf("%s: the administrator is denied it or not, want denied: %t; else the row shows nothing of the role",
				c.what, everybody)
		}
	}
	w.settle()
}
