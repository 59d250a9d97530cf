package s3

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/iam"
)

// notifyingBucket makes a bucket that sends events of everything.
func (w *world) notifyingBucket(t *testing.T, name string, versioned bool) {
	t.Helper()
	err := w.service.CreateBucket(t.Context(), here, BucketConfig{Name: name, Versioned: versioned,
		Notifications: Notifications{Rules: []NotificationRule{
			{ARN: topic, Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"}},
		}}})
	if err != nil {
		t.Fatal(err)
	}
	w.messages(t)
}

// objectOf returns a message's event and the members of its object, without
// those that are given by value.
func objectOf(t *testing.T, n Notification) (event string, object map[string]any) {
	t.Helper()
	var m struct {
		Records []struct {
			EventName string
			S3        struct{ Object map[string]any }
		}
	}
	if err := json.Unmarshal(n.Body, &m); err != nil || len(m.Records) != 1 {
		t.Fatal(string(n.Body), err)
	}
	return m.Records[0].EventName, m.Records[0].S3.Object
}

// An event about a deletion or about tags has its own members, and only those.
func TestEventsOfDeletionsAndTags(t *testing.T) {
	w := newWorld(t)
	w.notifyingBucket(t, "versioned", true)
	w.notifyingBucket(t, "flat", false)
	ctx, c := t.Context(), w.client(here)
	tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
	for _, bucket := range []string{"versioned", "flat"} {
		b, k := aws.String(bucket), aws.String("a key")
		put := w.put(t, here, bucket, *k, "x")
		_, created := objectOf(t, w.messages(t)[0])
		last := created["sequencer"].(string)
		etag := strings.Trim(*put.ETag, `"`)
		// member names the version where there are some.
		member := func(want map[string]any, version *string) map[string]any {
			want["key"] = "a+key"
			if bucket == "versioned" {
				want["versionId"] = *version
			}
			return want
		}
		var marker *string
		for _, step := range []struct {
			name string
			do   func() error
			want func() map[string]any
		}{
			{"ObjectTagging:Put", func() error {
				_, err := c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: tags})
				return err
			}, func() map[string]any { return member(map[string]any{"eTag": etag}, put.VersionId) }},
			{"ObjectTagging:Delete", func() error {
				_, err := c.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: b, Key: k, VersionId: put.VersionId})
				return err
			}, func() map[string]any { return member(map[string]any{"eTag": etag}, put.VersionId) }},
			{"ObjectRemoved:DeleteMarkerCreated", func() error {
				out, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k})
				if err == nil {
					marker = out.VersionId
				}
				return err
			}, func() map[string]any {
				return member(map[string]any{"eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": true}, marker)
			}},
			{"ObjectRemoved:Delete", func() error {
				_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: put.VersionId})
				return err
			}, func() map[string]any { return member(map[string]any{"sequencer": true}, put.VersionId) }},
		} {
			if bucket == "flat" && step.name == "ObjectRemoved:DeleteMarkerCreated" {
				continue
			}
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			m := w.messages(t)
			if len(m) != 1 {
				t.Fatalf("%s of %s: %d messages, want 1", step.name, bucket, len(m))
			}
			event, object := objectOf(t, m[0])
			if sequencer, ok := object["sequencer"].(string); ok {
				if sequencer <= last {
					t.Errorf("%s: sequencer %s does not follow %s", step.name, sequencer, last)
				}
				last, object["sequencer"] = sequencer, true
			}
			if event != step.name || fmt.Sprint(object) != fmt.Sprint(step.want()) {
				t.Errorf("%s of %s: %s %v, want %v", step.name, bucket, event, object, step.want())
			}
		}
		// Nothing is gone: nothing is told, but of a marker.
		if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("never")}); err != nil {
			t.Fatal(err)
		}
		if m := w.messages(t); len(m) != map[string]int{"versioned": 1}[bucket] {
			t.Errorf("%s: %d messages about a key that was never there", bucket, len(m))
		}
	}
}

