package s3

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func createIn(name, location string) *sdk.CreateBucketInput {
	in := &sdk.CreateBucketInput{Bucket: &name}
	if location != "" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(location)}
	}
	return in
}

func TestBucketsOfRequests(t *testing.T) {
	w := newWorld(t)
	ctx, near, far := t.Context(), w.client(here), w.client(there)
	for _, tt := range []struct {
		name, location string
		client         *sdk.Client
		status         int
		code           string
	}{
		{"asked-here", "", near, 0, ""},
		{"asked-there", there, far, 0, ""},
		{"asked-here", "", near, 0, ""}, // again, as only us-east-1 has it
		{"asked-there", there, far, 409, "BucketAlreadyOwnedByYou"},
		{"asked-there", "", near, 409, "BucketAlreadyOwnedByYou"},
		{farBucket, there, far, 409, "BucketAlreadyOwnedByYou"},
		{"elsewhere", "", far, 400, "IllegalLocationConstraintException"},
		{"elsewhere", there, near, 400, "IllegalLocationConstraintException"},
		{"elsewhere", "mars-west-1", near, 400, "InvalidLocationConstraint"},
		{"elsewhere", here, near, 400, "InvalidLocationConstraint"},
		{"Not-A-Name", "", near, 400, "InvalidBucketName"},
	} {
		_, err := tt.client.CreateBucket(ctx, createIn(tt.name, tt.location))
		if tt.code != "" {
			wantCode(t, err, tt.status, tt.code)
		} else if err != nil {
			t.Errorf("%s in %q: %v", tt.name, tt.location, err)
		}
	}
	if out := w.put(t, there, "asked-there", "k", "x"); out.VersionId != nil {
		t.Errorf("a new bucket has versions: %s", *out.VersionId)
	}
	list, err := near.ListBuckets(ctx, &sdk.ListBucketsInput{Prefix: aws.String("asked-")})
	if err != nil || len(list.Buckets) != 2 || *list.Buckets[1].BucketRegion != there {
		t.Errorf("listed %+v (%v), want both with their Regions", list, err)
	}
	var names []string
	for p := sdk.NewListBucketsPaginator(near, &sdk.ListBucketsInput{MaxBuckets: aws.Int32(3)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Buckets {
			names = append(names, *b.Name)
		}
	}
	if got, want := strings.Join(names, " "), "asked-here asked-there "+hereBucket+" "+farBucket; got != want {
		t.Errorf("in pages %s, want %s", got, want)
	}

	_, err = far.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("asked-there")})
	wantCode(t, err, 409, "BucketNotEmpty")
	if _, err := far.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String("asked-there"), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := far.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("asked-there")}); err != nil {
		t.Error(err)
	}
	_, err = far.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("asked-there")})
	wantCode(t, err, 404, "NoSuchBucket")
	if w.service.HasBucket("asked-there") {
		t.Error("the service still has the bucket")
	}

	tagged := createIn("tagged", there)
	tagged.CreateBucketConfiguration.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	_, err = far.CreateBucket(ctx, tagged)
	wantCode(t, err, 501, "NotImplemented")
	if err == nil || !strings.Contains(err.Error(), "Tags of a bucket to create") {
		t.Errorf("%v does not name what is missing", err)
	}
	mayNot, _ := w.role(t, "may-not", statements([]grant{{"s3:CreateBucket", "other"}, {"s3:DeleteBucket", "other"}}))
	_, err = w.client(here, mayNot).CreateBucket(ctx, createIn("asked-again", ""))
	wantCode(t, err, 403, "AccessDenied")
	_, err = w.client(here, mayNot).DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("asked-here")})
	wantCode(t, err, 403, "AccessDenied")
}

// What requests have made and said is there when the service is started again.
func TestBucketsOfRequestsStay(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String("asked")
	if _, err := c.CreateBucket(ctx, createIn("asked", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{
		Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: b,
		NotificationConfiguration: &types.NotificationConfiguration{
			TopicConfigurations: []types.TopicConfiguration{{TopicArn: aws.String(topic), Events: []types.Event{"s3:ObjectCreated:Put"}}},
		}}); err != nil {
		t.Fatal(err)
	}
	w.reopen(t)
	w.messages(t)
	if out := w.put(t, here, "asked", "k", "x"); out.VersionId == nil {
		t.Error("the object has no version")
	}
	if m := w.messages(t); len(m) != 1 || m[0].Destination != topic {
		t.Errorf("%d messages, want one to the topic", len(m))
	}
}

func TestNotificationsOfRequests(t *testing.T) {
	w := newWorld(t)
	w.messages(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	put := func(skip bool, list ...types.TopicConfiguration) error {
		_, err := c.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{
			Bucket: b, SkipDestinationValidation: &skip,
			NotificationConfiguration: &types.NotificationConfiguration{TopicConfigurations: list},
		})
		return err
	}
	to := func(arn string, event types.Event, rules ...types.FilterRule) types.TopicConfiguration {
		return types.TopicConfiguration{
			Id: aws.String("n"), TopicArn: &arn, Events: []types.Event{event},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: rules}},
		}
	}
	prefix := types.FilterRule{Name: "prefix", Value: aws.String("in/")}
	if err := put(false, to(topic, "s3:ObjectRemoved:*", prefix)); err != nil {
		t.Fatal(err)
	}
	if m := w.messages(t); len(m) != 1 || !strings.Contains(string(m[0].Body), "s3:TestEvent") {
		t.Errorf("%d messages, want the test event", len(m))
	}
	got, err := c.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
	if err != nil || len(got.TopicConfigurations) != 1 || *got.TopicConfigurations[0].Filter.Key.FilterRules[0].Value != "in/" {
		t.Errorf("got %+v (%v), want what was put", got, err)
	}
	w.put(t, here, hereBucket, "in/k", "x")
	if m := w.messages(t); len(m) != 0 {
		t.Errorf("%d messages about what is not told any more", len(m))
	}
	for name, list := range map[string][]types.TopicConfiguration{
		"another Region's topic": {to(strings.Replace(topic, here, there, 1), "s3:ObjectCreated:*")},
		"no topic":               {to("arn:aws:sqs:"+here+":"+account+":queue", "s3:ObjectCreated:*")},
		"no ARN":                 {to("topic", "s3:ObjectCreated:*")},
		"an event of its own":    {to(topic, "s3:ObjectInvented:*")},
		"one event for two":      {to(topic, "s3:ObjectCreated:*"), to(topic, "s3:ObjectCreated:Put")},
		"a rule that is none":    {to(topic, "s3:ObjectCreated:*", types.FilterRule{Name: "infix", Value: aws.String("x")})},
		"two rules of one kind":  {to(topic, "s3:ObjectCreated:*", prefix, prefix)},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, put(false, list...), 400, "InvalidArgument") })
	}
	w.service.config.NotifyTest = func(context.Context, Notification) error { return errors.New("topic policy") }
	wantCode(t, put(false, to(topic, "s3:ObjectCreated:*")), 400, "InvalidArgument")
	if err := put(true, to(topic, "s3:ObjectCreated:*")); err != nil {
		t.Errorf("without validation: %v", err)
	}
	if err := put(false); err != nil {
		t.Errorf("nothing to notify: %v", err)
	}
	mayNot, _ := w.role(t, "may-not", statements([]grant{{"s3:GetBucketNotification", hereBucket}}))
	_, err = w.client(here, mayNot).PutBucketNotificationConfiguration(ctx,
		&sdk.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{}})
	wantCode(t, err, 403, "AccessDenied")
}
