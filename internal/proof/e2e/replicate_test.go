package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// everyKind is one object of each kind that is easily got wrong.
func everyKind() []object {
	return []object{
		{key: "plain.txt", body: "plain"},
		{key: "with spaces and + plus.txt", body: "spaces"},
		{key: "100% of it%20.txt", body: "percent"},
		{key: "ünïcödé/日本語/😀.txt", body: "unicode"},
		{key: "deep/er/and/deeper/still", body: "slashes"},
		{key: "quotes'\"&<>=?#;:@$,!*()~.txt", body: "reserved characters"},
		{key: "empty", body: ""},
		{key: "tagged", body: "tagged", tags: "project=s3fanout&team=platform",
			metadata: map[string]string{"owner": "someone", "purpose": "test"}},
		{key: "large", body: strings.Repeat("0123456789abcdef", 1<<19)},
	}
}

func TestUploadsArriveEverywhere(t *testing.T) {
	t.Parallel()
	for name, assembly := range map[string]func(*testing.T) fs.FS{"three Regions": threeRegions, "five Regions": fiveRegions} {
		t.Run(name, func(t *testing.T) {
			w := start(t, assembly(t))
			var all []object
			for _, region := range w.regions {
				for _, o := range everyKind() {
					o.key = region + "/" + o.key
					w.upload(region, o)
					all = append(all, o)
				}
			}
			w.settle()
			for _, o := range all {
				w.wantEverywhere(o)
			}
			for _, region := range w.regions {
				w.wantLetters(region, 0)
			}
		})
	}
}

// A fresh upload costs one invocation and one CopyObject for every other
// Region, and nothing else: no HEAD, no invocation for a replica event, no loop.
func TestCostOfFreshUpload(t *testing.T) {
	t.Parallel()
	for name, assembly := range map[string]func(*testing.T) fs.FS{"three Regions": threeRegions, "five Regions": fiveRegions} {
		t.Run(name, func(t *testing.T) {
			w := start(t, assembly(t))
			others := int64(len(w.regions) - 1)
			for i, region := range w.regions {
				before := w.cost()
				w.upload(region, object{key: fmt.Sprintf("fresh-%d", i), body: "fresh", tags: "a=b"})
				w.settle()
				after := w.cost()
				if got := after.invocations - before.invocations; got != others {
					t.Errorf("%s: an upload woke %d functions, want %d", region, got, others)
				}
				want := maps.Clone(before.requests)
				want["CopyObject"] += others
				if !maps.Equal(after.requests, want) {
					t.Errorf("%s: the functions' S3 requests went from %v to %v, want %v", region, before.requests, after.requests, want)
				}
				// Every replica's own event was dropped by the filter, for every subscriber.
				if got := after.filtered - before.filtered; got != others*others {
					t.Errorf("%s: %d echoes filtered, want %d", region, got, others*others)
				}
			}
		})
	}
}

func TestSameKeyInEveryRegionAtOnce(t *testing.T) {
	t.Parallel()
	type place struct{ region, key string }
	var mu sync.Mutex
	written, early := map[place]bool{}, map[place]bool{} // by its user; by a copy that began before that was done
	w := start(t, threeRegions(t), observe(func(c sandboxs3.Call) error {
		mu.Lock()
		defer mu.Unlock()
		at := place{c.Region, c.Key}
		switch {
		case c.Operation == "PutObject" && c.Done:
			written[at] = true
		case c.Operation == "CopyObject" && !c.Done && !written[at]:
			early[at] = true
		}
		return nil
	}))
	const keys = 20
	for i := range keys {
		w.inEveryRegion(func(region string) object {
			return object{key: fmt.Sprintf("contested-%d", i), body: "written in " + region}
		})
	}
	w.settle()
	for i := range keys {
		key := fmt.Sprintf("contested-%d", i)
		for _, region := range w.regions {
			// What a Region's user wrote is never replaced. A copy that began
			// before that was done is a version as well: below it or, if it
			// was the later one to start, above.
			n := w.versions(region, key)
			if body, _ := w.read(region, key); body != "written in "+region && (n != 2 || !early[place{region, key}]) {
				t.Errorf("%s: %q says %q", region, key, body)
			}
			if n > 2 || n == 2 && !early[place{region, key}] {
				t.Errorf("%s: %q has %d versions: copies were written over each other", region, key, n)
			}
		}
	}
	// No loop: every upload woke the other Regions once.
	if got, want := w.cost().invocations, int64(keys*len(w.regions)*(len(w.regions)-1)); got != want {
		t.Errorf("%d invocations, want %d", got, want)
	}
}

