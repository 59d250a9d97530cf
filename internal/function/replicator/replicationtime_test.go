package replicator

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
)

// What a late record's line says, by how it ended. The event is of 09:59:58.5, the
// attempt ends a day later.
func TestLateRecordsAreNamed(t *testing.T) {
	day := func(key string) string {
		return strings.Replace(eventtest.Upload(key), "2026-11-20T", "2026-11-19T", 1)
	}
	for _, c := range []struct {
		name, record, want string
	}{
		{"in time", eventtest.Upload("small"), ""},
		{"late, and there now", day("small"), "OperationReplicatedAfterThreshold"},
		{"late, and failed again", day("failing"), "OperationMissedThreshold"},
		{"late, and goes on in another invocation", day("large"), "OperationMissedThreshold"},
		{"late, but it was there before", day("there"), ""},
		{"late, but nothing to do", day("gone"), ""},
		{"without a time", strings.Replace(eventtest.Upload("small"), "2026-11-20T09:59:58.500Z", "yesterday", 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, out := newTestHandler(&fakeCopier{
				err:     map[string]error{"failing": errors.New("no")},
				uploads: map[string]copier.Upload{"large": openUpload("upload-1")},
				outcome: map[string]copier.Outcome{"there": copier.Exists, "gone": copier.SourceGone},
			})
			_, err := h.with(&fakeSelf{}).Invoke(t.Context(), eventtest.Payload(eventtest.Message(c.record)))
			if failed := err != nil; failed != strings.Contains(c.record, "failing") {
				t.Fatal(err)
			}
			said := ""
			for _, line := range lines(t, out) {
				if s, ok := line["replicationTime"].(string); ok {
					said += s
				}
			}
			if said != c.want {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
}

// Each late record is announced once, with what a rule has to know; a bus that does
// not take it changes nothing but the log.
func TestLateRecordsAreAnnounced(t *testing.T) {
	for _, refused := range []error{nil, errors.New("AccessDeniedException: no")} {
		h, out := newTestHandler(&fakeCopier{})
		var got []Late
		h.Announce = func(ctx context.Context, late Late) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the event may be waited for as long as it takes")
			}
			got = append(got, late)
			return refused
		}
		late := strings.Replace(eventtest.Upload("late"), "2026-11-20T", "2026-11-19T", 1)
		answer, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(late), eventtest.Message(eventtest.Upload("small"))))
		if err != nil || !strings.Contains(string(answer), `"copied":2`) {
			t.Fatalf("%s, %v", answer, err)
		}
		want := []Late{{
			Type: "OperationReplicatedAfterThreshold", ReplicaSet: "media", SourceRegion: "us-east-1", SourceBucket: "media-us",
			TargetRegion: "eu-west-1", TargetBucket: "media-eu",
			Key: "late", VersionID: "v1", S3Operation: "ObjectCreated:Put", RequestTime: time.Date(2026, 11, 19, 9, 59, 58, 5e8, time.UTC),
			AgeSeconds: 86401.5, ThresholdSeconds: 900,
		}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if said := strings.Contains(out.String(), "event of a late replica not sent"); said != (refused != nil) {
			t.Errorf("with %v the log says\n%s", refused, out)
		}
	}
}

func TestReplicationTime(t *testing.T) {
	failed := errors.New("no")
	const after = 15 * time.Minute
	for _, c := range []struct {
		age     time.Duration
		outcome copier.Outcome
		err     error
		want    string
	}{
		{after, copier.Copied, nil, ""},
		{after, "", failed, ""},
		{after + 1, copier.Copied, nil, afterThreshold},
		{after + 1, copier.Replaced, nil, afterThreshold},
		{after + 1, copier.Deleted, nil, afterThreshold},
		{after + 1, copier.Retagged, nil, afterThreshold},
		{after + 1, copier.Unfinished, nil, missedThreshold},
		{after + 1, "", failed, missedThreshold},
		{after + 1, copier.Exists, nil, ""},
		{after + 1, copier.Diverged, nil, ""},
		{after + 1, copier.SourceGone, nil, ""},
		{after + 1, copier.Superseded, nil, ""},
		{after + 1, Excluded, nil, ""},
	} {
		if got := replicationTime(c.age, after, c.outcome, c.err); got != c.want {
			t.Errorf("%v %s %v: %q, want %q", c.age, c.outcome, c.err, got, c.want)
		}
	}
}