// A deletion's condition is decided with it, on the current version.
func TestConditionalDelete(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	etag := w.put(t, here, hereBucket, "k", "x").ETag
	remove := func(c *sdk.Client, key string, condition *string) error {
		_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: &key, IfMatch: condition})
		return err
	}
	wantCode(t, remove(c, "k", aws.String(`"0123"`)), 412, "PreconditionFailed")
	wantCode(t, remove(c, "never", etag), 404, "NoSuchKey")
	blind, _ := w.role(t, "blind", statements([]grant{{"s3:DeleteObject", hereBucket + "/*"}}))
	wantCode(t, remove(w.client(here, blind), "k", etag), 403, "AccessDenied")
	reading, _ := w.role(t, "reading", statements([]grant{{"s3:DeleteObject", hereBucket + "/*"}, {"s3:GetObject", hereBucket + "/*"}}))
	if err := remove(w.client(here, reading), "k", etag); err != nil {
		t.Error(err)
	}
	wantCode(t, remove(c, "k", aws.String("*")), 412, "PreconditionFailed")
	w.put(t, here, hereBucket, "k", "y")
	if err := remove(w.client(here, blind), "k", aws.String("*")); err != nil {
		t.Error(err)
	}
	// In a batch each object has its own.
	etag = w.put(t, here, hereBucket, "one", "x").ETag
	w.put(t, here, hereBucket, "two", "y")
	out, err := c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("one"), ETag: etag}, {Key: aws.String("two"), ETag: etag},
	}}})
	if err != nil || len(out.Deleted) != 1 || *out.Deleted[0].Key != "one" || len(out.Errors) != 1 ||
		*out.Errors[0].Code != "PreconditionFailed" {
		t.Errorf("got %+v (%v), want one deleted and two refused", out, err)
	}
}

// A write that names the version it replaces needs it, and may learn of it.
func TestConditionalOverwrite(t *testing.T) {
	w := newWorld(t)
	put := func(condition *string, c ...iam.Credentials) (*sdk.PutObjectOutput, error) {
		return w.client(here, c...).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"), IfMatch: condition,
		})
	}
	_, err := put(aws.String(`"0123"`))
	wantCode(t, err, 404, "NoSuchKey")
	out, err := put(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = put(aws.String(`"0123"`))
	wantCode(t, err, 412, "PreconditionFailed")
	if _, err := put(out.ETag); err != nil {
		t.Error(err)
	}
	writer, _ := w.role(t, "writer", statements([]grant{{"s3:PutObject", hereBucket + "/*"}}))
	_, err = put(out.ETag, writer)
	wantCode(t, err, 403, "AccessDenied")
	if _, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"),
	}); err != nil {
		t.Fatal(err)
	}
	_, err = put(out.ETag)
	wantCode(t, err, 404, "NoSuchKey")
}

// A bucket whose versioning is suspended writes null versions over each other,
// and keeps the others.
func TestSuspendedVersioning(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	set := func(status types.BucketVersioningStatus) {
		t.Helper()
		_, err := c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{
			Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
		})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b}); err != nil || out.Status != status {
			t.Fatalf("versioning is %v (%v), want %s", out.Status, err, status)
		}
	}
	first := w.put(t, here, hereBucket, "k", "one").VersionId
	set(types.BucketVersioningStatusSuspended)
	for _, body := range []string{"two", "three"} {
		if out := w.put(t, here, hereBucket, "k", body); aws.ToString(out.VersionId) != "null" {
			t.Errorf("version %q, want null", aws.ToString(out.VersionId))
		}
	}
	if got := w.get(t, here, hereBucket, "k"); got != "three" {
		t.Errorf("got %q, want three", got)
	}
	list := func() (ids []string) {
		out, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Versions {
			ids = append(ids, *v.VersionId)
		}
		for _, m := range out.DeleteMarkers {
			ids = append(ids, "marker "+*m.VersionId)
		}
		return ids
	}
	if got, want := list(), []string{"null", *first}; !slices.Equal(got, want) {
		t.Errorf("versions %q, want %q", got, want)
	}
	out, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil || aws.ToString(out.VersionId) != "null" || !aws.ToBool(out.DeleteMarker) {
		t.Errorf("deleted as %+v (%v), want a null marker", out, err)
	}
	if got, want := list(), []string{*first, "marker null"}; !slices.Equal(got, want) {
		t.Errorf("versions %q, want %q", got, want)
	}
	set(types.BucketVersioningStatusEnabled)
	if out := w.put(t, here, hereBucket, "k", "four"); aws.ToString(out.VersionId) == "null" {
		t.Error("a null version with versioning enabled")
	}
	_, err = c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{}})
	wantCode(t, err, 400, "IllegalVersioningConfigurationException")
}

// The version of a delete marker cannot be read, but says when it was made.
func TestDeleteMarkersVersionIsNotAllowed(t *testing.T) {
	w := newWorld(t)
	out, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		status, header, _ := do(t, w.raw(t, method, "/"+hereBucket+"/k?versionId="+*out.VersionId, emptyHash, nil))
		if status != http.StatusMethodNotAllowed || header.Get("x-amz-delete-marker") != "true" || header.Get("Last-Modified") == "" ||
			header.Get("Allow") != "DELETE" {
			t.Errorf("%s: %d %v, want 405 with the marker's time", method, status, header)
		}
		status, header, _ = do(t, w.raw(t, method, "/"+hereBucket+"/k", emptyHash, nil))
		if status != http.StatusNotFound || header.Get("x-amz-delete-marker") != "true" {
			t.Errorf("%s without the version: %d %v, want 404 with the marker", method, status, header)
		}
	}
}
