package health

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

// A set that follows changes is asked what became of them, for what it follows and
// nothing else: each metric costs.
func TestMeasureWhatIsFollowed(t *testing.T) {
	for _, c := range []struct {
		follow replicaset.Follow
		asked  []string
	}{
		{replicaset.Follow{}, nil},
		{replicaset.Follow{Overwrites: true}, []string{"Replaced", "Superseded", "Waited"}},
		{replicaset.Follow{Overwrites: true, Deletions: true}, []string{"Deleted", "Replaced", "Superseded", "Waited"}},
		{replicaset.Follow{Overwrites: true, Tags: true}, []string{"Replaced", "Retagged", "Superseded", "Waited"}},
	} {
		cloud := &recorded{asked: map[string]bool{}, values: map[string][]float64{
			"s3fanout Replaced Sum ReplicaSet=media TargetRegion=us-east-1": {1, 2},
			"s3fanout Deleted Sum ReplicaSet=media TargetRegion=us-east-1":  {7},
		}}
		set := testSet()
		set.Follow = c.follow
		got, err := Measure(t.Context(), Options{Set: set, Clients: map[string]Clients{"us-east-1": {CloudWatch: cloud}}},
			[]string{"us-east-1"}, time.Unix(1_800_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		var asked []string
		for name := range cloud.asked {
			if words := strings.Fields(name); words[0] == "s3fanout" && words[1] != "ReplicationLag" && words[1] != "Diverged" {
				asked = append(asked, words[1])
			}
		}
		slices.Sort(asked)
		if !slices.Equal(asked, c.asked) {
			t.Errorf("%+v: asked for %q, want %q", c.follow, asked, c.asked)
		}
		three, seven := 3.0, 7.0
		var want *Followed
		if c.follow.Overwrites {
			want = &Followed{Replaced: &three}
			if c.follow.Deletions {
				want.Deleted = &seven
			}
		}
		if !reflect.DeepEqual(got["us-east-1"].Followed, want) {
			t.Errorf("%+v: got %+v, want %+v", c.follow, got["us-east-1"].Followed, want)
		}
	}
}
