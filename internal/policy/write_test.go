package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Writes have one order, whatever two are compared, given the stacks.
func TestOrdersAreOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Version
		o := Orders{Stacks: map[string][]Version{}}
		for _, region := range []string{"r1", "r2"} {
			seconds := int64(9)
			o.Stacks[region] = nil
			for i := range rapid.IntRange(0, 5).Draw(t, "versions") {
				seconds -= rapid.Int64Range(0, 2).Draw(t, "earlier")
				v := Version{ID: fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "id"), "-", i), Modified: seconds}.ReadAs(region, "", "")
				all = append(all, v)
				if rapid.Bool().Draw(t, "still there") {
					o.Stacks[region] = append(o.Stacks[region], v)
				}
			}
		}
		for _, a := range all {
			for _, b := range all {
				order, back := o.Of(a, b), o.Of(b, a)
				if order == Unordered || (order == SameWrite) != (a.ID == b.ID && a.Write.Region == b.Write.Region) {
					t.Fatalf("%+v and %+v: %d", a, b, order)
				}
				if (order == Less) != (back == Greater) {
					t.Fatalf("%+v and %+v: %d and %d", a, b, order, back)
				}
				if a.Write.Seconds < b.Write.Seconds && order != Less {
					t.Fatalf("%+v is earlier than %+v: %d", a, b, order)
				}
				for _, c := range all {
					if order == Less && o.Of(b, c) == Less && o.Of(a, c) != Less {
						t.Fatalf("%+v, %+v and %+v go in a circle", a, b, c)
					}
				}
			}
		}
		// Without the stacks it is the same order, or none.
		for _, a := range all {
			for _, b := range all {
				if got := (Orders{}).Of(a, b); got != Unordered && got != o.Of(a, b) {
					t.Fatalf("%+v and %+v: %d without their stacks", a, b, got)
				}
			}
		}
	})
}

