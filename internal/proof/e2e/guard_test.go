package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
)

// unguarded is an S3 as some emulators are: it accepts the condition of a copy
// and ignores it, and its events do not say who wrote, so that no filter drops a
// replica's.
func unguarded(t *testing.T, assembly fs.FS) *world {
	t.Helper()
	a := editable(t, assembly)
	a.edit("*-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) {
		delete(p, "FilterPolicy")
		delete(p, "FilterPolicyScope")
	}))
	w := start(t, a.files)
	for _, region := range w.regions {
		w.fault(region, fault.S3NoConditions, 1, 0)
		w.fault(region, fault.S3NoPrincipal, 1, 0)
	}
	return w
}

// Where S3 ignores the condition, one upload was copied from Region to Region
// without end: 106 versions in 20 seconds. A chain ends after one HEAD of what a
// copy wrote.
func TestChainEndsWhereConditionsAreIgnored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body     string
		assembly fs.FS
		writes   string
	}{
		"one request": {"body", threeRegions(t), "CopyObject"},
		"parts":       {noise(plannedPart + 1), inParts(t, 2), "CompleteMultipartUpload"},
	} {
		t.Run(name, func(t *testing.T) {
			w := unguarded(t, c.assembly)
			home := w.regions[0]
			w.full(home, "key", c.body)
			w.settleWithin(20 * time.Second)
			// Each other Region copies the upload. A replica's event can come to
			// the third Region before its own copy is there, and is copied too;
			// whatever comes later is found there.
			got := w.cost()
			if n := w.versions(home, "key"); n != 1 {
				t.Errorf("%s: %d versions, want the upload alone", home, n)
			}
			replicas := 0
			for _, region := range w.regions[1:] {
				n := w.versions(region, "key")
				replicas += n
				if n < 1 || n > 2 {
					t.Errorf("%s: %d versions, want one, or two where events crossed", region, n)
				}
				w.wantLetters(region, 0)
			}
			if n := got.requests[c.writes]; n != int64(replicas) {
				t.Errorf("%d of %s for %d replicas", n, c.writes, replicas)
			}
			// Each replica wakes the two other Regions.
			if want := int64(2 + 2*replicas); got.invocations != want {
				t.Errorf("%d invocations, want %d", got.invocations, want)
			}
		})
	}
}

// Without copies by users S3 announces no replica of one request, which costs nothing
// then, and users' own copies stay where they are until a backfill. Copies in parts
// are uploads to S3, and are announced.
func TestCopiesByUsersAreLeftOut(t *testing.T) {
	t.Parallel()
	w := start(t,
		synthesize(t, `{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],"copiesByUsers":false,`+
			`"multipartThresholdMiB":5}}`))
	home := w.regions[0]
	published := func() (n int64) {
		for _, r := range w.sandbox.Stats().Regions {
			n += r.SNS.Published
		}
		return n
	}
	before := published()
	w.upload(home, object{key: "first", body: "body"})
	w.settle()
	w.wantEverywhere(object{key: "first", body: "body"})
	if n := published() - before; n != 1 {
		t.Errorf("%d notifications of an upload and two replicas, want that of the upload", n)
	}
	before = published()
	large := object{key: "large", body: strings.Repeat("large", 2<<20)}
	w.upload(home, large)
	w.settle()
	w.wantEverywhere(large)
	if n := published() - before; n != 3 {
		t.Errorf("%d notifications of a large upload and two replicas in parts, want 3", n)
	}

	before = published()
	if _, err := w.s3(home).CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String("second"), CopySource: aws.String(w.bucket(home) + "/first"),
	}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if n := published() - before; n != 0 {
		t.Errorf("%d notifications of a user's copy, want none", n)
	}
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(
		config,
		[]byte(`{"context":{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],"copiesByUsers":false,`+
			`"multipartThresholdMiB":5}}}`), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := w.command("doctor", "--config", config); code != 0 {
		t.Errorf("doctor: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := w.command("backfill", "--config", config); code != 0 {
		t.Fatalf("backfill: exit %d\n%s%s", code, stdout, stderr)
	}
	w.settle()
	w.wantEverywhere(object{key: "second", body: "body"})
}

// A user's own copy costs one HEAD more, where an upload costs none.
func TestCopyOfAUserIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	home := w.regions[0]
	w.upload(home, object{key: "first", body: "body"})
	w.settle()
	before := w.cost().requests
	if _, err := w.s3(home).CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String("second"), CopySource: aws.String(w.bucket(home) + "/first"),
	}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	after := w.cost().requests
	if heads, copies := after["HeadObject"]-before["HeadObject"], after["CopyObject"]-before["CopyObject"]; heads != 2 || copies != 2 {
		t.Errorf("%d HEADs and %d copies for a user's copy, want one of each in both other Regions", heads, copies)
	}
	w.wantEverywhere(object{key: "second", body: "body"})
}
