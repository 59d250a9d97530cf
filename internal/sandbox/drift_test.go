package sandbox

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"s3fanout/internal/sandbox/snapshot"
)

// What somebody removed or changed by hand is put back by a deployment of the
// same templates, and only that.
func TestUpdatePutsBackWhatWasChangedByHand(t *testing.T) {
	s := start(t)
	const region = "us-east-1"
	c, r, ctx := s.config(region), s.state.Regions[region], t.Context()
	function, topics := lambda.NewFromConfig(c), sns.NewFromConfig(c)
	subscription := func() string {
		t.Helper()
		list, err := topics.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &r.TopicARN})
		if err != nil || len(list.Subscriptions) != 2 {
			t.Fatalf("%+v, %v, want two subscriptions", list, err)
		}
		return *list.Subscriptions[0].SubscriptionArn
	}
	for _, tt := range []struct {
		name     string
		byHand   func() error
		made     string // type of what is made anew
		updated  string // type of what is changed
		property string
	}{
		{"permission", func() error {
			for _, key := range s.order {
				if key.region != region || s.resources[key].kind != "AWS::Lambda::Permission" {
					continue
				}
				_, err := function.RemovePermission(ctx, &lambda.RemovePermissionInput{
					FunctionName: &r.FunctionName, StatementId: aws.String(s.resources[key].created.Ref),
				})
				return err
			}
			t.Fatal("no permission")
			return nil
		}, "AWS::Lambda::Permission", "", ""},
		{"subscription", func() error {
			_, err := topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(subscription())})
			return err
		}, "AWS::SNS::Subscription", "", ""},
		{"filter", func() error {
			_, err := topics.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: aws.String(subscription()), AttributeName: aws.String("FilterPolicy"),
				AttributeValue: aws.String(`{"a":["b"]}`),
			})
			return err
		}, "", "AWS::SNS::Subscription", "FilterPolicy"},
		{"dead letters of a subscription", func() error {
			_, err := topics.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: aws.String(subscription()), AttributeName: aws.String("RedrivePolicy"), AttributeValue: aws.String(""),
			})
			return err
		}, "", "AWS::SNS::Subscription", "RedrivePolicy"},
		{"concurrency", func() error {
			_, err := function.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
				FunctionName: &r.FunctionName, ReservedConcurrentExecutions: aws.Int32(0),
			})
			return err
		}, "", "AWS::Lambda::Function", "ReservedConcurrentExecutions"},
		{"notification", func() error {
			_, err := s3.NewFromConfig(c).PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
				Bucket: &r.Bucket, NotificationConfiguration: &types.NotificationConfiguration{},
			})
			return err
		}, "", "AWS::S3::Bucket", "NotificationConfiguration"},
		{"policy", func() error {
			_, err := s3.NewFromConfig(c).PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &r.Bucket, Policy: aws.String(
				`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"*"}}`)})
			return err
		}, "", "AWS::S3::BucketPolicy", "PolicyDocument"},
		{"no policy", func() error {
			_, err := s3.NewFromConfig(c).DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &r.Bucket})
			return err
		}, "AWS::S3::BucketPolicy", "", ""},
		{"encryption", func() error {
			_, err := s3.NewFromConfig(c).PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &r.Bucket,
				ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
					Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
						SSEAlgorithm:   types.ServerSideEncryptionAwsKms,
						KMSMasterKeyID: aws.String("arn:aws:kms:us-east-1:123456789012:key/1")}}},
				}})
			return err
		}, "", "AWS::S3::Bucket", "BucketEncryption"},
		{"versioning", func() error {
			_, err := s3.NewFromConfig(c).PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: &r.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
			})
			return err
		}, "", "AWS::S3::Bucket", "VersioningConfiguration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.byHand(); err != nil {
				t.Fatal(err)
			}
			got, err := s.Update(ctx, snapshot.FS())
			if err != nil {
				t.Fatal(err)
			}
			want := noChanges()
			for _, x := range slices.Concat(got.Made, got.Updated) {
				switch {
				case tt.made != "" && x.Type == tt.made:
					want.Made = append(want.Made, x)
				case x.Type == tt.updated && slices.Equal(x.Properties, []string{tt.property}):
					want.Updated = append(want.Updated, x)
				}
			}
			if len(want.Made)+len(want.Updated) != 1 || len(got.Made)+len(got.Updated)+len(got.Deleted)+len(got.Retained) != 1 {
				t.Errorf("changes %+v, want one: %s made, or %s of %s changed", got, tt.made, tt.property, tt.updated)
			}
			if again, err := s.Update(ctx, snapshot.FS()); err != nil || !again.none() {
				t.Errorf("again: %+v, %v, want nothing", again, err)
			}
		})
	}
}

// A bucket that was deleted is made again, with its policy.
func TestUpdateMakesADeletedBucketAgain(t *testing.T) {
	s := start(t)
	region := s.regions[0]
	client, bucket := s3.NewFromConfig(s.config(region)), s.state.Regions[region].Bucket
	if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Update(t.Context(), snapshot.FS())
	if err != nil || len(got.Made) != 2 || got.Made[0].Type != "AWS::S3::Bucket" || got.Made[1].Type != "AWS::S3::BucketPolicy" ||
		len(got.Updated) != 0 {
		t.Errorf("changes %+v (%v), want the bucket and its policy made", got, err)
	}
	if _, err := client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &bucket}); err != nil {
		t.Error(err)
	}
	if out, err := client.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: &bucket}); err != nil ||
		out.Status != types.BucketVersioningStatusEnabled {
		t.Errorf("versioning %v (%v), want it enabled", out.Status, err)
	}
	if again, err := s.Update(t.Context(), snapshot.FS()); err != nil || !again.none() {
		t.Errorf("again: %+v, %v, want nothing", again, err)
	}
}
