package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"s3fanout/internal/sandbox"
)

// staying are the Regions that are members throughout; newcomer comes and goes.
var staying = []string{"us-east-1", "eu-west-1", "ap-northeast-1"}

const newcomer = "us-west-2"

// synthesizeSet returns the assembly of a replica set.
func synthesizeSet(t *testing.T, name string, regions ...string) fs.FS {
	t.Helper()
	return synthesize(t, replicaSet(t, name, regions))
}

// replicaSet is the context of a cdk.json.
func replicaSet(t *testing.T, name string, regions []string) string {
	t.Helper()
	context, err := json.Marshal(map[string]any{"s3fanout": map[string]any{"name": name, "regions": regions}})
	if err != nil {
		t.Fatal(err)
	}
	return string(context)
}

func withNewcomer() []string { return append(slices.Clone(staying), newcomer) }

// update changes what runs, and what the world knows of it.
func (w *world) update(assembly fs.FS) sandbox.Changes {
	w.t.Helper()
	changes, err := w.sandbox.Update(w.t.Context(), assembly)
	if err != nil {
		w.t.Fatal(err)
	}
	w.state = w.sandbox.State()
	return changes
}

// with runs the command on a replica set of these Regions.
func (w *world) with(regions []string, args ...string) (code int, output string) {
	w.t.Helper()
	config := filepath.Join(w.t.TempDir(), "cdk.json")
	text := `{"context":` + replicaSet(w.t, "s3fanout", regions) + `}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	code, stdout, stderr := w.command(append(args, "--config", config)...)
	return code, string(stdout) + string(stderr)
}

func (w *world) wantDone(regions []string, args ...string) {
	w.t.Helper()
	if code, out := w.with(regions, args...); code != 0 {
		w.t.Fatalf("%s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
}

// traffic is a user who uploads to the staying Regions in turn, without a pause.
type traffic struct {
	t       *testing.T
	stop    chan struct{}
	stopped chan error
	done    chan object // unbuffered: who receives paces the user
	all     []object
	last    object // which nobody received any more
}

func (w *world) traffic(name string) *traffic {
	u := &traffic{t: w.t, stop: make(chan struct{}), stopped: make(chan error, 1), done: make(chan object)}
	first := *w // the user knows the buckets by heart
	go func() {
		defer close(u.done)
		for i := 0; ; i++ {
			o := object{key: fmt.Sprintf("%s/%05d", name, i), body: fmt.Sprint("body ", i)}
			if _, err := first.put(staying[i%len(staying)], o); err != nil {
				u.stopped <- err
				return
			}
			select {
			case u.done <- o:
			case <-u.stop:
				u.last = o
				u.stopped <- nil
				return
			}
		}
	}()
	return u
}

// during uploads while what runs, and at least ten objects more.
func (u *traffic) during(what func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case o, ok := <-u.done:
				if !ok {
					return // end says why
				}
				u.all = append(u.all, o)
			case <-quit:
				return
			}
		}
	}()
	what()
	close(quit)
	<-over
	for range 10 {
		if o, ok := <-u.done; ok {
			u.all = append(u.all, o)
		}
	}
}

// end stops the uploads and returns all of them.
func (u *traffic) end() []object {
	u.t.Helper()
	close(u.stop)
	for o := range u.done {
		u.all = append(u.all, o)
	}
	if err := <-u.stopped; err != nil {
		u.t.Fatal(err)
	}
	return append(u.all, u.last)
}

func (w *world) wantNothingLost(regions ...string) {
	w.t.Helper()
	stats := w.sandbox.Stats().Regions
	for _, region := range regions {
		if r := stats[region]; r.DeadLetters != 0 || r.Lambda.Lost != 0 || r.SNS.Lost != 0 || r.SNS.Undeliverable != 0 {
			w.t.Errorf("%s: %d dead letters, %d events and %d messages lost, %d undeliverable, want none",
				region, r.DeadLetters, r.Lambda.Lost, r.SNS.Lost, r.SNS.Undeliverable)
		}
	}
}

// endpoints are the Regions whose functions the topics of regions deliver to.
func (w *world) endpoints(regions ...string) map[string][]string {
	w.t.Helper()
	found := map[string][]string{}
	for _, region := range regions {
		out, err := sns.NewFromConfig(w.config(region)).ListSubscriptions(w.t.Context(), &sns.ListSubscriptionsInput{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, sub := range out.Subscriptions {
			found[region] = append(found[region], strings.Split(aws.ToString(sub.Endpoint), ":")[3])
		}
		slices.Sort(found[region])
	}
	return found
}

// A fourth Region joins while uploads go on: none of them is lost, and what was
// there before is there after a backfill.
func TestRegionJoinsWhileUploadsGoOn(t *testing.T) {
	t.Parallel()
	w := start(t, synthesizeSet(t, "s3fanout", staying...))
	four := synthesizeSet(t, "s3fanout", withNewcomer()...)
	u := w.traffic("joins")
	u.during(func() {})
	u.during(func() { w.update(four) })
	all := u.end()
	w.settle()
	for _, o := range all {
		for _, region := range staying {
			w.wantIn(region, o)
		}
	}
	w.wantMissing(newcomer, all[0].key) // it was there before the Region was
	w.wantIn(newcomer, all[len(all)-1])
	w.wantNothingLost(withNewcomer()...)
	there := object{key: "from the new Region", body: "body"}
	w.upload(newcomer, there)
	w.settle()

	if code, out := w.with(withNewcomer(), "verify", "--grace", "0s"); code != 3 {
		t.Errorf("verify before the backfill: exit %d, want 3\n%s", code, out)
	}
	w.wantDone(withNewcomer(), "backfill", "--to", newcomer)
	w.wantDone(withNewcomer(), "verify")
	for _, region := range withNewcomer() {
		w.wantIn(region, there)
		for _, o := range all {
			w.wantIn(region, o)
		}
	}
}

// A Region leaves in the order that docs/upgrade.md gives, while uploads to the
// others go on: they do not notice, and its bucket stays as it is.
func TestRegionLeaves(t *testing.T) {
	t.Parallel()
	w := start(t, synthesizeSet(t, "s3fanout", withNewcomer()...))
	before := object{key: "before", body: "body", tags: "k=v", metadata: map[string]string{"m": "v"}}
	w.upload(newcomer, before)
	w.settle()

	// First its mesh stack.
	u := w.traffic("leaves")
	u.during(func() {})
	leaving := editable(t, synthesizeSet(t, "s3fanout", withNewcomer()...))
	leaving.remove("s3fanout-" + newcomer + "-mesh")
	u.during(func() { w.update(leaving.files) })
	if got := w.endpoints(newcomer); len(got) != 0 {
		t.Errorf("without its mesh stack, the Region's topic still delivers to %v", got)
	}
	// Then the others without it; its Region stack is still there.
	three := synthesizeSet(t, "s3fanout", staying...)
	for _, region := range staying {
		for _, file := range []string{"s3fanout-" + region + ".template.json", "s3fanout-" + region + "-mesh.template.json"} {
			leaving.files[file] = editable(t, three).files[file]
		}
	}
	u.during(func() { w.update(leaving.files) })
	all := u.end()
	w.settle() // what SNS had begun to deliver there finds its function
	u = w.traffic("left")
	u.during(func() {})
	var changes sandbox.Changes
	u.during(func() { changes = w.update(three) })
	all = append(all, u.end()...)
	w.settle()

	for _, o := range append(all, before) {
		for _, region := range staying {
			w.wantIn(region, o)
		}
	}
	w.wantNothingLost(staying...)
	for region, got := range w.endpoints(withNewcomer()...) {
		if slices.Contains(got, newcomer) || len(got) != 2 {
			t.Errorf("%s delivers to %v, want the two others that stay", region, got)
		}
	}
	if want := (sandbox.RegionState{Bucket: "s3fanout-" + sandbox.AccountID + "-" + newcomer}); w.state.Regions[newcomer] != want {
		t.Errorf("of the Region that left there is %+v, want its bucket alone", w.state.Regions[newcomer])
	}
	if got := len(changes.Retained); got != 2 {
		t.Errorf("retained %+v, want the bucket and its policy", changes.Retained)
	}
	w.wantIn(newcomer, before)
	after := object{key: "after", body: "body"}
	w.upload("eu-west-1", after)
	w.settle()
	w.wantMissing(newcomer, after.key)
	w.wantDone(staying, "verify")
}

// Why the mesh stack goes first: while the Region still delivers to functions
// that do not know it any more, what is uploaded there ends in its dead-letter
// queue. Nothing is lost: with the Region back, a redrive delivers it.
func TestRegionLeavesInTheWrongOrder(t *testing.T) {
	t.Parallel()
	four, three := synthesizeSet(t, "s3fanout", withNewcomer()...), synthesizeSet(t, "s3fanout", staying...)
	w := start(t, four)
	half := editable(t, four)
	for _, region := range staying {
		half.files["s3fanout-"+region+".template.json"] = editable(t, three).files["s3fanout-"+region+".template.json"]
	}
	w.update(half.files)
	late := object{key: "late", body: "body"}
	w.upload(newcomer, late)
	w.settle()
	w.wantLetters(newcomer, 3)
	w.wantMissing("eu-west-1", late.key)

	w.update(four)
	w.wantDone(withNewcomer(), "redrive", "--region", newcomer)
	w.settle()
	w.wantLetters(newcomer, 0)
	w.wantEverywhere(late)
}

// Everything is destroyed: the buckets stay with what is in them, and in the way
// of the same replica set, which CloudFormation would not take over either.
func TestDestroyKeepsTheBuckets(t *testing.T) {
	t.Parallel()
	three := synthesizeSet(t, "s3fanout", staying...)
	w := start(t, three)
	o := object{key: "kept", body: "body"}
	w.upload("eu-west-1", o)
	w.settle()
	if _, err := w.sandbox.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for region, left := range w.sandbox.State().Regions {
		if want := (sandbox.RegionState{Bucket: w.bucket(region)}); left != want {
			t.Errorf("%s: %+v is left, want the bucket alone", region, left)
		}
	}
	w.wantEverywhere(o)
	w.upload("eu-west-1", object{key: "alone", body: "body"})
	w.settle()
	w.wantMissing("us-east-1", "alone")
	_, err := w.sandbox.Update(t.Context(), three)
	if !errors.As(err, &sandbox.RefusedError{}) || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("the same set again: %v, want a refusal that says the bucket is there", err)
	}
}

// Another name is another replica set: its buckets are empty, the old ones stay,
// and one copy into one new bucket is in all of them.
func TestAnotherNameIsAnotherReplicaSet(t *testing.T) {
	t.Parallel()
	w := start(t, synthesizeSet(t, "s3fanout", staying...))
	o := object{key: "moved", body: "body"}
	w.upload("eu-west-1", o)
	w.settle()
	old := w.state
	w.update(synthesizeSet(t, "media", staying...))
	for _, region := range slices.Sorted(maps.Keys(old.Regions)) {
		if w.bucket(region) == old.Regions[region].Bucket {
			t.Errorf("%s: the bucket is still %s", region, w.bucket(region))
		}
		w.wantMissing(region, o.key)
	}
	_, err := w.s3("us-east-1").CopyObject(t.Context(), &s3.CopyObjectInput{ // as aws s3 sync does
		Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String(o.key),
		CopySource: aws.String(old.Regions["us-east-1"].Bucket + "/" + o.key),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantEverywhere(o)
	w.state = old
	w.wantEverywhere(o)
}
