package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bucketsOf reads what buckets say, separated by semicolons, each "-" for nothing,
// "<Region><second>" for a write that is shown, with * for its replica, and
// "(…)" for what a marker hides, "()" for a marker over nothing.
func bucketsOf(text string) []Bucket {
	var list []Bucket
	for i, s := range strings.Split(text, "; ") {
		b := Bucket{Region: string(rune('a' + i)), Presence: Absent}
		inner, hidden := strings.CutPrefix(s, "(")
		inner = strings.TrimSuffix(inner, ")")
		write, replica := strings.CutSuffix(inner, "*")
		var v Version
		if write != "" && write != "-" {
			var second int64
			_, _ = fmt.Sscanf(write[1:], "%d", &second)
			v = Version{
				ID: s, Read: true, Replica: replica, Modified: second, Write: Write{Region: write[:1], VersionID: write, Seconds: second},
				Figures: Figures{Size: 1, ETag: write},
			}
			if !replica {
				v.Write.VersionID = write
			}
		}
		switch {
		case hidden:
			b.Presence, b.Listed, b.Stack = Deleted, true, []Version{{ID: "m", Marker: true}}
			if v.Read {
				b.Stack = append(b.Stack, v)
			}
		case v.Read:
			b.Presence, b.Current = Present, v
		}
		list = append(list, b)
	}
	return list
}

func TestStand(t *testing.T) {
	type want = Standing
	for _, tt := range []struct {
		buckets string
		follow  Standing // with deletions
		shown   Standing // without
	}{
		{"-; -", want{Greatest: -1}, want{Greatest: -1}},
		{"a5; a5*; a5*", want{}, want{}},
		{"a5*; a5; -", want{Greatest: 1, Missing: []int{2}}, want{Greatest: 1, Missing: []int{2}}},
		{"a5; b6; a5*", want{Greatest: 1, Stale: []int{0, 2}}, want{Greatest: 1, Stale: []int{0, 2}}},
		{"a5; b5; b5*", want{Greatest: 1, Stale: []int{0}}, want{Greatest: 1, Stale: []int{0}}},
		{"(a5); a5*; -", want{Deleted: true, Undeleted: []int{1}}, want{Greatest: 1, Missing: []int{0, 2}, Hidden: []int{0}}},
		{"(a5); (a5*); -", want{Deleted: true}, want{Greatest: -1}},
		{"(a5); b4; -", want{Deleted: true, Undeleted: []int{1}}, want{Greatest: 1, Missing: []int{0, 2}, Hidden: []int{0}}},
		{"(a5); b6; -", want{Greatest: 1, Missing: []int{0, 2}, Hidden: []int{0}},
			want{Greatest: 1, Missing: []int{0, 2}, Hidden: []int{0}}},
		{"(); b6; b6*", want{Greatest: 1, Missing: []int{0}, Hidden: []int{0}}, want{Greatest: 1, Missing: []int{0}, Hidden: []int{0}}},
		{"(); -; -", want{Greatest: -1}, want{Greatest: -1}},
	} {
		buckets := bucketsOf(tt.buckets)
		if got := (Orders{}).Stand(buckets, true); !reflect.DeepEqual(got, tt.follow) {
			t.Errorf("%s: got %+v, want %+v", tt.buckets, got, tt.follow)
		}
		if got := (Orders{}).Stand(buckets, false); !reflect.DeepEqual(got, tt.shown) {
			t.Errorf("%s, without deletions: got %+v, want %+v", tt.buckets, got, tt.shown)
		}
	}
}

// Two writes of one Region in one second are ordered by its stack, which has to be
// known; and what was written before follow mode is one write if it is the same.
func TestStandAsks(t *testing.T) {
	older := Version{ID: "1", Read: true, Write: Write{"a", "1", 5}, Figures: Figures{Size: 1, ETag: "x"}}
	newer := Version{ID: "2", Read: true, Write: Write{"a", "2", 5}, Figures: Figures{Size: 1, ETag: "y"}}
	replica := older
	replica.Replica = true
	buckets := []Bucket{{Region: "a", Presence: Present, Current: newer}, {Region: "b", Presence: Present, Current: replica}}
	if got := (Orders{}).Stand(buckets, true); got.Ask != "a" || got.Converged() {
		t.Errorf("got %+v", got)
	}
	known := Orders{Stacks: map[string][]Version{"a": {newer, older}}}
	if got := known.Stand(buckets, true); got.Ask != "" || got.Greatest != 0 || !reflect.DeepEqual(got.Stale, []int{1}) {
		t.Errorf("got %+v", got)
	}
	legacy := bucketsOf("a5; b6; -")
	legacy[1].Current.ETag = legacy[0].Current.ETag
	if got := (Orders{Since: 7}).Stand(legacy, true); len(got.Stale) != 0 || !reflect.DeepEqual(got.Missing, []int{2}) {
		t.Errorf("got %+v", got)
	}
}

