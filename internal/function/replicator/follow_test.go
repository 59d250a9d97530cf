package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// recordingFollower remembers what it is asked.
type recordingFollower struct {
	mu     sync.Mutex
	got    []follow.Request
	result copier.Result
}

func (f *recordingFollower) Follow(_ context.Context, r follow.Request) (copier.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, r)
	return f.result, nil
}

// A change is followed as its key is, and is refused where it is not.
func TestChangesGoWhereTheirKeysAreFollowed(t *testing.T) {
	const marker, destroyed, tags = "ObjectRemoved:DeleteMarkerCreated", "ObjectRemoved:Delete", "ObjectTagging:Delete"
	at := time.Date(2026, 11, 20, 9, 59, 58, 500e6, time.UTC)
	source := func(key string) copier.Object {
		return copier.Object{Region: "us-east-1", Bucket: "media-us", Key: key, VersionID: "v1", Size: 7, ETag: "e1"}
	}
	unversioned := source("all/k")
	unversioned.VersionID = ""
	for _, tt := range []struct {
		name, event, key string
		want             *follow.Request // nil if the Follower is not asked
		copied           bool
		outcome          copier.Outcome
	}{
		{"an upload", "ObjectCreated:Put", "all/k", &follow.Request{Source: source("all/k"), At: at, Deletions: true, Tags: true}, false,
			copier.Superseded},
		{"a deletion", marker, "all/k", &follow.Request{Source: source("all/k"), At: at, Kind: follow.Deleted, Deletions: true, Tags: true},
			false, copier.Superseded},
		{"tags", tags, "all/k", &follow.Request{Source: source("all/k"), At: at, Kind: follow.Retagged, Deletions: true, Tags: true}, false,
			copier.Superseded},
		// bad input: fn-53
		{"a deletion without a version", destroyed, "all/k",
			&follow.Request{Source: unversioned, At: at, Kind: follow.Deleted, Deletions: true, Tags: true}, false, copier.Superseded},
		{"a version destroyed", destroyed, "all/k", nil, false, copier.Superseded},
		{"an overwrite", "ObjectCreated:Put", "some/k", &follow.Request{Source: source("some/k"), At: at}, false, copier.Superseded},
		{"a deletion that stays", marker, "some/k", nil, false, ""},
		{"tags that stay", tags, "some/k", nil, false, ""},
		{"an upload of a key that is not followed", "ObjectCreated:Put", "none/k", nil, true, copier.Copied},
		{"a deletion of one", marker, "none/k", nil, false, ""},
		{"a version of one destroyed", destroyed, "none/k", nil, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			copies, changes := &fakeCopier{}, &recordingFollower{result: copier.Result{Outcome: copier.Superseded}}
			h, out := newTestHandler(copies)
			h.Follower = changes
			h.Config.Follow = replicaset.FollowRules{Set: replicaset.Follow{Overwrites: true, Deletions: true, Tags: true},
				Filters: []replicaset.Filter{
					{Prefix: "some/", OwnFollow: true, Follow: replicaset.Follow{Overwrites: true}}, {Prefix: "none/", OwnFollow: true},
				}}
			record := changed(tt.event, tt.key)
			if tt.want != nil && tt.want.Source.VersionID == "" {
				record = strings.Replace(record, `"versionId":"v1",`, "", 1)
			}
			_, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(record)))
			if (tt.outcome == "") != errors.Is(err, event.ErrUnsupported) || (tt.outcome != "") != (err == nil) {
				t.Fatal(err)
			}
			if err != nil && !strings.Contains(err.Error(), "remove the rest from the bucket's notifications") {
				t.Errorf("%v does not say what to do", err)
			}
			if (tt.want == nil) != (len(changes.got) == 0) || tt.want != nil && !reflect.DeepEqual(changes.got[0], *tt.want) {
				t.Errorf("followed %+v, want %+v", changes.got, tt.want)
			}
			if tt.copied != (len(copies.got) == 1) {
				t.Errorf("copied %+v", copies.got)
			}
			if log := lines(t, out); tt.outcome != "" && log[0]["outcome"] != string(tt.outcome) {
				t.Errorf("logged %v", log)
			}
		})
	}
}

// A task of S3 Batch Operations has what its Region shows followed, replicas too.
func TestTasksAreFollowed(t *testing.T) {
	changes := &recordingFollower{result: copier.Result{Outcome: copier.Replaced}}
	h, _ := newTestHandler(&fakeCopier{})
	answer := answerOf(t, h.following(changes), batchOf("", task("t", "media-us", "k")))
	if len(changes.got) != 1 || !changes.got[0].Replicas || changes.got[0].Kind != follow.Written {
		t.Errorf("followed %+v", changes.got)
	}
	if got := answer.Results[0]; got.Code != succeeded || got.Text != "Replaced" {
		t.Errorf("answered %+v", got)
	}
}

// A copy in follow mode is handed over with the condition that it was begun on, and
// the invocation that goes on with it asks the Follower, not the Copier.
func TestFollowedCopyIsHandedOver(t *testing.T) {
	u := openUpload("upload-1")
	u.Condition = policy.Condition{IfMatch: "e0"}
	changes := &recordingFollower{result: copier.Result{Outcome: copier.Unfinished, Upload: &u, PartsDone: 3, PartsTotal: 4}}
	self, copies := &fakeSelf{}, &fakeCopier{}
	h, _ := newTestHandler(copies)
	if _, err := h.following(changes).with(self).Invoke(
		t.Context(), eventtest.Payload(eventtest.Message(eventtest.Upload("a+b"))),
	); err != nil || len(self.payloads) != 1 {
		t.Fatalf("got %v, and %d continuations", err, len(self.payloads))
	}
	changes.result = copier.Result{Outcome: copier.Replaced}
	answer, err := h.Invoke(t.Context(), self.payloads[0])
	if err != nil {
		t.Fatal(err)
	}
	var sum map[string]int
	if err := json.Unmarshal(answer, &sum); err != nil || sum["replaced"] != 1 {
		t.Errorf("answered %s, %v", answer, err)
	}
	want := u
	want.Handovers = 1
	if len(copies.got) != 0 || len(changes.got) != 2 || changes.got[1].Resume == nil || *changes.got[1].Resume != want {
		t.Errorf("copied %v, followed %+v", copies.got, changes.got)
	}
}
