package policy

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDecide(t *testing.T) {
	object := func(size int64, etag string, checksums ...Checksum) State {
		return State{Presence: Present, Figures: Figures{Size: size, ETag: etag, Checksums: checksums}}
	}
	version := func(s State) State { s.VersionID = "v"; return s }
	kms := func(s State) State { s.Opaque = true; return s }
	absent, deleted, unknown := State{Presence: Absent}, State{Presence: Deleted}, State{}
	copyEvent, put := Event{Name: "ObjectCreated:Copy"}, Event{Name: "ObjectCreated:Put"}
	for _, tt := range []struct {
		name  string
		known Known
		want  Action
	}{
		{"an upload", Known{Source: version(object(1, "a")), Reported: true, Event: put}, Copy},
		{"an upload, unknown", Known{}, Copy},
		{"what a copy made", Known{Source: version(object(1, "a")), Reported: true, Event: copyEvent}, LookAtTarget},
		{"probably there", Known{Source: version(object(1, "a")), Reported: true, Probable: true}, LookAtTarget},
		{"what a copy made, not there", Known{Source: object(1, "a"), Target: absent, Event: copyEvent}, Copy},
		{"not there", Known{Source: object(1, "a"), Target: absent}, Copy},
		{"deleted there", Known{Source: object(1, "a"), Target: deleted}, Copy},
		{"deleted there, and to stay so", Known{Source: object(1, "a"), Target: deleted, KeepDeleted: true}, LeaveDeleted},
		{"gone", Known{Source: absent, Target: absent}, SourceGone},
		{"gone, and there", Known{Source: deleted, Target: object(1, "a")}, Exists},
		{"the same", Known{Source: object(1, "a"), Target: object(1, "a"), Reported: true}, Exists},
		{"another size", Known{Source: version(object(1, "a")), Target: object(2, "b"), Reported: true}, Diverged},
		{"another size, of no version", Known{Source: object(1, "a"), Target: object(2, "b"), Reported: true}, LookAtSource},
		{"another size, of no version, and no more to know",
			Known{Source: object(1, "a"), Target: object(2, "b"), Reported: true, Final: true}, Exists},
		{"another ETag", Known{Source: version(object(1, "a")), Target: object(1, "b"), Reported: true}, LookAtSource},
		{"another ETag, probably there",
			Known{Source: version(object(1, "a")), Target: object(1, "b"), Reported: true, Probable: true}, Exists},
		{"another size, probably there",
			Known{Source: version(object(1, "a")), Target: object(2, "b"), Reported: true, Probable: true}, Diverged},
		{"another ETag, looked at", Known{Source: object(1, "a"), Target: object(1, "b")}, Diverged},
		{"another ETag under a key of KMS", Known{Source: object(1, "a"), Target: kms(object(1, "b"))}, Exists},
		{"another checksum", Known{Source: object(1, "a-2", full("x")), Target: object(1, "b-2", full("y"))}, Diverged},
		{"no ETag", Known{Source: version(object(1, "")), Target: object(2, "b"), Reported: true}, LookAtSource},
		{"nothing known of the source", Known{Source: unknown, Target: object(2, "b"), Reported: true}, LookAtSource},
	} {
		got := Decide(tt.known)
		if got.Action != tt.want {
			t.Errorf("%s: got action %d, want %d", tt.name, got.Action, tt.want)
		}
		if want := tt.want == Copy; (got.Condition == Condition{IfNoneMatch: "*"}) != want {
			t.Errorf("%s: condition %+v", tt.name, got.Condition)
		}
	}
}

// drawState draws anything that a bucket may show, with few values, so that
// equal ones are common, and the contents behind it, -1 for none.
func drawState(t *rapid.T, name string) (State, int) {
	s := State{Presence: rapid.SampledFrom([]Presence{Unknown, Absent, Deleted, Present}).Draw(t, name+" presence")}
	if s.Presence == Unknown || s.Presence == Absent {
		return s, -1
	}
	s.Modified = at(rapid.IntRange(0, 3).Draw(t, name+" time"), 0, "").Modified
	if !s.Here() {
		return s, -1
	}
	s.VersionID = rapid.SampledFrom([]string{"", "v"}).Draw(t, name+" version")
	contents := rapid.IntRange(0, 3).Draw(t, name+" contents")
	s.Figures = drawFigures(t, name, contents)
	return s, contents
}

// drawFigures draws what S3 may say of contents: it does not lie, but may tell
// little.
func drawFigures(t *rapid.T, name string, contents int) Figures {
	f := Figures{Size: int64(contents / 2), Opaque: rapid.Bool().Draw(t, name+" opaque")}
	digest := string(rune('a' + contents))
	switch rapid.IntRange(0, 3).Draw(t, name+" etag") {
	case 0:
		f.ETag = digest + "-2"
	case 1:
		f.ETag = digest + "-3"
	case 2:
		f.ETag = digest
		if f.Opaque {
			f.ETag += "-as-encrypted"
		}
	}
	for _, algorithm := range []string{"CRC32", "SHA256"} {
		if rapid.Bool().Draw(t, name+" "+algorithm) {
			f.Checksums = append(f.Checksums, Checksum{algorithm, FullObject, algorithm + digest})
		}
	}
	return f
}

