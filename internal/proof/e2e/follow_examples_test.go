package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/sandbox/fault"
)

// following is a world that follows everything, and its commands.
type following struct {
	*world
	cdk string
}

func startFollowing(t *testing.T) following {
	t.Helper()
	return following{start(t, synthesize(t, followContext)), followConfig(t)}
}

func (f following) run(wantCode int, command string, args ...string) string {
	f.t.Helper()
	code, out, notes := f.command(append([]string{command, "--config", f.cdk}, args...)...)
	if code != wantCode {
		f.t.Errorf("%s %v: exit code %d, want %d\n%s%s", command, args, code, wantCode, out, notes)
	}
	return string(out)
}

// put uploads in a later second than anything before.
func (f following) put(region, key, body string) {
	f.t.Helper()
	f.later()
	f.upload(region, object{key: key, body: body})
}

// wantAll checks what all Regions show in the end, nothing if body is empty.
func (f following) wantAll(key, body string) {
	f.t.Helper()
	f.settle()
	if got := f.wantSame(key); got != body {
		f.t.Errorf("%s: all Regions show %q, want %q", key, got, body)
	}
}

// clocks sets the clocks of S3 in Regions ahead.
func (f following) clocks(ahead int64, regions ...string) {
	f.t.Helper()
	for _, region := range regions {
		set := fault.Fault{Region: region, Kind: fault.S3Clock, Rate: 1, ClockMillis: 1000 * ahead}
		if ahead == 0 {
			set = fault.Fault{Region: region, Kind: fault.S3Clock}
		}
		if err := f.sandbox.SetFault(set); err != nil {
			f.t.Fatal(err)
		}
	}
}

// The six examples of docs/what-wins.md, each under a key of its own. Afterwards verify
// finds nothing, and every version that a user wrote is still there.
func TestExamplesOfWhatWins(t *testing.T) {
	t.Parallel()
	f := startFollowing(t)
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"

	// 1. Two Regions at once. Nothing is lost, and all show the same.
	f.put(a, "films/1", "of a")
	f.upload(b, object{key: "films/1", body: "of b"})
	f.settle()
	if got := f.wantSame("films/1"); got != "of a" && got != "of b" {
		t.Errorf("all Regions show %q", got)
	}
	if kept := f.everyBody("films/1"); !slices.Contains(kept, "of a") || !slices.Contains(kept, "of b") {
		t.Errorf("not all versions are kept: %q", kept)
	}

	// 2. An old upload that ends late loses: it counts from its beginning.
	f.later()
	old := f.begin(a, "films/2")
	f.put(b, "films/2", "newer")
	f.wantAll("films/2", "newer")
	f.finish(old, "older")
	f.wantAll("films/2", "newer")

	// 3. A deletion deletes what it saw, and not a write that is greater.
	f.put(a, "films/3", "seen")
	f.wantAll("films/3", "seen")
	f.put(b, "films/3", "not seen")
	f.remove(a, "films/3")
	f.wantAll("films/3", "not seen")
	f.later()
	f.remove(c, "films/3")
	f.wantAll("films/3", "")

	// 4. Back to an old version, by copying it on top in any Region: here a replica.
	f.put(a, "films/4", "good")
	f.wantAll("films/4", "good")
	good := f.current(b, "films/4")
	f.put(a, "films/4", "bad")
	f.wantAll("films/4", "bad")
	f.clocks(40, f.regions...) // half a minute later
	f.rollBack(b, "films/4", good)
	f.wantAll("films/4", "good")

	// 5. A Region that is away, and brought up to date by redrive.
	f.put(a, "films/5", "before")
	f.put(a, "films/5-deleted", "before")
	f.wantAll("films/5", "before")
	f.fault(c, fault.LambdaCrash, 1, 0)
	f.put(a, "films/5", "meanwhile")
	f.remove(b, "films/5-deleted")
	f.settle()
	f.fault(c, fault.LambdaCrash, 0, 0)
	if body, _ := f.read(c, "films/5"); body != "before" {
		t.Errorf("%s was not away: %q", c, body)
	}
	if out := f.run(3, "redrive", "--dry-run"); !strings.Contains(out, "films/5-deleted (deletion)") {
		t.Errorf("the dead letters say %s", out)
	}
	f.run(0, "redrive")
	f.wantAll("films/5", "meanwhile")
	f.wantAll("films/5-deleted", "")

	// 6. Clocks apart: by a few seconds the functions wait; by more they say so, and
	// it ends equal once the events are replayed when the time has passed.
	f.clocks(43, a)
	f.put(a, "films/6", "ahead")
	f.wantAll("films/6", "ahead")
	f.clocks(100, a)
	f.put(a, "films/6", "far ahead")
	f.settle()
	if out := f.run(3, "redrive", "--dry-run"); !strings.Contains(out, "the clock of S3 in us-east-1 is ahead") {
		t.Errorf("the dead letters say %s", out)
	}
	f.clocks(110, f.regions...)
	f.run(0, "redrive")
	f.wantAll("films/6", "far ahead")

	f.run(0, "verify", "--grace", "0s")
	for _, region := range f.regions {
		f.wantLetters(region, 0)
	}
	f.wantFollowedFigures()
}