// Whatever buckets say, each place is in one list at most, what is converged shows
// one write or none, and following from the greatest to all others, as DecideFollow
// has it, changes those places that are named and no others.
func TestStandAgreesWithDecideFollow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var parts []string
		for i := range rapid.IntRange(2, 4).Draw(rt, "buckets") {
			write := fmt.Sprintf("%c%d", 'a'+rapid.IntRange(0, 3).Draw(rt, "region"), rapid.IntRange(1, 4).Draw(rt, "second"))
			if write[0] != byte('a'+i) {
				write += "*"
			}
			parts = append(parts, rapid.SampledFrom([]string{"-", write, "(" + write + ")", write}).Draw(rt, "state"))
		}
		buckets := bucketsOf(strings.Join(parts, "; "))
		s := (Orders{}).Stand(buckets, true)
		if s.Ask != "" {
			rt.Fatalf("%v: asks for %s", parts, s.Ask)
		}
		named := map[int]bool{}
		for _, list := range [][]int{s.Missing, s.Stale, s.Undeleted} {
			for _, i := range list {
				if named[i] || i == s.Greatest {
					rt.Errorf("%v: %d is named twice, or is the greatest: %+v", parts, i, s)
				}
				named[i] = true
			}
		}
		if s.Greatest < 0 {
			return
		}
		for i, target := range buckets {
			if i == s.Greatest {
				continue
			}
			step := DecideFollow(Following{
				Source: buckets[s.Greatest], Target: target, Now: 100, Deletions: true, Replicas: true, Origin: Present,
			})
			switch acts := step.Action == Copy || step.Action == Delete; {
			case acts && !named[i]:
				rt.Errorf("%v: %+v to %d, which is not named: %+v", parts, step, i, s)
			case !acts && named[i]:
				rt.Errorf("%v: %+v to %d, which is named: %+v", parts, step, i, s)
			}
		}
	})
}

// Replicas of one write from before Since may be older and younger than another
// write. Whatever the order of the buckets, all that is not the greatest is stale.
func TestStandOfReplicasFromBefore(t *testing.T) {
	old := func(region, contents string, second int64) Bucket {
		v := Version{ID: region, Modified: second, Figures: Figures{Size: 1, ETag: contents}}.ReadAs(region, "k", "")
		return Bucket{Region: region, Presence: Present, Current: v}
	}
	younger, other, older := old("a", "x", 60), old("b", "y", 40), old("c", "x", 20)
	for _, buckets := range [][]Bucket{
		{younger, other, older}, {younger, older, other}, {other, younger, older}, {other, older, younger}, {older, younger, other},
		{older, other, younger},
	} {
		s := Orders{Since: 100}.Stand(buckets, true)
		if s.Greatest < 0 || len(s.Stale) != 1 || buckets[s.Greatest].Region != "a" || buckets[s.Stale[0]].Region != "b" {
			t.Errorf("%s, %s, %s: %+v", buckets[0].Region, buckets[1].Region, buckets[2].Region, s)
		}
	}
}

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		buckets   string
		deletions bool
		destroyed bool
		want      []KeyStatus
	}{
		{"-; -", true, false, []KeyStatus{StatusConverged, StatusConverged}},
		{"a5; a5*; -", true, false, []KeyStatus{StatusConverged, StatusConverged, StatusMissing}},
		{"a5; b6; -", true, false, []KeyStatus{StatusStale, StatusConverged, StatusMissing}},
		{"a5; -; b6*", true, true, []KeyStatus{StatusDestroyedStale, StatusDestroyed, StatusConverged}},
		{"(a5); a5*; b4", true, false, []KeyStatus{StatusConverged, StatusUndeleted, StatusUndeletedOther}},
		{"(a5); a5*; -", false, false, []KeyStatus{StatusLeftDeleted, StatusConverged, StatusMissing}},
		{"(a4); b5; -", false, false, []KeyStatus{StatusMissing, StatusConverged, StatusMissing}},
	} {
		buckets, o := bucketsOf(tt.buckets), Orders{}
		s := o.Stand(buckets, tt.deletions)
		s.Destroyed = tt.destroyed
		var got []KeyStatus
		for i := range buckets {
			got = append(got, o.At(s, buckets, i))
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.buckets, got, tt.want)
		}
	}
}
