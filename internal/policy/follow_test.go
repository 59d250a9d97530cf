package policy

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is the key in several buckets, by Region, newest first. All versions in it
// are read; what a look does not tell is left out by the looks.
type world map[string][]Version

// put is a user's write.
func (w world) put(region, id string, at int64, contents string) {
	v := Version{ID: id, Modified: at, Figures: Figures{Size: 1, ETag: contents}}.ReadAs(region, "k", "")
	w[region] = slices.Insert(w[region], 0, v)
}

// replicate is s3fanout's copy.
func (w world) replicate(region, id string, at int64, of Write, contents string) {
	v := Version{ID: id, Modified: at, Figures: Figures{Size: 1, ETag: contents}}.ReadAs(region, "k", EntryFor(of, "k", at, 0).String())
	w[region] = slices.Insert(w[region], 0, v)
}

func (w world) hide(region, id string, at int64) {
	w[region] = slices.Insert(w[region], 0, Version{ID: id, Marker: true, Modified: at})
}

// unread is what a list shows of a version.
func unread(v Version) Version {
	v.Read, v.Write, v.Replica = false, Write{}, false
	return v
}

// look is what a HEAD shows.
func (w world) look(region string) Bucket {
	b := Bucket{Region: region, Presence: Absent}
	if stack := w[region]; len(stack) > 0 {
		if b.Presence = Deleted; !stack[0].Marker {
			b.Presence, b.Current = Present, stack[0]
		}
	}
	return b
}

// list adds what a list shows, in pages of two.
func (w world) list(b *Bucket) {
	next := len(b.Stack)
	for _, v := range w[b.Region][next:min(next+2, len(w[b.Region]))] {
		b.Stack = append(b.Stack, unread(v))
	}
	b.Listed, b.More = true, len(b.Stack) < len(w[b.Region])
}

func (w world) read(b *Bucket, id string) {
	for _, v := range w[b.Region] {
		if v.ID == id {
			b.Stack[slices.IndexFunc(b.Stack, func(v Version) bool { return v.ID == id })] = v
		}
	}
}

// end answers questions until there is something else to do.
func (w world) end(t interface{ Fatalf(string, ...any) }, k Following, from, to string) (Step, []Action) {
	k.Source, k.Target = w.look(from), w.look(to)
	k.Stacks = map[string][]Version{}
	var asked []Action
	for range 100 {
		s := DecideFollow(k)
		switch s.Action {
		case ListSource:
			w.list(&k.Source)
		case ListTarget:
			w.list(&k.Target)
		case ReadSource:
			w.read(&k.Source, s.VersionID)
		case ReadTarget:
			w.read(&k.Target, s.VersionID)
		case ListOrigin:
			if _, asked := k.Stacks[s.Region]; asked {
				t.Fatalf("asks for the stack of %s again", s.Region)
			}
			k.Stacks[s.Region] = w[s.Region]
		case LookAtOrigin:
			k.Origin = Absent
			if slices.ContainsFunc(w[s.Write.Region], func(v Version) bool { return v.is(s.Write, s.Write.Region) }) {
				k.Origin = Present
			}
		default:
			return s, asked
		}
		asked = append(asked, s.Action)
	}
	t.Fatalf("no end: %v", asked)
	return Step{}, nil
}

