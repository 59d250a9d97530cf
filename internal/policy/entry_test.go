package policy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawWrite(t *rapid.T) Write {
	return Write{
		Region:    rapid.StringN(1, 20, 40).Draw(t, "region"),
		VersionID: rapid.StringN(1, 40, 80).Draw(t, "version"),
		Seconds:   rapid.Int64().Draw(t, "seconds"),
	}
}

// What is written is read as it was, fits a header, and is read in no other form.
func TestEntryIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := EntryFor(drawWrite(t), rapid.String().Draw(t, "key"), rapid.Int64().Draw(t, "made"),
			rapid.IntRange(0, 10_000).Draw(t, "parts"))
		text := e.String()
		if got, ok := ParseEntry(text); !ok || got != e {
			t.Fatalf("%q is read as %+v %t, want %+v", text, got, ok, e)
		}
		for _, r := range text {
			if r <= ' ' || r > '~' {
				t.Fatalf("%q is nothing for a header", text)
			}
		}
	})
}

func TestParseEntryRefuses(t *testing.T) {
	good := EntryFor(Write{"us-east-1", "v1", 100}, "k", 130, 0).String()
	if _, ok := ParseEntry(good); !ok {
		t.Fatal(good)
	}
	for _, text := range []string{
		"", "x", ";;;;;", "2" + good[1:], good + ";", " " + good, good + " ", strings.Replace(good, ";100;", ";0100;", 1),
		strings.Replace(good, ";100;", ";+100;", 1), strings.Replace(good, ";v1;", ";;", 1), strings.Replace(good, ";us-east-1;", ";;", 1),
		strings.Replace(good, ";v1;", ";%76%31;", 1), strings.Replace(good, ";t130", ";p0", 1), strings.Replace(good, ";t130", ";p-1", 1),
		strings.Replace(good, ";t130", ";x130", 1), strings.Replace(good, ";t130", ";", 1),
		strings.Replace(good, ";100;", ";9223372036854775808;", 1),
	} {
		if e, ok := ParseEntry(text); ok {
			t.Errorf("%q is read as %+v", text, e)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(EntryFor(Write{"us-east-1", "v1", 100}, "k", 130, 0).String())
	f.Add(EntryFor(Write{"us-east-1", "a/+ b", -1}, "k", 0, 17).String())
	f.Fuzz(func(t *testing.T, text string) {
		if e, ok := ParseEntry(text); ok && e.String() != text {
			t.Errorf("%q is read as %+v, which is written %q", text, e, e)
		}
	})
}

func TestEntryBinds(t *testing.T) {
	w := Write{"us-east-1", "v1", 1000}
	one, parts := EntryFor(w, "k", 1010, 0), EntryFor(w, "k", 1010, 3)
	future := EntryFor(Write{"us-east-1", "v1", 9_000_000}, "k", 1010, 0)
	for _, tt := range []struct {
		name     string
		entry    Entry
		key      string
		modified int64
		etag     string
		want     bool
	}{
		{"its replica", one, "k", 1010, "e", true},
		{"a slow copy", one, "k", 1040, "e", true},
		{"a clock behind", one, "k", 1000, "e", true},
		{"what a user copied later", one, "k", 1041, "e", false},
		{"a later one that says so", one, "k", 979, "e", false},
		{"another key", one, "k2", 1010, "e", false},
		{"parts", parts, "k", 5000, "e-3", true},
		{"parts, begun before the completion", parts, "k", 1001, "e-3", true},
		{"copied by one request", parts, "k", 1010, "e", false},
		{"in other parts", parts, "k", 1010, "e-13", false},
		{"of another key in parts", parts, "k2", 1010, "e-3", false},
		{"from the future", future, "k", 1010, "e", false},
		{"in parts, from the future", EntryFor(future.Write, "k", 0, 3), "k", 1010, "e-3", false},
	} {
		if got := tt.entry.Binds(tt.key, tt.modified, tt.etag); got != tt.want {
			t.Errorf("%s: binds %t, want %t", tt.name, got, tt.want)
		}
		v := Version{ID: "own", Modified: tt.modified, Figures: Figures{ETag: tt.etag}}.ReadAs("eu-west-1", tt.key, tt.entry.String())
		want := Write{"eu-west-1", "own", tt.modified}
		if tt.want {
			want = tt.entry.Write
		}
		if v.Write != want || v.Replica != tt.want || !v.Read {
			t.Errorf("%s: read as %+v, want %+v", tt.name, v, want)
		}
	}
}
