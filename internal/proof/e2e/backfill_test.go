package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// backfill runs the command and returns its exit code and what it printed.
func (w *world) backfill(args ...string) (code int, output string) {
	w.t.Helper()
	return w.run("backfill", args)
}

// requests counts an operation's requests to a Region's S3, by callers whose
// ARN has who in it.
func requests(s sandbox.Stats, region, operation, who string) (n int64) {
	for caller, operations := range s.Regions[region].S3 {
		if strings.Contains(caller, who) {
			n += operations[operation]
		}
	}
	return n
}

func invocations(s sandbox.Stats) (n int64) {
	for _, r := range s.Regions {
		n += r.Lambda.Invocations
	}
	return n
}

// uploadMany puts numbered objects into us-east-1 and waits for the functions.
func (w *world) uploadMany(n int) {
	w.t.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			_, err := w.put("us-east-1", numbered(i))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

func numbered(i int) object {
	return object{
		key: fmt.Sprintf("films/%03d é", i), body: fmt.Sprint("body ", i), tags: fmt.Sprint("n=", i),
		metadata: map[string]string{"n": fmt.Sprint(i)},
	}
}

// A Region joins after 200 objects were written: one copy brings each of them
// there, as one page of versions says of which version, and no function anywhere
// is woken by that.
func TestBackfillOfARegionThatJoinsLate(t *testing.T) {
	t.Parallel()
	const n = 200
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*-mesh", withoutSubscriber("eu-west-1"))
	w := start(t, a.files)
	w.uploadMany(n)
	w.wantMissing("eu-west-1", numbered(0).key)
	before := w.sandbox.Stats()

	code, out := w.backfill("--to", "eu-west-1")
	if code != 0 || !strings.Contains(out, "eu-west-1: 200 objects missing, 200 copied") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	w.settle()
	after := w.sandbox.Stats()
	for i := range n {
		w.wantIn("eu-west-1", numbered(i))
	}
	if got := invocations(after) - invocations(before); got != 0 {
		t.Errorf("the copies woke functions %d times", got)
	}
	dropped := after.Regions["eu-west-1"].SNS.Filtered - before.Regions["eu-west-1"].SNS.Filtered
	if dropped != 2*n {
		t.Errorf("filters dropped %d deliveries, want one for each copy and other Region, %d", dropped, 2*n)
	}
	role := ":assumed-role/s3fanout-replicator-eu-west-1/s3fanout-replicator"
	if got := requests(after, "eu-west-1", "CopyObject", role) - requests(before, "eu-west-1", "CopyObject", role); got != n {
		t.Errorf("%d copies by the function's role, want %d", got, n)
	}
	// The target tells by a page what was deleted there.
	for operation, want := range map[string]int64{"HeadObject": 0, "ListObjectVersions": 2} {
		sent := int64(0)
		for _, region := range w.regions {
			sent += requests(after, region, operation, "") - requests(before, region, operation, "")
		}
		if sent != want {
			t.Errorf("%d %s, want %d", sent, operation, want)
		}
	}
	if code, out := w.backfill(); code != 0 || strings.Contains(out, "copied") {
		t.Errorf("again: exit %d\n%s", code, out)
	}
}

// S3 asks for less as soon as copies come: everything arrives all the same, and
// what S3 refused is tried again.
func TestBackfillThroughSlowDown(t *testing.T) {
	t.Parallel()
	const n, refusals = 60, 40
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*-mesh", withoutSubscriber("eu-west-1"))
	var w *world
	overload := sync.OnceFunc(func() { w.fault("eu-west-1", fault.S3SlowDown, 1, refusals) })
	w = start(t, a.files, func(c *sandbox.Config) {
		c.OnS3Call = func(call sandboxs3.Call) error {
			if call.Operation == "CopyObject" && call.Region == "eu-west-1" {
				overload()
			}
			return nil
		}
	})
	w.uploadMany(n)
	before := w.sandbox.Stats()
	if code, out := w.backfill("--to", "eu-west-1"); code != 0 || !strings.Contains(out, "60 objects missing, 60 copied") {
		t.Errorf("exit %d\n%s", code, out)
	}
	got := requests(w.sandbox.Stats(), "eu-west-1", "CopyObject", "") - requests(before, "eu-west-1", "CopyObject", "")
	if got != n+refusals {
		t.Errorf("%d copies were sent, want %d with the %d refused", got, n+refusals, refusals)
	}
	for i := range n {
		w.wantIn("eu-west-1", numbered(i))
	}
}

// What cannot be copied is named with the reason, and does not hold the rest up.
func TestBackfillNamesWhatItCannotCopy(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*-mesh", withoutSubscriber("ap-northeast-1"))
	w := start(t, a.files)
	_, err := w.s3("us-east-1").PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String("archived\nfilm"), Body: strings.NewReader("body"),
		StorageClass: types.StorageClassGlacier,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.uploadMany(3)
	code, out := w.backfill()
	for _, want := range []string{
		`eu-west-1       "archived\nfilm"  permanent: InvalidObjectState`, "restore it first",
		"ap-northeast-1: 4 objects missing, 3 copied (18 B), 1 failed",
		"eu-west-1: 1 object missing, 0 copied (0 B), 1 failed",
		"s3fanout: 2 objects could not be copied; remove the causes above and run it again",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if code != 3 || t.Failed() {
		t.Errorf("exit %d, want 3\n%s", code, out)
	}
}

// Roles that nobody may assume, as those of stacks from before, are said so in
// one line with both ways out; the other way works.
func TestBackfillWithoutTheRolesTrust(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", func(resources map[string]any) int {
		return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
			document := p["AssumeRolePolicyDocument"].(map[string]any)
			document["Statement"] = document["Statement"].([]any)[:1]
		})
	})
	a.edit("s3fanout-us-east-1-mesh", withoutSubscriber("eu-west-1"))
	w := start(t, a.files)
	w.uploadMany(1)
	code, out := w.backfill()
	if code != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("exit %d, want 1 and one line\n%s", code, out)
	}
	for _, want := range []string{
		"may not be assumed in eu-west-1:", "sts:AssumeRole on s3fanout-replicator-*", "deploy stacks of this version", "--own-credentials",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	w.wantMissing("eu-west-1", numbered(0).key)
	before := w.sandbox.Stats()
	if code, out := w.backfill("--own-credentials"); code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
	w.settle()
	w.wantIn("eu-west-1", numbered(0))
	if got := invocations(w.sandbox.Stats()) - invocations(before); got != 2 {
		t.Errorf("%d invocations, want the two that are the price", got)
	}
}

// A session has the function's permissions and no others: what the role may
// not do fails early, with one line.
func TestBackfillWithARoleThatMayNotWrite(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", withoutStatement("WriteReplicas"))
	a.edit("s3fanout-*-mesh", withoutSubscriber("eu-west-1"))
	w := start(t, a.files)
	w.uploadMany(100)
	before := w.sandbox.Stats()
	code, out := w.backfill("--to", "eu-west-1", "--concurrency", "4")
	if code != 1 || !strings.Contains(out, "s3fanout: the first 10 copies were all denied, the rest was not tried: denied: AccessDenied") {
		t.Errorf("exit %d\n%s", code, out)
	}
	after := w.sandbox.Stats()
	if got := requests(after, "eu-west-1", "CopyObject", "") - requests(before, "eu-west-1", "CopyObject", ""); got < 10 || got > 20 {
		t.Errorf("%d copies were tried, want it to stop after some 10", got)
	}
}

func withoutStatement(sid string) func(map[string]any) int {
	return func(resources map[string]any) int {
		return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
			for _, s := range statements(p) {
				if s["Sid"] == sid {
					s["Action"] = "s3:GetObject"
				}
			}
		})
	}
}
