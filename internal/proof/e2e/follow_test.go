package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/fault"
)

func (w *world) remove(region, key string) {
	w.t.Helper()
	_, err := w.s3(region).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
}

// later waits until S3's clocks are in another second, so that what is written then
// is later for certain.
func (w *world) later() {
	now := time.Now()
	timer := time.NewTimer(now.Truncate(time.Second).Add(time.Second).Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.t.Context().Done():
	}
}

// wantSame checks that a key shows the same in every Region, nothing if body is
// empty, and returns what it shows.
func (w *world) wantSame(key string) string {
	w.t.Helper()
	first, _ := w.read(w.regions[0], key)
	for _, region := range w.regions[1:] {
		if got, _ := w.read(region, key); got != first {
			w.t.Errorf("%s: %q in %s and %q in %s", key, first, w.regions[0], got, region)
		}
	}
	return first
}

// spent is what the functions asked of S3 since the last time.
func (w *world) spent(before *cost) map[string]int64 {
	now := w.cost()
	got := map[string]int64{}
	for operation, n := range now.requests {
		if d := n - before.requests[operation]; d > 0 {
			got[operation] = d
		}
	}
	*before = now
	return got
}

// Overwrites and deletions travel, wherever they are made, for what the docs say
// that it costs, and what is replaced or hidden stays.
func TestFollowedChanges(t *testing.T) {
	t.Parallel()
	w := start(t, synthesize(t, followContext))
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"
	const key = "films/a b+ü.mp4"
	want := func(what, body string) {
		t.Helper()
		w.settle()
		if got := w.wantSame(key); got != body {
			t.Errorf("%s: %q, want %q", what, got, body)
		}
	}
	var before cost
	// Each function asks once whether its bucket keeps versions.
	w.upload(a, object{key: key, body: "one", metadata: map[string]string{"owner": "ü"}, tags: "t=1"})
	want("a fresh object", "one")
	w.later()
	w.upload(b, object{key: key, body: "two"})
	want("an overwrite in another Region", "two")
	if got := w.spent(&before)["GetBucketVersioning"]; got != 3 {
		t.Errorf("%d looks at versioning", got)
	}

	w.later()
	w.upload(c, object{key: key, body: "three", metadata: map[string]string{"owner": "ü"}, tags: "t=1"})
	want("an overwrite", "three")
	got := w.spent(&before)
	if !maps.Equal(only(got, "CopyObject", "ListObjectVersions", "DeleteObject"), map[string]int64{"CopyObject": 2}) ||
		got["HeadObject"] < 4 {
		t.Errorf("an overwrite took %v", got)
	}
	for _, region := range w.regions {
		w.wantIn(region, object{
			key: key, body: "three", metadata: followed(w, region, key, map[string]string{"owner": "=?UTF-8?b?w7w=?="}), tags: "t=1",
		})
		if n := w.versions(region, key); n != 3 {
			t.Errorf("%s keeps %d versions of three", region, n)
		}
	}

	// The deletion of a replica is one of the object.
	w.remove(a, key)
	want("a deletion", "")
	got = w.spent(&before)
	// Another Region's marker may be told of while one is made: that is refused.
	if n := got["DeleteObject"]; n < 2 || n > 4 || got["CopyObject"] > 0 {
		t.Errorf("a deletion took %v", got)
	}
	for _, region := range w.regions {
		if n := w.markers(region, key); n != 1 {
			t.Errorf("%s has %d delete markers", region, n)
		}
	}
	w.later()
	w.upload(b, object{key: key, body: "again"})
	want("written again", "again")

	// Tags are of the write's own Region.
	retag := func(region, value string) {
		t.Helper()
		if _, err := w.s3(region).PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{
			Bucket: aws.String(w.bucket(region)), Key: aws.String(key),
			Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("t"), Value: &value}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	retag(b, "2")
	w.settle()
	for _, region := range w.regions {
		w.wantIn(region, object{key: key, body: "again", metadata: followed(w, region, key, nil), tags: "t=2"})
	}
	for _, region := range w.regions {
		w.wantLetters(region, 0)
	}

	// Of other keys other rules hold.
	w.upload(a, object{key: "logs/k", body: "one"})
	w.settle()
	w.upload(a, object{key: "logs/k", body: "two"})
	w.settle()
	if body, _ := w.read(b, "logs/k"); body != "one" {
		t.Errorf("what is not followed: %q", body)
	}
}

// markers counts a key's delete markers.
func (w *world) markers(region, key string) int {
	w.t.Helper()
	out, err := w.s3(region).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(w.bucket(region)), Prefix: &key,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(out.DeleteMarkers)
}

func only(m map[string]int64, operations ...string) map[string]int64 {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(op string, _ int64) bool { return !slices.Contains(operations, op) })
	return m
}

