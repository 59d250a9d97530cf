package undelete

import (
	"strings"
	"testing"
	"time"

	"s3fanout/internal/aws/listing"
)

func at(second int) time.Time { return time.Unix(int64(second), 0) }

// objectOf reads "contents@modified", and "contents@modified deleted first last"
// for what markers hide; "gone first last" has no version left, "-" is nothing. No
// contents are those of an empty object.
func objectOf(t *testing.T, s string) *listing.Object {
	t.Helper()
	number := func(s string) int {
		n := 0
		for _, r := range s {
			n = 10*n + int(r-'0')
		}
		return n
	}
	f := strings.Fields(s)
	switch {
	case s == "-":
		return nil
	case f[0] == "gone":
		return &listing.Object{Deletion: &listing.Deletion{First: at(number(f[1])), Last: at(number(f[2]))}}
	}
	contents, modified, _ := strings.Cut(f[0], "@")
	o := &listing.Object{
		Size: int64(min(1, len(contents))), ETag: "e" + contents, Modified: at(number(modified)), VersionID: "v-" + contents,
	}
	if len(f) > 1 {
		o.Deletion = &listing.Deletion{First: at(number(f[2])), Last: at(number(f[3]))}
	}
	return o
}

// A server that tells fractions of seconds dates a deletion after the second in which
// the span ends: undelete --until of that second, as it is run right after a deletion,
// found nothing.
func TestDecideFractionsOfSeconds(t *testing.T) {
	deleted := objectOf(t, "a@1 deleted 200 200")
	deleted.Deletion.First = deleted.Deletion.First.Add(700 * time.Millisecond)
	deleted.Deletion.Last = deleted.Deletion.First
	if v, _ := (rule{}).decide(Span{at(100), at(200)}, []*listing.Object{deleted, nil}); v != restore {
		t.Errorf("deleted in the last second of the span: %d, want %d", v, restore)
	}
}

// The span is from 100 to 200.
func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		name    string
		regions string
		first   verdict // the first write wins
		place   int
		follows verdict // the greatest does
		where   int
	}{
		{"nothing", "-; -", untouched, -1, untouched, -1},
		{"never deleted", "a@1; a@2", untouched, -1, untouched, -1},
		{"deleted by a user, and by the function elsewhere", "a@2 deleted 102 102; a@1 deleted 101 101", restore, 1, restore, 1},
		{"deleted in one Region alone", "a@1; a@2 deleted 150 150", restore, 1, restore, 1},
		{"deleted where the others never had it", "-; a@2 deleted 150 150", restore, 1, restore, 1},
		{"at the ends of the span", "a@1 deleted 100 200; -", restore, 0, restore, 0},
		{"before the span", "a@1 deleted 99 99; -", untouched, -1, untouched, -1},
		{"after the span", "a@1 deleted 201 201; -", untouched, -1, untouched, -1},
		{"before the span and within it", "a@1 deleted 99 150; -", earlier, -1, earlier, -1},
		{"before the span and after it", "a@1 deleted 99 250; -", earlier, -1, earlier, -1},
		{"within the span and after it", "a@1 deleted 150 201; -", later, -1, later, -1},
		{"before the span, by a function within it", "a@1 deleted 99 99; a@2 deleted 150 150", earlier, -1, earlier, -1},
		{"within the span, by a function after it", "a@1 deleted 199 199; a@2 deleted 290 290", restore, 0, restore, 0},
		{"another write was deleted before the span", "b@1 deleted 50 50; a@60 deleted 150 150", restore, 1, restore, 1},
		{"two writes deleted", "a@1 deleted 150 150; b@2 deleted 151 151", restore, 0, restore, 1},
		{"no version left", "gone 150 150; -", lost, -1, lost, -1},
		{"empty, and a marker alone from before the span elsewhere", "gone 50 50; @1 deleted 150 150", restore, 1, restore, 1},
		{"no version left in one Region", "gone 150 150; a@1 deleted 151 151", restore, 1, restore, 1},
		{"written again elsewhere", "a@1 deleted 150 150; b@160", recreated, -1, recreated, -1},
		{"another write elsewhere before", "a@10 deleted 150 150; b@5", restore, 0, recreated, -1},
		{"not deleted yet elsewhere", "a@1 deleted 150 150; a@3", restore, 0, restore, 0},
		{"not deleted yet elsewhere, where a replica came late", "a@1 deleted 150 150; a@160", restore, 0, recreated, -1},
	} {
		var objects []*listing.Object
		for _, s := range strings.Split(tt.regions, "; ") {
			objects = append(objects, objectOf(t, s))
		}
		span := Span{at(100).Add(300 * time.Millisecond), at(200)} // within the second that begins
		if v, place := (rule{}).decide(span, objects); v != tt.first || place != tt.place {
			t.Errorf("%s: got %d at %d, want %d at %d", tt.name, v, place, tt.first, tt.place)
		}
		if v, place := (rule{follows: true}).decide(span, objects); v != tt.follows || place != tt.where {
			t.Errorf("%s, followed: got %d at %d, want %d at %d", tt.name, v, place, tt.follows, tt.where)
		}
	}
}

// Under keys of KMS ETags differ between Regions.
func TestDecideUnderKeysOfKMS(t *testing.T) {
	objects := []*listing.Object{objectOf(t, "a@1 deleted 99 99"), objectOf(t, "b@2 deleted 150 150")}
	span := Span{at(100), at(200)}
	if v, _ := (rule{opaque: true}).decide(span, objects); v != earlier {
		t.Errorf("got %d, want %d: the same object was deleted before", v, earlier)
	}
	if v, place := (rule{}).decide(span, objects); v != restore || place != 1 {
		t.Errorf("got %d at %d, want %d at 1: another object was deleted before", v, place, restore)
	}
}