func TestTheStackOrdersOneSecond(t *testing.T) {
	v := func(id string) Version { return Version{ID: id, Modified: 5}.ReadAs("r1", "", "") }
	o := Orders{Stacks: map[string][]Version{"r1": {v("new"), {ID: "marker", Marker: true}, v("old")}}}
	for _, tt := range []struct {
		a, b string
		want Order
	}{{"new", "old", Greater}, {"old", "new", Less}, {"destroyed", "old", Less}, {"gone", "destroyed", Greater},
		{"old", "old", SameWrite}} {
		if got := o.Of(v(tt.a), v(tt.b)); got != tt.want {
			t.Errorf("%s and %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestLegacyReplicasAreOneWrite(t *testing.T) {
	figures := func(etag string) Figures { return Figures{Size: 1, ETag: etag} }
	made := func(region string, at int64, etag string) Version {
		return Version{ID: region, Modified: at, Figures: figures(etag)}.ReadAs(region, "k", "")
	}
	replica := Version{ID: "x", Modified: 500, Figures: figures("a")}.ReadAs("r3", "k",
		EntryFor(Write{"r1", "r1", 10}, "k", 500, 0).String())
	o := Orders{Since: 100, Stacks: map[string][]Version{}}
	for _, tt := range []struct {
		name string
		a, b Version
		want Order
	}{
		{"a replica of first-write-wins days", made("r1", 10, "a"), made("r2", 20, "a"), SameWrite},
		{"one that cannot be compared", made("r1", 10, "a-2"), made("r2", 20, "a-3"), SameWrite},
		{"other contents", made("r1", 10, "a"), made("r2", 20, "b"), Less},
		{"written since", made("r1", 10, "a"), made("r2", 100, "a"), Less},
		{"a replica with an entry of the same", made("r2", 20, "a"), replica, SameWrite},
		{"the write itself", made("r1", 10, "a"), replica, SameWrite},
		{"a later write of the same bytes", made("r2", 120, "a"), replica, Greater},
		{"two in one bucket", made("r1", 10, "a"), made("r1", 11, "a"), Less},
	} {
		if got := o.Of(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		without := o
		without.Since = 0
		if got := without.Of(tt.a, tt.b); tt.name != "the write itself" && got == SameWrite {
			t.Errorf("%s: one write in a set that has always followed", tt.name)
		}
	}
}

// A large object that is tagged is copied in parts, and then its replica tells nothing of
// its contents; but its write does, where it was made, and another replica's checksum.
func TestLegacyReplicasAreComparedByTheirWrites(t *testing.T) {
	sum := func(value string) []Checksum { return []Checksum{{"CRC64NVME", FullObject, value}} }
	shows := func(region string, of Write, at int64, f Figures) Bucket {
		v := Version{ID: region, Modified: at, Figures: f}
		entry := ""
		if of.Region != region {
			entry = EntryFor(of, "k", at, strings.Count(f.ETag, "-")).String()
		}
		return Bucket{Region: region, Presence: Present, Current: v.ReadAs(region, "k", entry)}
	}
	x, y := Write{"r1", "r1", 10}, Write{"r2", "r2", 20}
	parts := func(value string) Figures { return Figures{Size: 9, ETag: "p" + value + "-1", Checksums: sum(value)} }
	for _, tt := range []struct {
		name string
		r1   Bucket // that of the lesser write
		want []int  // behind y in r2
	}{
		{"other contents, as their writes tell", shows("r1", x, 10, Figures{Size: 9, ETag: "x"}), []int{0, 2}},
		{"other contents, as a checksum tells", shows("r1", y, 600, parts("y")), []int{2}},
		{"the same, as far as anything tells", shows("r1", x, 10, Figures{Size: 9, ETag: "x-7"}), nil},
	} {
		buckets := []Bucket{tt.r1, shows("r2", y, 20, Figures{Size: 9, ETag: "y"}), shows("r3", x, 500, parts("x"))}
		o := Orders{Since: 100, Stacks: map[string][]Version{}, Contents: ContentsOf(buckets)}
		if got := o.Stand(buckets, true).Stale; !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v are behind, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRegisters(t *testing.T) {
	v := func(at int64) Version { return Version{ID: fmt.Sprint(at), Modified: at}.ReadAs("r1", "", "") }
	inOrder := []Register{{Write: v(1)}, {Write: v(1), Deleted: true}, {Write: v(2)}, {Write: v(2), Deleted: true}}
	for i, a := range inOrder {
		for j, b := range inOrder {
			want := orderOf(i - j)
			if i == j {
				want = SameWrite
			}
			if got := (Orders{}).Registers(a, b); got != want {
				t.Errorf("%d and %d: %d, want %d", i, j, got, want)
			}
		}
	}
	marker := Version{ID: "m", Marker: true, Modified: 9}
	stack := []Version{marker, marker, v(2), v(1)}
	for _, tt := range []struct {
		name string
		b    Bucket
		want *Register
	}{
		{"absent", Bucket{Presence: Absent, Listed: true}, nil},
		{"not asked", Bucket{}, nil},
		{"an object", Bucket{Presence: Present, Current: v(2)}, &inOrder[2]},
		{"a marker", Bucket{Presence: Deleted, Listed: true, Stack: stack}, &inOrder[3]},
		{"a marker, not listed", Bucket{Presence: Deleted}, nil},
		{"a marker, written over since", Bucket{Presence: Deleted, Listed: true, Stack: slices.Concat([]Version{v(3)}, stack)}, nil},
		{"markers alone", Bucket{Presence: Deleted, Listed: true, Stack: []Version{marker}}, nil},
	} {
		got, ok := tt.b.Register()
		if ok != (tt.want != nil) || ok && (got.Write.Write != tt.want.Write.Write || got.Deleted != tt.want.Deleted) {
			t.Errorf("%s: %+v %t, want %+v", tt.name, got, ok, tt.want)
		}
	}
}
