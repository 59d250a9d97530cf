package e2e

import (
	"fmt"
	"slices"
	"testing"
)

// A fourth Region joins a set that follows while a user goes on writing and deleting
// in another: after a backfill it shows what the others show, has nothing of keys that
// were deleted before it joined, and takes part like any other.
func TestRegionJoinsASetThatFollows(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	const fields = `,"follow":["overwrites","deletions"]`
	f := programsIn(t, fields)
	a, b, c := staying[0], staying[1], staying[2]
	const keys = 12
	key := func(kind string, i int) string { return fmt.Sprintf("%s/%02d ü", kind, i) }
	for i := range keys {
		for _, kind := range []string{"kept", "overwritten", "deleted", "deleted and written"} {
			f.upload(f.regions[i%3], object{key: key(kind, i), body: "first " + kind, tags: "t=1"})
		}
	}
	f.settle()
	f.later()
	for i := range keys {
		f.upload(f.regions[(i+1)%3], object{key: key("overwritten", i), body: "second"})
		f.remove(f.regions[(i+1)%3], key("deleted", i))
		f.remove(f.regions[(i+2)%3], key("deleted and written", i))
	}
	f.settle()
	f.later()
	for i := range keys {
		f.upload(f.regions[i%3], object{key: key("deleted and written", i), body: "again"})
	}
	f.settle()

	stop := make(chan struct{})
	other := f.writeTheirs(c, stop)
	context, config := programsSet(t, withNewcomer(), fields)
	f.update(synthesize(t, context))
	f.regions, f.cdk = slices.Sorted(slices.Values(withNewcomer())), config
	// What is deleted while objects are listed is perhaps not deleted everywhere yet.
	if code, out, notes := f.command("backfill", "--config", f.cdk); code != 0 && code != 3 {
		t.Errorf("backfill: exit %d\n%s%s", code, out, notes)
	}
	close(stop)
	theirs := <-other
	if theirs.err != nil {
		t.Fatal(theirs.err)
	}
	f.settle()
	// What changed while the new Region's subscriptions were made and objects listed.
	f.run(0, "backfill", "--hide-deleted")
	shown := f.wantEqualRegions()
	if want := 3*keys + len(theirs.left); len(shown) != want {
		t.Errorf("%d objects are shown, want %d", len(shown), want)
	}
	wantSameContents(t, "theirs", f.shown(newcomer, "shared/theirs/"), theirs.left)
	for i := range keys {
		if n := f.versions(newcomer, key("deleted", i)) + f.markers(newcomer, key("deleted", i)); n != 0 {
			t.Errorf("the new Region has %d versions and markers of a key that was deleted before", n)
		}
		f.wantIn(newcomer, object{key: key("kept", i), body: "first kept", tags: "t=1",
			metadata: followed(f.world, newcomer, key("kept", i), nil)})
	}

	// Now it is a member like any other.
	f.later()
	f.upload(newcomer, object{key: key("kept", 0), body: "overwritten there"})
	f.remove(newcomer, key("kept", 1))
	f.upload(newcomer, object{key: key("deleted", 0), body: "written there"})
	f.upload(a, object{key: key("kept", 2), body: "overwritten elsewhere"})
	f.remove(b, key("kept", 3))
	f.wantAll(key("kept", 0), "overwritten there")
	f.wantAll(key("kept", 1), "")
	f.wantAll(key("deleted", 0), "written there")
	f.wantAll(key("kept", 2), "overwritten elsewhere")
	f.wantAll(key("kept", 3), "")
	f.wantEqualRegions()
}
