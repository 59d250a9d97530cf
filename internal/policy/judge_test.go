package policy

import (
	"reflect"
	"testing"
	"time"
)

func at(second int, size int64, etag string, checksums ...Checksum) State {
	return State{Presence: Present, Figures: Figures{Size: size, ETag: etag, Checksums: checksums}, Modified: time.Unix(int64(second), 0)}
}

func full(value string) Checksum { return Checksum{"CRC32", FullObject, value} }

func TestJudge(t *testing.T) {
	absent, deleted := State{Presence: Absent}, State{Presence: Deleted}
	tagged := func(s State, value string) State { s.Tags = map[string]string{"t": value}; return s }
	for _, tt := range []struct {
		name   string
		states []State
		want   Verdict
	}{
		{"the same", []State{at(1, 1, "a"), at(2, 1, "a")}, Verdict{}},
		{"nobody told", []State{{}, {}}, Verdict{Nowhere: true}},
		{"what nobody told is no absence", []State{at(1, 1, "a"), {}}, Verdict{}},
		{"nowhere", []State{absent, deleted}, Verdict{Nowhere: true, Absent: []int{0, 1}, Deleted: []int{1}}},
		{"missing", []State{absent, at(1, 1, "a"), deleted}, Verdict{Absent: []int{0, 2}, Deleted: []int{2}}},
		{"the first write wins", []State{at(3, 1, "b"), at(1, 1, "a"), at(2, 1, "a")}, Verdict{Different: []int{0}, Why: "etag"}},
		{"missing and different", []State{at(1, 1, "a"), absent, at(2, 2, "b")},
			Verdict{Absent: []int{1}, Different: []int{2}, Why: "size"}},
		{"tags", []State{tagged(at(1, 1, "a"), "1"), tagged(at(2, 1, "a"), "2")}, Verdict{Different: []int{1}, Why: "tags"}},
		{"tags of one are not known", []State{tagged(at(1, 1, "a"), "1"), at(2, 1, "a")}, Verdict{}},
		{"nothing but sizes", []State{at(1, 1, "a-2"), at(2, 1, "b-2")}, Verdict{SizeOnly: true}},
		{"nothing but sizes, and missing", []State{at(1, 1, "a-2"), at(2, 1, "b-2"), absent}, Verdict{Absent: []int{2}, SizeOnly: true}},
		// Two could not be compared, but a third is the same as either.
		{"a third tells", []State{at(1, 1, "a-2"), at(2, 1, "b-3", full("x")), at(3, 1, "a-2", full("x"))}, Verdict{}},
	} {
		if got := Judge(tt.states); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestGroups(t *testing.T) {
	states := []State{at(5, 1, "b"), {}, at(2, 1, "a-2"), at(4, 1, "b"), at(3, 1, "c-3", full("x")), at(9, 1, "a-2", full("x"))}
	groups := Groups(states)
	if want := [][]int{{2, 4, 5}, {0, 3}}; !reflect.DeepEqual(groups, want) {
		t.Errorf("got %v, want %v", groups, want)
	}
	if at := LastWritten(states, groups).Unix(); at != 4 {
		t.Errorf("last written at %d, want 4", at)
	}
	if got := Original(states); got != 2 {
		t.Errorf("the original is at %d, want 2", got)
	}
}

func TestBehind(t *testing.T) {
	absent := State{Presence: Absent}
	deleted := func(second int) State {
		s := at(second, 0, "")
		return State{Presence: Deleted, Modified: s.Modified}
	}
	for _, tt := range []struct {
		name  string
		state State
		want  bool
	}{
		{"the newest", at(7, 9, "z"), false},
		{"a replica of the newest", at(4, 1, "a"), false},
		{"something else", at(4, 1, "b"), true},
		{"what cannot be compared", at(4, 1, "b-2"), false},
		{"absent", absent, true},
		{"deleted before it was written", deleted(4), true},
		{"deleted in the same second", deleted(5), false},
		{"deleted since", deleted(6), false},
		{"deleted, nobody says when", State{Presence: Deleted}, false},
		{"not known", State{}, false},
	} {
		if got := Behind([]State{at(5, 1, "a"), tt.state}, 1); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
	if Behind([]State{absent, deleted(1)}, 0) {
		t.Error("a Region is behind where no other has anything")
	}
}