// wantFollowedFigures checks that status counts overwrites and deletions that
// travelled, and no tags, which nobody changed.
func (f following) wantFollowedFigures() {
	f.t.Helper()
	_, out, _ := f.command("status", "--config", f.cdk, "--output", "json")
	var d document.Status
	if err := json.Unmarshal(out, &d); err != nil {
		f.t.Fatal(err)
	}
	replaced, deleted := 0.0, 0.0
	for _, r := range d.Regions {
		if r.Followed == nil || r.Followed.Retagged != nil {
			f.t.Errorf("%s: status counts %+v", r.Region, r.Followed)
			continue
		}
		replaced, deleted = replaced+number(r.Followed.Replaced), deleted+number(r.Followed.Deleted)
	}
	if replaced == 0 || deleted == 0 {
		f.t.Errorf("status counts %v replaced and %v deleted, want some of each", replaced, deleted)
	}
}

// number is 0 for what is not known.
func number(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

// finish ends an upload in parts with its only part.
func (f following) finish(u userUpload, body string) {
	f.t.Helper()
	out, err := u.client.UploadPart(f.t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(f.bucket(u.region)), Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(1), Body: strings.NewReader(body),
		ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := u.complete([]s3types.CompletedPart{
		{PartNumber: aws.Int32(1), ETag: out.ETag, ChecksumCRC64NVME: out.ChecksumCRC64NVME},
	}); err != nil {
		f.t.Fatal(err)
	}
}

// current is the version that a Region shows.
func (f following) current(region, key string) string {
	f.t.Helper()
	out, err := f.s3(region).HeadObject(f.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(f.bucket(region)), Key: &key})
	if err != nil {
		f.t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// rollBack copies an old version on top, metadata and all, as users do.
func (f following) rollBack(region, key, version string) {
	f.t.Helper()
	_, err := f.s3(region).CopyObject(f.t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(f.bucket(region)), Key: &key, CopySource: aws.String(f.bucket(region) + "/" + key + "?versionId=" + version),
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// silence has S3 announce nothing any more of what happens in a Region.
func (f following) silence(region string) {
	f.t.Helper()
	_, err := f.s3(region).PutBucketNotificationConfiguration(f.t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String(f.bucket(region)), NotificationConfiguration: &s3types.NotificationConfiguration{},
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// A Region whose events are lost is named by verify and brought up to date by
// backfill; what was deleted elsewhere only if that is asked for. undelete brings it
// back everywhere, as a write of its own, and an interrupted or repeated run harms
// nothing.
func TestCommandsOfASetThatFollows(t *testing.T) {
	t.Parallel()
	f := startFollowing(t)
	const a, b = "us-east-1", "eu-west-1"
	for _, key := range []string{"films/old", "films/gone"} {
		f.put(a, key, "before")
	}
	f.settle()
	f.silence(a)
	f.put(a, "films/old", "after")
	f.remove(a, "films/gone")
	f.settle()
	out := f.run(3, "verify", "--grace", "0s", "--output", "json")
	for _, want := range []string{
		`"kind":"different","key":"films/old","why":"stale"`, `"differing":["eu-west-1","ap-northeast-1"]`,
		`"kind":"undeleted","key":"films/gone","why":"deleted"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("verify has no %s:\n%s", want, out)
		}
	}
	out = f.run(0, "backfill", "--dry-run")
	for _, want := range []string{
		"us-east-1", "eu-west-1, ap-northeast-1  films/old",
		"eu-west-1: 0 objects missing, 1 older than the latest, 1 deleted elsewhere, 5 B, 1 kept",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the dry run has no %s:\n%s", want, out)
		}
	}
	if out := f.run(3, "explain", "films/old"); !strings.Contains(out, "wins: the latest write") ||
		!strings.Contains(out, "s3fanout backfill --key='films/old'") && !strings.Contains(out, "probably on its way") {
		t.Errorf("explain says %s", out)
	}
	f.run(3, "backfill")
	f.wantAll("films/old", "after")
	f.run(0, "explain", "films/old")
	if body, _ := f.read(b, "films/gone"); body != "before" {
		t.Errorf("it was deleted without being asked for: %q", body)
	}
	f.run(0, "backfill", "--hide-deleted")
	f.wantAll("films/gone", "")
	if out := f.run(3, "explain", "films/gone"); !strings.Contains(out, "s3fanout undelete --since ") {
		t.Errorf("explain says %s", out)
	}
	f.run(0, "backfill")
	f.run(0, "verify", "--grace", "0s")
	if out := f.run(0, "history", "films/gone"); !strings.Contains(out, "of us-east-1, version ") ||
		!strings.Contains(out, "likely follows that in us-east-1, version ") {
		t.Errorf("history says %s", out)
	}

	f.later()
	if out := f.run(0, "undelete", "--since", "1h"); !strings.Contains(out, "us-east-1: 1 object, 6 B, 1 restored (6 B)") {
		t.Errorf("undelete says %s", out)
	}
	f.settle()
	// The events of the first Region are still lost.
	f.run(0, "backfill")
	f.wantAll("films/gone", "before")
	f.run(0, "undelete", "--since", "1h")
	f.wantAll("films/gone", "before")
	f.run(0, "verify", "--grace", "0s")
}

// Following is switched on over contents that are there: a dry run tells before the
// deployment whose write wins, replicas from before are known for what they are, and
// after it is switched off again the first write wins as ever.
func TestFollowingIsSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	const a, b = "us-east-1", "eu-west-1"
	const without = `{"s3fanout":{"name":"follow","regions":["us-east-1","eu-west-1","ap-northeast-1"]}}`
	f := following{world: start(t, synthesize(t, without))}
	f.put(a, "films/same", "same")
	f.put(b, "films/differ", "first")
	f.settle()
	f.put(a, "films/differ", "second")
	f.settle()
	f.later()
	with := strings.Replace(without, `]}}`,
		`],"follow":["overwrites","deletions"],"followSince":"`+time.Now().UTC().Format(time.RFC3339)+`"}}`, 1)
	f.cdk = filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(f.cdk, []byte(`{"context":`+with+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := f.run(0, "backfill", "--dry-run")
	if !strings.Contains(out, "us-east-1: its write wins for 1 key of which Regions have different ones") ||
		strings.Contains(out, "films/same") {
		t.Errorf("before the deployment: %s", out)
	}

	f.update(synthesize(t, with))
	f.run(0, "backfill")
	f.wantAll("films/differ", "second")
	f.later()
	f.remove(b, "films/same") // a replica that does not say so
	f.wantAll("films/same", "")
	f.run(0, "verify", "--grace", "0s")

	f.update(synthesize(t, without))
	f.put(b, "films/differ", "third")
	f.settle()
	if body, _ := f.read(a, "films/differ"); body != "second" {
		t.Errorf("switched off, an overwrite has travelled: %q", body)
	}
}
