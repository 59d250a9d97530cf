package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// However many differences there are, and in whatever order they come: they come
// back whole and in order, and no file is left.
func TestSortedGivesEverythingBackInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 30, 5000} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var want []Difference
		for i := range n {
			kind := Missing
			if i%5 == 0 {
				kind = Different
				want = append(want, Difference{Kind: Missing, Key: fmt.Sprintf("%06d \xff\n", i), Without: []string{"b"}})
			}
			want = append(want, Difference{
				Kind: kind, Key: fmt.Sprintf("%06d \xff\n", i), Without: []string{"a", "b"}, Deleted: []string{"b"}, Why: "deleted",
				Objects: []Object{{Region: "c", Size: int64(i), Modified: time.Unix(int64(i), 0).UTC(), Tags: map[string]string{"t": "v"}}},
			})
		}
		s := Sorted{limit: 4000} // some seven differences
		for _, i := range random.Perm(len(want)) {
			if err := s.Add(want[i]); err != nil {
				t.Fatal(err)
			}
		}
		if n == 5000 && len(s.levels) < 3 {
			t.Errorf("%d levels of files, want files of files", len(s.levels))
		}
		var got []Difference
		for d, err := range s.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, d)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d differences came back as %d, or not in order", len(want), len(got))
		}
		s.Close()
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
	}
}

// A disk that is full is said, and is not a result that lacks something.
func TestSortedNeedsADisk(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	s := Sorted{limit: 1}
	if err := s.Add(Difference{Key: "a"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestCounts(t *testing.T) {
	c := NewCounts("x/", []string{"a", "b"})
	add := func(kind Kind, key string, without, differing []string) {
		c.Add(Difference{Kind: kind, Key: key, Without: without, Differing: differing})
	}
	add(Missing, "x/1", []string{"a"}, nil)
	add(Missing, "x/films/1", []string{"b"}, nil)
	add(Different, "x/films/1", nil, []string{"a"})
	add(Missing, "x/films/2/3", []string{"a", "b"}, nil)
	add(Unsettled, "x/g", []string{"b"}, []string{"a"})
	add(Copying, "x/h/1", []string{"b"}, nil)
	want := []Count{{Region: "a", Missing: 2, Different: 1, Unsettled: 1}, {Region: "b", Missing: 2, Copying: 1, Unsettled: 1}}
	if got := c.Regions(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	largest, others := c.Prefixes()
	want = []Count{
		{Region: "a", Prefix: "x/films/", Missing: 1, Different: 1}, {Region: "b", Prefix: "x/films/", Missing: 2},
		{Region: "a", Prefix: "x/", Missing: 1, Unsettled: 1},
		{Region: "b", Prefix: "x/h/", Copying: 1}, {Region: "b", Prefix: "x/", Unsettled: 1},
	}
	if !reflect.DeepEqual(largest, want) || others != 0 {
		t.Errorf("got %+v and %d others, want %+v", largest, others, want)
	}
}

// The largest prefixes are named wherever they come, and the others counted.
func TestCountsOfManyPrefixes(t *testing.T) {
	c := NewCounts("", []string{"a"})
	for n := range 1000 {
		for range 1 + n%100 {
			c.Add(Difference{Kind: Missing, Key: fmt.Sprintf("%04d/k", n), Without: []string{"a"}})
		}
	}
	largest, others := c.Prefixes()
	if len(largest) != MaxPrefixes || others != 1000-MaxPrefixes || largest[0].Prefix != "0099/" || largest[0].Missing != 100 ||
		largest[19].Missing != 99 {
		t.Errorf("got %+v and %d others", largest, others)
	}
	if total := c.Regions()[0].Missing; total != 50500 {
		t.Errorf("%d missing, want all", total)
	}
}