func TestDecideFollow(t *testing.T) {
	type rows = []struct {
		name  string
		world func(w world)
		known Following
		want  Action
		asked []Action
	}
	w1, w2 := Write{"s", "v1", 10}, Write{"s", "v2", 20}
	deletion := Following{Deletions: true, Deleted: true}
	overwritten := func(w world) { // at s, and d has the first
		w.put("s", "v1", 10, "a")
		w.replicate("d", "r1", 12, w1, "a")
		w.put("s", "v2", 20, "b")
	}
	for _, tt := range (rows{
		{"nowhere", func(world) {}, Following{}, SourceGone, nil},
		{"a fresh object", func(w world) { w.put("s", "v1", 10, "a") }, Following{}, Copy, nil},
		{"an overwrite", overwritten, Following{}, Copy, nil},
		{"a late event", func(w world) { overwritten(w); w.replicate("d", "r2", 22, w2, "b") }, Following{}, Exists, nil},
		{"of a replica in parts, which may have old tags", func(w world) {
			w.put("s", "v1", 10, "a-2")
			w["d"] = []Version{
				Version{ID: "r", Modified: 12, Figures: Figures{Size: 1, ETag: "b-3"}}.ReadAs("d", "k", EntryFor(w1, "k", 0, 3).String()),
			}
		}, Following{Tags: true}, Retag, nil},
		{"an event of the past", func(w world) { overwritten(w); w.put("d", "x", 30, "c") }, Following{}, Superseded, nil},
		{"an echo", func(w world) { w.put("d", "v", 10, "a"); w.replicate("s", "r", 12, Write{"d", "v", 10}, "a") }, Following{},
			Superseded, nil},
		{"an echo of somebody else's", func(w world) { w.replicate("s", "r", 12, Write{"e", "v", 10}, "a") }, Following{}, Superseded, nil},
		{"to a Region that joins", func(w world) { w.put("e", "v", 10, "a"); w.replicate("s", "r", 12, Write{"e", "v", 10}, "a") },
			Following{Replicas: true}, Copy, []Action{LookAtOrigin}},
		{"destroyed at its origin", func(w world) { w.replicate("s", "r", 12, Write{"e", "v", 10}, "a") },
			Following{Replicas: true}, Superseded, []Action{LookAtOrigin}},
		{"deleted before it was copied", func(w world) { w.put("s", "v1", 10, "a"); w.hide("s", "m", 11) }, deletion, SourceGone, nil},
		{"deleted before it was copied, just now", func(w world) { w.put("s", "v1", 10, "a"); w.hide("s", "m", 11) },
			Following{Deletions: true, Deleted: true, DeletedAt: 200, Now: 200}, Wait, nil},
		{"deleted, and written again, just now",
			func(w world) { w.put("s", "v1", 10, "a"); w.hide("s", "m", 11); w.put("s", "v2", 20, "b") },
			Following{Deletions: true, Deleted: true, DeletedAt: 200, Now: 200}, Wait, nil},
		{"a deletion", func(w world) { overwritten(w); w.replicate("d", "r2", 22, w2, "b"); w.hide("s", "m", 30) }, deletion, Delete,
			[]Action{ListSource}},
		{"a deletion, and deletions stay", func(w world) { overwritten(w); w.hide("s", "m", 30) }, Following{}, SourceGone, nil},
		{"of what the target has not got yet", func(w world) { overwritten(w); w.hide("s", "m", 30) }, deletion, Delete,
			[]Action{ListSource, ReadSource}},
		{"of what the target's write beats", func(w world) { overwritten(w); w.hide("s", "m", 30); w.put("d", "x", 21, "c") }, deletion,
			Superseded, []Action{ListSource, ListSource}},
		{"of the target's own write", func(w world) {
			w.put("d", "x", 10, "a")
			w.replicate("s", "r", 12, Write{"d", "x", 10}, "a")
			w.hide("s", "m", 30)
		}, deletion, Delete, []Action{ListSource, ReadSource}},
		{"of a Region's only, by destroying it", func(w world) { w.replicate("d", "r1", 12, w1, "a") }, deletion, SourceGone, nil},
		{"deleted, and destroyed later", func(w world) {
			w.put("s", "v1", 10, "a")
			w.hide("s", "m", 30)
			w["s"] = w["s"][:1]
			w.replicate("d", "r1", 12, w1, "a")
		}, deletion, Delete, []Action{ListSource}},
		{"overwritten, and then deleted in the target", func(w world) { overwritten(w); w.hide("d", "m", 15) }, Following{}, Copy,
			[]Action{ListTarget, ReadTarget}},
		{"deleted in the target, reported late",
			func(w world) { w.put("s", "v1", 10, "a"); w.replicate("d", "r1", 12, w1, "a"); w.hide("d", "m", 15) },
			Following{}, Superseded, []Action{ListTarget, ReadTarget}},
		{"a greater write deleted in the target",
			func(w world) { w.put("s", "v1", 10, "a"); w.put("d", "x", 12, "b"); w.hide("d", "m", 15) },
			Following{}, Superseded, []Action{ListTarget, ReadTarget}},
		{"the target's own write back on top of its deletion", func(w world) {
			w.put("d", "x", 12, "b")
			w.hide("d", "m", 15)
			w.replicate("s", "r", 14, Write{"d", "x", 12}, "b")
		}, Following{Replicas: true}, Superseded, []Action{LookAtOrigin, ListTarget}},
		{"markers alone in the target", func(w world) {
			w.put("s", "v1", 10, "a")
			w.hide("d", "m1", 5)
			w.hide("d", "m2", 5)
			w.hide("d", "m3", 6)
		},
			Following{}, Copy, []Action{ListTarget, ListTarget}},
		{"the target's clock is not there yet", func(w world) { w.put("s", "v1", 100, "a") }, Following{}, Wait, nil},
		{"nor for the deletion", func(w world) {
			w.put("s", "v1", 100, "a")
			w.hide("s", "m", 101)
			w.put("d", "x", 50, "b")
		}, deletion, Wait, []Action{ListSource, ReadSource}},
		{"nothing to wait for", func(w world) { w.put("s", "v1", 100, "a"); w.put("d", "x", 100, "b"); w.put("s", "v0", 99, "c") },
			Following{}, Superseded, nil},
		{"two writes of one second", func(w world) {
			w.put("s", "v1", 10, "a")
			w.put("s", "v2", 10, "b")
			w.replicate("d", "r", 12, w1, "a")
		}, Following{}, Copy, []Action{ListOrigin}},
		{"two of one second, the later one copied", func(w world) {
			w.put("e", "v1", 10, "a")
			w.put("e", "v2", 10, "b")
			w.replicate("s", "r1", 12, Write{"e", "v1", 10}, "a")
			w.replicate("d", "r2", 12, Write{"e", "v2", 10}, "b")
		}, Following{Replicas: true}, Superseded, []Action{LookAtOrigin, ListOrigin}},
		{"deleted and written again", func(w world) {
			overwritten(w)
			w.hide("s", "m", 30)
			w.put("s", "v3", 31, "c")
		}, deletion, Copy, []Action{ListSource, ListSource}},
		{"deleted, and brought back by a copy in flight", func(w world) {
			w.put("e", "v", 10, "a")
			w.replicate("s", "r1", 12, Write{"e", "v", 10}, "a")
			w.hide("s", "m", 13)
			w.replicate("s", "r2", 13, Write{"e", "v", 10}, "a")
			w.replicate("d", "r", 12, Write{"e", "v", 10}, "a")
		}, deletion, Delete, []Action{ListSource, ListSource, ReadSource}},
		{"tags", func(w world) { w.put("s", "v1", 10, "a"); w.replicate("d", "r", 12, w1, "a") }, Following{Retagged: true, TagsOf: "v1"},
			Retag, nil},
		{"tags, nothing says of which version", func(w world) { w.put("s", "v1", 10, "a"); w.replicate("d", "r", 12, w1, "a") },
			Following{Retagged: true}, Retag, nil},
		{"tags of what is not there yet", func(w world) { w.put("s", "v1", 10, "a") }, Following{Retagged: true, TagsOf: "v1"}, Copy, nil},
		{"tags of an old version", overwritten, Following{Retagged: true, TagsOf: "v1"}, Superseded, nil},
		{"tags of a replica", func(w world) { w.put("d", "v1", 10, "a"); w.replicate("s", "r", 12, Write{"d", "v1", 10}, "a") },
			Following{Retagged: true, TagsOf: "r"}, Superseded, nil},
		{"a replica of first-write-wins days, deleted at its origin",
			func(w world) { w.put("s", "v1", 10, "a"); w.put("d", "x", 12, "a"); w.hide("s", "m", 50) },
			Following{Deletions: true, Deleted: true, Orders: Orders{Since: 40}}, Delete, []Action{ListSource, ReadSource}},
		{"a later write of the same bytes is none",
			func(w world) { w.put("s", "v1", 10, "a"); w.put("d", "x", 12, "a"); w.hide("s", "m", 50) },
			deletion, Superseded, []Action{ListSource}},
	}) {
		t.Run(tt.name, func(t *testing.T) {
			w := world{}
			tt.world(w)
			if tt.known.Now == 0 {
				tt.known.Now = 60
			}
			got, asked := w.end(t, tt.known, "s", "d")
			if got.Action != tt.want || !slices.Equal(asked, tt.asked) {
				t.Errorf("got %+v after %v, want %d after %v", got, asked, tt.want, tt.asked)
			}
			var want Condition
			if got.Action == Copy || got.Action == Delete {
				if want = (Condition{IfNoneMatch: "*"}); w.look("d").shows() {
					want = Condition{IfMatch: w["d"][0].ETag}
				}
			}
			if got.Condition != want {
				t.Errorf("condition %+v, want %+v", got.Condition, want)
			}
		})
	}
}

