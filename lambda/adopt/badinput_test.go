package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-lambda-go/cfn"
)

// TestBadRequests has a row of cmd/s3fanout/testdata/bad-input.txt each: requests that CloudFormation
// does not send, and notifications that S3 does not have. Each is answered with one
// bounded line, writes nothing, and rolls back.
func TestBadRequests(t *testing.T) {
	with := func(announcement map[string]any) map[string]any {
		return map[string]any{"Bucket": "old", "Account": account, "IdPrefix": "s3fanout.media.", "Announcements": []any{announcement}}
	}
	overlapping := strings.Replace(theirs, "ObjectRemoved", "ObjectCreated", 1)
	for _, tt := range []struct {
		id            string
		kind          cfn.RequestType
		properties    map[string]any
		notifications string // of the bucket; empty for good ones
		want          string
	}{
		{"ad-01", cfn.RequestCreate, nil, "", "the resource's properties lack Bucket, Account or IdPrefix"},
		{"ad-02", cfn.RequestCreate, map[string]any{"Bucket": []any{}}, "", "read the resource's properties: "},
		{"ad-03", cfn.RequestCreate, with(map[string]any{"Id": "thumbs", "TopicArn": "t", "Events": []any{"e"}}), "",
			"its Id does not begin with s3fanout.media."},
		{"ad-04", cfn.RequestCreate, with(map[string]any{"Id": "s3fanout.media.1", "TopicArn": "t"}), "", "lacks TopicArn or Events"},
		{"ad-05", "Read", props("old"), "", `request type "Read" is not known`},
		{"ad-06", cfn.RequestCreate, props("old"), "<Other></Other>", "read a notification configuration: the root is Other"},
		{"ad-07", cfn.RequestCreate, props("old"), head + strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000) + tail,
			"nested too deep"},
		{"ad-08", cfn.RequestCreate, props("old"),
			head + strings.Replace(overlapping, "thumbs", strings.Repeat("\u00e9\n\u009b[2J", 3000), 1) + tail, "entry "},
	} {
		t.Run(tt.id, func(t *testing.T) {
			w := newWorld(t)
			if tt.notifications != "" {
				w.buckets["old"].notifications = tt.notifications
			}
			before := w.buckets["old"].notifications
			a, err := w.ask(t, t.Context(), cfn.Event{
				RequestType: tt.kind, PhysicalResourceID: map[bool]string{true: id}[tt.kind != cfn.RequestCreate],
				ResourceProperties: tt.properties,
			})
			if err != nil || a.Status != cfn.StatusFailed || !strings.Contains(a.Reason, tt.want) || w.writes != 0 {
				t.Fatalf("got %+v, %v", a, err)
			}
			if len(a.Reason) > 2*maxReason || strings.ContainsFunc(a.Reason, unicode.IsControl) {
				t.Errorf("%d bytes: %q", len(a.Reason), a.Reason)
			}
			if tt.kind == cfn.RequestCreate {
				rolled, err := w.ask(t, t.Context(), cfn.Event{
					RequestType: cfn.RequestDelete, PhysicalResourceID: a.PhysicalResourceID, ResourceProperties: tt.properties,
				})
				if err != nil || rolled.Status != cfn.StatusSuccess {
					t.Errorf("rolled back: %+v, %v", rolled, err)
				}
			}
			w.want(t, "after all", "old", before)
		})
	}
}
