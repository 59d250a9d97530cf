package replicator

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/replicaset"
)

// fakeFollower ends each change as it says by key.
type fakeFollower map[string]copier.Result

func (f fakeFollower) Follow(_ context.Context, r follow.Request) (copier.Result, error) {
	result := f[r.Source.Key]
	if result.Outcome == "" {
		return result, errors.New("no")
	}
	return result, nil
}

// following has the handler follow everything.
func (h *Handler) following(f Follower) *Handler {
	h.Config.Follow.Set = replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}
	h.Follower = f
	return h
}

func changed(name, key string) string {
	return strings.Replace(eventtest.Upload(key), "ObjectCreated:Put", name, 1)
}

func TestMetricsOfWhatIsFollowed(t *testing.T) {
	const deletion, tagging = "ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put"
	made := map[string]float64{
		"ReplicationLag" + inPair + "Milliseconds": 1500, "ReplicationLag" + inHere + "Milliseconds": 1500,
	}
	with := func(more map[string]float64) map[string]float64 {
		all := maps.Clone(made)
		maps.Copy(all, more)
		return all
	}
	for _, tt := range []struct {
		name, record string
		result       copier.Result
		want         map[string]float64
	}{
		{"copied", eventtest.Upload("k"), copier.Result{Outcome: copier.Copied, Bytes: 7}, made},
		{"replaced", eventtest.Upload("k"), copier.Result{Outcome: copier.Replaced, Bytes: 7},
			with(map[string]float64{"Replaced" + inHere + "Count": 1})},
		{"replaced after a wait", eventtest.Upload("k"), copier.Result{Outcome: copier.Replaced, Bytes: 7, Waited: 500 * time.Millisecond},
			with(map[string]float64{"Replaced" + inHere + "Count": 1, "Waited" + inHere + "Count": 1})},
		{"superseded", eventtest.Upload("k"), copier.Result{Outcome: copier.Superseded},
			map[string]float64{"Superseded" + inHere + "Count": 1}},
		{"deleted", changed(deletion, "k"), copier.Result{Outcome: copier.Deleted}, map[string]float64{"Deleted" + inHere + "Count": 1}},
		{"deleted after a wait", changed(deletion, "k"), copier.Result{Outcome: copier.Deleted, Waited: time.Second},
			map[string]float64{"Deleted" + inHere + "Count": 1, "Waited" + inHere + "Count": 1}},
		{"retagged", changed(tagging, "k"), copier.Result{Outcome: copier.Retagged}, map[string]float64{"Retagged" + inHere + "Count": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, out := newTestHandler(&fakeCopier{})
			_, err := h.following(fakeFollower{"k": tt.result}).with(&fakeSelf{}).Invoke(t.Context(),
				eventtest.Payload(eventtest.Message(tt.record)))
			if err != nil {
				t.Fatal(err)
			}
			if got := metricsOf(t, out.String()); !maps.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}