// followed is user metadata with the entry that a replica has besides.
func followed(w *world, region, key string, metadata map[string]string) map[string]string {
	w.t.Helper()
	out, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	all := maps.Clone(metadata)
	if entry := out.Metadata["s3fanout-origin"]; entry != "" {
		if all == nil {
			all = map[string]string{}
		}
		all["s3fanout-origin"] = entry
	}
	return all
}

// everyBody is what any version in any Region has.
func (w *world) everyBody(key string) []string {
	w.t.Helper()
	var bodies []string
	for _, region := range w.regions {
		out, err := w.s3(region).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{
			Bucket: aws.String(w.bucket(region)), Prefix: &key,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, v := range out.Versions {
			got, err := w.s3(region).GetObject(w.t.Context(), &s3.GetObjectInput{
				Bucket: aws.String(w.bucket(region)), Key: &key, VersionId: v.VersionId,
			})
			if err != nil {
				w.t.Fatal(err)
			}
			var b strings.Builder
			buffer := make([]byte, 1<<10)
			for {
				n, err := got.Body.Read(buffer)
				b.Write(buffer[:n])
				if err != nil {
					break
				}
			}
			_ = got.Body.Close()
			bodies = append(bodies, b.String())
		}
	}
	return bodies
}

// A large overwrite goes on in other invocations, and is the write that wins.
func TestFollowedLargeOverwrite(t *testing.T) {
	t.Parallel()
	a := editable(t, synthesize(t, followContext))
	a.edit("*", inSmallSteps)
	w := start(t, a.files)
	const key = "films/large"
	w.upload("us-east-1", object{key: key, body: "first"})
	w.settle()
	w.later()
	before := w.cost()
	for _, region := range w.regions {
		if err := w.sandbox.SetFault(fault.Fault{Region: region, Kind: fault.S3Bandwidth, Rate: 1, BytesPerSecond: 4 << 20}); err != nil {
			t.Fatal(err)
		}
	}
	version := w.upload("us-east-1", object{key: key, body: bigBody(), tags: "t=1"})
	w.settle()
	for _, region := range w.regions {
		if err := w.sandbox.SetFault(fault.Fault{Region: region, Kind: fault.S3Bandwidth}); err != nil {
			t.Fatal(err)
		}
	}
	for _, region := range w.regions {
		w.wantIn(region, object{key: key, body: bigBody(), metadata: followed(w, region, key, nil), tags: "t=1"})
		w.wantLetters(region, 0)
		if n := w.versions(region, key); n != 2 {
			t.Errorf("%s keeps %d versions of two", region, n)
		}
		if entry := followed(w, region, key, nil)["s3fanout-origin"]; region != "us-east-1" && !strings.Contains(entry, version) {
			t.Errorf("%s: the replica is of %q, not of %s", region, entry, version)
		}
	}
	// Each of the two others hands over at least once.
	if n := w.cost().invocations - before.invocations; n < 4 {
		t.Errorf("%d invocations", n)
	}
}

// On a server that ignores conditions, and without the filter of replica events, changes
// still come to an end: only writes start copies, and markers are made only where
// something is shown.
func TestFollowedChangesEndAnywhere(t *testing.T) {
	t.Parallel()
	w := unguarded(t, synthesize(t, followContext))
	const keys = 5
	changes := int64(0)
	for i := range keys {
		key := fmt.Sprintf("films/%d", i)
		for _, region := range w.regions {
			w.upload(region, object{key: key, body: region})
			w.upload(region, object{key: key, body: region + " again"})
			changes += 2
		}
		w.remove(w.regions[i%3], key)
		changes++
	}
	w.settle()
	// Each change has two others to go to, and each replica and marker is announced to
	// all, where it ends.
	now := w.cost()
	if written := now.requests["CopyObject"] + now.requests["DeleteObject"]; written > 4*changes {
		t.Errorf("%d copies and deletions of %d changes", written, changes)
	}
	for _, region := range w.regions {
		w.wantLetters(region, 0)
	}
}