// The rules that must hold whatever is known: nothing is replaced, every question
// ends, and no word about contents is wrong.
func TestDecideKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source, sourceIs := drawState(t, "source")
		target, targetIs := drawState(t, "target")
		k := Known{
			Source: source, Target: State{},
			Event:    Event{Name: rapid.SampledFrom([]string{"", "ObjectCreated:Put", "ObjectCreated:Copy"}).Draw(t, "event")},
			Probable: rapid.Bool().Draw(t, "probable"), KeepDeleted: rapid.Bool().Draw(t, "keep deleted"),
			Reported: true, Final: rapid.Bool().Draw(t, "final"),
		}
		if target.Presence == Unknown {
			target = State{Presence: Absent} // a look tells
		}
		gone := source.Presence == Absent || source.Presence == Deleted
		for looks := 0; ; looks++ {
			if looks > 2 {
				t.Fatal("two looks do not suffice")
			}
			d := Decide(k)
			if d != Decide(k) {
				t.Fatal("two decisions about the same")
			}
			if (d.Condition != Condition{}) != (d.Action == Copy) {
				t.Fatalf("condition %+v with action %d", d.Condition, d.Action)
			}
			if (k.Final || k.Probable) && d.Action == LookAtSource {
				t.Fatal("a question when nothing more will be known")
			}
			switch d.Action {
			case LookAtTarget:
				if k.Target.Presence != Unknown {
					t.Fatal("asks for what is known")
				}
				k.Target = target
				continue
			case LookAtSource:
				if !k.Reported {
					t.Fatal("asks for what is known")
				}
				k.Reported = false
				continue
			case Copy:
				if k.Target.Here() {
					t.Fatal("replaces an object")
				}
				if k.Target.Presence == Unknown && (k.Event.Copied() || k.Probable) {
					t.Fatal("copies what a copy made without a look")
				}
				if gone {
					t.Fatal("copies nothing")
				}
				if k.Target.Presence == Deleted && k.KeepDeleted {
					t.Fatal("brings back what was deleted")
				}
				if d.Condition.IfNoneMatch != "*" {
					t.Fatal("copies without a condition")
				}
			case Exists:
				if !k.Target.Here() {
					t.Fatal("nothing exists there")
				}
				if !k.Final && !k.Reported && source.Here() && source.Size != target.Size && source.ETag != "" && target.ETag != "" {
					t.Fatal("two sizes are one object")
				}
			case Diverged:
				if sourceIs == targetIs {
					t.Fatal("the same contents have diverged")
				}
			case LeaveDeleted:
				if k.Target.Presence != Deleted || !k.KeepDeleted {
					t.Fatal("nothing was deleted, or is to be kept so")
				}
			case SourceGone:
				if !gone {
					t.Fatal("the source is not gone")
				}
			}
			return
		}
	})
}

// What Judge says of the contents is true, does not depend on what is not known,
// and agrees with Groups and Behind.
func TestJudgeKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "buckets")
		states, contents := make([]State, n), make([]int, n)
		for i := range states {
			states[i], contents[i] = drawState(t, "a bucket")
		}
		v, groups, original := Judge(states), Groups(states), Original(states)
		if v.Nowhere != (original < 0) || v.Nowhere != (len(groups) == 0) {
			t.Fatalf("nowhere %t, original %d, groups %v", v.Nowhere, original, groups)
		}
		place := map[int]int{}
		for n, g := range groups {
			for _, i := range g {
				if _, twice := place[i]; twice || !states[i].Here() || contents[i] != contents[g[0]] {
					t.Fatalf("groups %v of contents %v", groups, contents)
				}
				place[i] = n
			}
		}
		different := false
		for i, s := range states {
			if _, in := place[i]; in != s.Here() {
				t.Fatalf("groups %v do not partition %+v", groups, states)
			}
			for j := range i {
				if s.Here() && states[j].Here() {
					r, _ := Compare(s.Figures, states[j].Figures)
					different = different || r == Differ
					if r == Same && contents[i] != contents[j] || r == Differ && contents[i] == contents[j] {
						t.Fatalf("%+v and %+v compare as %d", s, states[j], r)
					}
				}
			}
			if s.Presence == Unknown && Behind(states, i) {
				t.Fatal("what is not known is behind")
			}
		}
		if different != (len(v.Different) > 0) || (v.Why != "") != different {
			t.Fatalf("%+v, and that two differ is %t", v, different)
		}
		if v.SizeOnly != (!different && len(groups) > 1) {
			t.Fatalf("%+v with groups %v", v, groups)
		}
		for _, i := range v.Different {
			if i == original {
				t.Fatal("the original differs from itself")
			}
		}
		for i, s := range states {
			absent := s.Presence == Absent || s.Presence == Deleted
			listed := false
			for _, j := range v.Absent {
				listed = listed || i == j
			}
			if absent != listed {
				t.Fatalf("%+v of %+v", v, states)
			}
		}
	})
}