func TestDecideFollowLooksAgain(t *testing.T) {
	v := Version{ID: "v", Modified: 1}.ReadAs("s", "k", "")
	shown := Bucket{Region: "s", Presence: Present, Current: v}
	marker := Version{ID: "m", Marker: true}
	listed := func(b Bucket, stack ...Version) Bucket { b.Listed, b.Stack = true, stack; return b }
	for _, tt := range []struct {
		name           string
		source, target Bucket
	}{
		{"deleted since", listed(shown, marker, v), Bucket{Presence: Absent}},
		{"written over since", listed(shown, Version{ID: "v2"}, v), Bucket{Presence: Absent}},
		{"written since at the source", listed(Bucket{Presence: Deleted}, v, marker), shown},
		{"written since at the target", shown, listed(Bucket{Presence: Deleted}, v, marker)},
		{"destroyed since", shown, listed(Bucket{Presence: Deleted})},
	} {
		if got := DecideFollow(Following{Source: tt.source, Target: tt.target, Now: 9, Deletions: true}); got.Action != LookAgain {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// drawWorld draws what users, replicas and markers leave in three buckets, also
// what cannot have come about.
func drawWorld(t *rapid.T) world {
	w := world{}
	var writes []Write
	at := int64(10)
	for i := range rapid.IntRange(0, 12).Draw(t, "operations") {
		at += rapid.Int64Range(0, 2).Draw(t, "later")
		region := rapid.SampledFrom([]string{"d", "e", "s"}).Draw(t, "region")
		id, contents := fmt.Sprint("v", i), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "contents")
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && len(writes) > 0:
			of := rapid.SampledFrom(writes).Draw(t, "of")
			w.replicate(region, id, max(at, of.Seconds+1), of, contents)
			at = max(at, of.Seconds+1)
		case kind == 1:
			w.hide(region, id, at)
		default:
			w.put(region, id, at, contents)
			writes = append(writes, Write{region, id, at})
		}
		if rapid.IntRange(0, 9).Draw(t, "destroyed") == 0 {
			i := rapid.IntRange(0, len(w[region])-1).Draw(t, "which")
			w[region] = slices.Delete(w[region], i, i+1)
		}
	}
	return w
}

// Whatever buckets show: questions end, nothing greater is replaced or hidden by
// less, nothing that was deleted is copied where it was seen to be, and once it is
// done there is nothing more to do.
func TestDecideFollowKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		k := Following{
			Now: rapid.Int64Range(0, 60).Draw(t, "now"), Deletions: rapid.Bool().Draw(t, "deletions"),
			Deleted:  rapid.Bool().Draw(t, "deleted"),
			Replicas: rapid.Bool().Draw(t, "replicas"), Retagged: rapid.Bool().Draw(t, "retagged"),
			Orders: Orders{Since: rapid.SampledFrom([]int64{0, 0, 15}).Draw(t, "since")},
		}
		orders := Orders{Since: k.Since, Stacks: w}
		s, _ := w.end(t, k, "s", "d")
		source, target := w.look("s"), w.look("d")
		switch s.Action {
		case Copy:
			if !source.shows() || s.Write != source.Current.Write || k.Now <= s.Write.Seconds {
				t.Fatalf("copies %+v of %+v at %d", s, source, k.Now)
			}
			i := slices.IndexFunc(w["d"], func(v Version) bool { return !v.Marker })
			if i >= 0 && orders.Of(source.Current, w["d"][i]) != Greater {
				t.Fatalf("replaces %+v by %+v", w["d"][i], source.Current)
			}
			w.replicate("d", "new", max(k.Now, s.Write.Seconds), s.Write, source.Current.ETag)
		case Delete:
			if !k.Deletions || !target.shows() || k.Now <= s.Write.Seconds {
				t.Fatalf("deletes %+v by %+v at %d", target, s, k.Now)
			}
			deleted := target.Current.Write.Region == "s" &&
				!slices.ContainsFunc(w["s"], func(v Version) bool { return v.ID == target.Current.Write.VersionID })
			for i, v := range w["s"] {
				deleted = deleted || i > 0 && w["s"][i-1].Marker && !v.Marker && orders.Of(v, target.Current) != Less
			}
			if !deleted {
				t.Fatalf("deletes %+v, which nobody deleted", target.Current)
			}
			w.hide("d", "new", k.Now)
		case Wait:
			if k.Now > s.Write.Seconds {
				t.Fatalf("waits for %+v at %d", s, k.Now)
			}
			return
		case Exists, Retag:
			if orders.Of(source.Current, target.Current) != SameWrite || (s.Action == Retag) != k.Retagged {
				t.Fatalf("%+v: %+v and %+v are not the same", s, source, target)
			}
		case Superseded, SourceGone:
		default:
			t.Fatalf("%+v is no end", s)
		}
		again, _ := w.end(t, k, "s", "d")
		if again.Action == Copy || again.Action == Delete || again.Action == Wait {
			t.Fatalf("%+v, and after that %+v", s, again)
		}
	})
}
