package s3

import (
	"context"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// show is an operation that shows a bucket's configuration, and the action
// that it needs.
type show struct {
	action string
	call   func(context.Context, *sdk.Client, *string) (any, error)
}

func shows() map[string]show {
	return map[string]show{
		"GetBucketNotificationConfiguration": {"s3:GetBucketNotification",
			func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
				out, err := c.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
				if err != nil {
					return nil, err
				}
				return out.TopicConfigurations, nil
			}},
		"GetBucketLifecycleConfiguration": {"s3:GetLifecycleConfiguration",
			func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
				out, err := c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
				if err != nil {
					return nil, err
				}
				return out.Rules, nil
			}},
		"GetPublicAccessBlock": {"s3:GetBucketPublicAccessBlock", func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
			out, err := c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.PublicAccessBlockConfiguration, nil
		}},
		"GetBucketOwnershipControls": {"s3:GetBucketOwnershipControls", func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
			out, err := c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.OwnershipControls.Rules, nil
		}},
		"GetBucketEncryption": {"s3:GetEncryptionConfiguration", func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
			out, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm, nil
		}},
		"GetBucketVersioning": {"s3:GetBucketVersioning", func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
			out, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.Status, nil
		}},
		"GetBucketLocation": {"s3:GetBucketLocation", func(ctx context.Context, c *sdk.Client, b *string) (any, error) {
			out, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.LocationConstraint, nil
		}},
	}
}

func TestConfigurationIsShown(t *testing.T) {
	w := newWorld(t)
	const made = "made-with-everything"
	err := w.service.CreateBucket(t.Context(), there, BucketConfig{
		Name: made, Versioned: true,
		Notifications: Notifications{
			Rules: []NotificationRule{
				{ID: "n", ARN: "arn:aws:sns:" + there + ":" + account + ":topic", Events: []string{"s3:ObjectCreated:*"},
					Filter: KeyFilter("in/", ".bin")},
			},
		},
		Lifecycle:    []LifecycleRule{{ID: "abort", Status: "Enabled", AbortUploadsAfterDays: 7}},
		Ownership:    "ObjectWriter",
		PublicAccess: &PublicAccessBlock{BlockPublicACLs: true, RestrictPublicBuckets: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	const plain = "made-with-nothing"
	if err := w.service.CreateBucket(t.Context(), here, BucketConfig{Name: plain}); err != nil {
		t.Fatal(err)
	}
	yes, no := aws.Bool(true), aws.Bool(false)
	for _, c := range []struct {
		operation, region, bucket string
		want                      any // nil: NoSuchLifecycleConfiguration
	}{
		{"GetBucketNotificationConfiguration", there, made, []types.TopicConfiguration{{
			Id: aws.String("n"), TopicArn: aws.String("arn:aws:sns:" + there + ":" + account + ":topic"),
			Events: []types.Event{"s3:ObjectCreated:*"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{
				{Name: "Prefix", Value: aws.String("in/")}, {Name: "Suffix", Value: aws.String(".bin")},
			}}},
		}}},
		{"GetBucketNotificationConfiguration", here, plain, []types.TopicConfiguration(nil)},
		{"GetBucketLifecycleConfiguration", there, made, []types.LifecycleRule{{
			ID: aws.String("abort"), Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
		}}},
		{"GetBucketLifecycleConfiguration", here, plain, nil},
		{"GetPublicAccessBlock", there, made,
			&types.PublicAccessBlockConfiguration{
				BlockPublicAcls: yes, IgnorePublicAcls: no, BlockPublicPolicy: no, RestrictPublicBuckets: yes,
			}},
		{"GetPublicAccessBlock", here, plain,
			&types.PublicAccessBlockConfiguration{
				BlockPublicAcls: yes, IgnorePublicAcls: yes, BlockPublicPolicy: yes, RestrictPublicBuckets: yes,
			}},
		{"GetBucketOwnershipControls", there, made, []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}},
		{"GetBucketOwnershipControls", here, plain, []types.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerEnforced"}}},
		{"GetBucketEncryption", here, plain, types.ServerSideEncryption("AES256")},
		{"GetBucketVersioning", there, made, types.BucketVersioningStatusEnabled},
		{"GetBucketVersioning", here, plain, types.BucketVersioningStatus("")},
		{"GetBucketLocation", there, made, types.BucketLocationConstraint(there)},
		{"GetBucketLocation", here, plain, types.BucketLocationConstraint("")}, // us-east-1 has none
	} {
		got, err := shows()[c.operation].call(t.Context(), w.client(c.region), &c.bucket)
		if c.want == nil {
			wantCode(t, err, 404, "NoSuchLifecycleConfiguration")
		} else if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s of %s: %+v, %v; want %+v", c.operation, c.bucket, got, err, c.want)
		}
	}
}

func TestConfigurationIsForThoseWhoMay(t *testing.T) {
	w := newWorld(t)
	b := aws.String(hereBucket)
	for name, s := range shows() {
		t.Run(name, func(t *testing.T) {
			may, _ := w.role(t, "may-"+name, statements([]grant{{s.action, hereBucket}}))
			_, err := s.call(t.Context(), w.client(here, may), b)
			if name == "GetBucketLifecycleConfiguration" {
				wantCode(t, err, 404, "NoSuchLifecycleConfiguration")
			} else if err != nil {
				t.Errorf("with %s: %v", s.action, err)
			}
			mayNot, _ := w.role(t, "may-not-"+name, statements([]grant{{"s3:List*", hereBucket}, {"s3:Get*", hereBucket + "/*"}}))
			_, err = s.call(t.Context(), w.client(here, mayNot), b)
			wantCode(t, err, 403, "AccessDenied")
			_, err = s.call(t.Context(), w.client(here), aws.String("ghost"))
			wantCode(t, err, 404, "NoSuchBucket")
		})
	}
}
