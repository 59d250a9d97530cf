package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/fault"
)

// wantReasons checks how many dead letters each of the Regions has, and that the
// function's log there says why.
func (w *world) wantReasons(letters map[string]int64, says string) {
	w.t.Helper()
	for _, region := range w.regions {
		w.wantLetters(region, letters[region])
		if letters[region] > 0 && w.logLines(region, says) == "" {
			w.t.Errorf("%s: the log does not say %q", region, says)
		}
	}
}

// A clock of S3 that is a little ahead is waited for, so that what a user writes over
// a replica wins, though its own clock is behind.
func TestWhatIsWrittenOverAReplicaWins(t *testing.T) {
	t.Parallel()
	f := startFollowing(t)
	const a, b = "us-east-1", "eu-west-1"
	f.clocks(3, a)
	f.upload(a, object{key: "films/k", body: "by a clock ahead"})
	f.wantAll("films/k", "by a clock ahead")
	f.upload(b, object{key: "films/k", body: "over it"})
	f.wantAll("films/k", "over it")
	if f.logLines(b, `"waitedMs":`) == "" {
		t.Error("no function waited")
	}
	f.wantReasons(nil, "")
}

// Where somebody has suspended versioning nothing is followed, since that would
// destroy what is there, and a redrive does it once versions are kept again.
func TestFollowingIntoASuspendedBucket(t *testing.T) {
	t.Parallel()
	w := startFollowing(t)
	const a, b = "us-east-1", "eu-west-1"
	versioning := func(status s3types.BucketVersioningStatus) {
		t.Helper()
		if _, err := w.s3(b).PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: aws.String(w.bucket(b)), VersioningConfiguration: &s3types.VersioningConfiguration{Status: status},
		}); err != nil {
			t.Fatal(err)
		}
	}
	versioning(s3types.BucketVersioningStatusSuspended)
	w.upload(b, object{key: "films/k", body: "theirs"})
	w.later()
	w.upload(a, object{key: "films/k", body: "later"})
	w.settle()
	w.wantReasons(map[string]int64{b: 1}, "does not keep versions: versioning is suspended")
	if got, _ := w.read(b, "films/k"); got != "theirs" {
		t.Errorf("%s shows %q, want what would have been destroyed", b, got)
	}
	versioning(s3types.BucketVersioningStatusEnabled)
	w.run(0, "redrive")
	w.settle()
	if got := w.wantSame("films/k"); got != "later" {
		t.Errorf("all show %q", got)
	}
	if kept := w.everyBody("films/k"); !strings.Contains(strings.Join(kept, " "), "theirs") {
		t.Errorf("versions %q, want what was replaced among them", kept)
	}
	w.wantReasons(nil, "")
}

// S3 answers conditional requests with 409 where a rival is about: each is decided
// anew, and none is lost.
func TestFollowingThroughConflicts(t *testing.T) {
	t.Parallel()
	w := start(t, synthesize(t, followContext))
	for _, region := range w.regions {
		w.fault(region, fault.S3Conflict, 0.5, 0)
	}
	const keys = 8
	for i := range keys {
		w.upload(w.regions[i%len(w.regions)], object{key: fmt.Sprintf("films/%d", i), body: "one"})
	}
	w.settle()
	for i := range keys {
		key := fmt.Sprintf("films/%d", i)
		if i%2 == 0 {
			w.remove(w.regions[0], key)
		} else {
			w.upload(w.regions[(i+1)%len(w.regions)], object{key: key, body: "two"})
		}
	}
	w.settle()
	for i := range keys {
		if got, want := w.wantSame(fmt.Sprintf("films/%d", i)), []string{"", "two"}[i%2]; got != want {
			t.Errorf("films/%d: %q, want %q", i, got, want)
		}
	}
	w.wantReasons(nil, "")
}