func TestSameKeyAgainIsSkipped(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	home, away := w.regions[0], w.regions[1:]
	w.upload(home, object{key: "key", body: "first"})
	w.settle()
	w.upload(home, object{key: "key", body: "second"})
	w.settle()
	w.wantIn(home, object{key: "key", body: "second"})
	for _, region := range away {
		w.wantIn(region, object{key: "key", body: "first"})
		if n := w.versions(region, "key"); n != 1 {
			t.Errorf("%s: %d versions, want the first alone", region, n)
		}
		w.wantLetters(region, 0)
	}
}

func TestVersionDeletedBeforeItsCopyIsGone(t *testing.T) {
	t.Parallel()
	deleted := make(chan struct{})
	release := sync.OnceFunc(func() { close(deleted) })
	w := start(t, threeRegions(t), observe(func(c sandboxs3.Call) error {
		if c.Operation == "CopyObject" {
			<-deleted
		}
		return nil
	}))
	t.Cleanup(release) // before the world ends
	home := w.regions[0]
	version := w.upload(home, object{key: "short-lived", body: "gone soon"})
	_, err := w.s3(home).DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String("short-lived"), VersionId: aws.String(version),
	})
	release()
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := w.cost(); got.errors != 0 || got.requests["CopyObject"] != 2 {
		t.Errorf("cost %+v, want two copies tried and no error", got)
	}
	for _, region := range w.regions {
		w.wantMissing(region, "short-lived")
		w.wantLetters(region, 0)
	}
}

// A delete marker hides the object; the version that the event names is still
// there, and arrives.
func TestVersionBelowDeleteMarkerArrives(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	home := w.regions[0]
	w.fault(home, fault.Delay, 1, 0)
	o := object{key: "hidden", body: "still there"}
	w.upload(home, o)
	_, err := w.s3(home).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(home)), Key: aws.String("hidden")})
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantMissing(home, "hidden")
	for _, region := range w.regions[1:] {
		w.wantIn(region, o)
	}
}

func TestDuplicatedAndDelayedDeliveries(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	for _, region := range w.regions {
		w.fault(region, fault.DuplicateDelivery, 1, 0)
		w.fault(region, fault.Delay, 0.5, 0)
	}
	const keys = 10
	for i := range keys {
		w.inEveryRegion(func(region string) object {
			return object{key: fmt.Sprintf("%s/%d", region, i), body: "once"}
		})
	}
	w.settle()
	for i := range keys {
		for _, origin := range w.regions {
			o := object{key: fmt.Sprintf("%s/%d", origin, i), body: "once"}
			w.wantEverywhere(o)
			for _, region := range w.regions {
				if n := w.versions(region, o.key); n != 1 {
					t.Errorf("%s: %q has %d versions, want 1", region, o.key, n)
				}
			}
		}
	}
	replicas := int64(keys * len(w.regions) * (len(w.regions) - 1))
	if got := w.cost(); got.invocations != 2*replicas || got.requests["CopyObject"] != 2*replicas || got.errors != 0 {
		t.Errorf("cost %+v, want every delivery twice (%d), each one CopyObject, and no error", got, 2*replicas)
	}
}
