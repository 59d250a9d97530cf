package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/fault"
)

// followContext is a set that follows everything, and of some keys less.
const followContext = `{"s3fanout":{"name":"follow","regions":["us-east-1","eu-west-1","ap-northeast-1"],
	"follow":["overwrites","deletions","tags"],"filters":[{"prefix":"films/"},{"prefix":"logs/","follow":[]},{"prefix":"a b/","suffix":".jpg","follow":["overwrites"]}]}}`

// followConfig writes the set's cdk.json.
func followConfig(t *testing.T) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+followContext+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// A set that follows is deployed as doctor wants it, and doctor tells what was
// changed since.
func TestDoctorOfASetThatFollows(t *testing.T) {
	t.Parallel()
	w := start(t, synthesize(t, followContext))
	config := followConfig(t)
	w.wantHealthOf(config, nil)

	bucket := aws.String(w.bucket("eu-west-1"))
	c := w.s3("eu-west-1")
	announced, err := c.GetBucketNotificationConfiguration(t.Context(), &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
	if err != nil {
		t.Fatal(err)
	}
	kept := slices.DeleteFunc(announced.TopicConfigurations, func(n s3types.TopicConfiguration) bool {
		return slices.Contains(n.Events, "s3:ObjectRemoved:DeleteMarkerCreated")
	})
	if _, err := c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: bucket, NotificationConfiguration: &s3types.NotificationConfiguration{TopicConfigurations: kept},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.sandbox.SetFault(fault.Fault{Region: "us-east-1", Kind: fault.S3Clock, Rate: 1, ClockMillis: 60_000}); err != nil {
		t.Fatal(err)
	}
	w.wantHealthOf(config, []string{"eu-west-1 bucket-follow-events", "eu-west-1 bucket-versioning", "us-east-1 s3-clocks"})
}
