package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/sandbox/fault"
)

// routed is a world with an access point over its Regions, and who operates it from
// near eu-west-1.
type routed struct {
	*world
	arn, config string
}

func startRouted(t *testing.T, regions ...string) routed {
	t.Helper()
	context := withPoints(t, regions)
	return routedBy(t, context, start(t, synthesize(t, context)))
}

// routedBy is a world of this configuration.
func routedBy(t *testing.T, context string, w *world) routed {
	t.Helper()
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+context+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	points := w.state.AccessPoints
	w.env = []string{"HTTPS_PROXY=" + points.Proxies["eu-west-1"], "AWS_CA_BUNDLE=" + points.CABundle}
	return routed{w, points.ARNs[0], config}
}

// failoverSays runs one of the commands, which says so, and returns all that it writes.
func (r routed) failoverSays(code int, says string, args ...string) string {
	r.t.Helper()
	got, stdout, stderr := r.command(append([]string{"failover", "--config", r.config}, args...)...)
	said := string(stdout) + string(stderr)
	if got != code || !strings.Contains(said, says) {
		r.t.Errorf("failover %s: exit %d, want %d and %q\n%s", strings.Join(args, " "), got, code, says, said)
	}
	return said
}

// dials are the active Regions, by failover status.
func (r routed) dials() string {
	r.t.Helper()
	code, stdout, stderr := r.command("failover", "status", "--config", r.config, "--output", "json")
	var d document.FailoverStatus
	if err := json.Unmarshal(stdout, &d); err != nil || code != 0 && code != 3 {
		r.t.Fatalf("failover status: exit %d, %v\n%s%s", code, err, stdout, stderr)
	}
	var active []string
	for _, route := range d.AccessPoints[0].Routes {
		if route.Active {
			active = append(active, route.Region)
		}
	}
	return strings.Join(active, ",")
}

// write writes an object through the access point, as a user in a Region does.
func (r routed) write(region, key string) {
	r.t.Helper()
	in := &s3.PutObjectInput{Bucket: &r.arn, Key: &key, Body: strings.NewReader("body of " + key)}
	if _, err := r.by(region).PutObject(r.t.Context(), in); err != nil {
		r.t.Fatal(err)
	}
}

// Traffic is shifted away from a Region whose S3 is away, and not back to it as long as
// it lacks what was written meanwhile (bad input: cm-84). Nothing is shifted unasked
// (bad input: cm-85).
func TestFailover(t *testing.T) {
	t.Parallel()
	r := startRouted(t, "us-east-1", "eu-west-1")
	const lost, all, rest = "eu-west-1", "us-east-1,eu-west-1", "us-east-1"
	r.write(lost, "before")
	r.settle()
	if got := r.dials(); got != all {
		t.Fatalf("active: %s", got)
	}
	r.failoverSays(0, "eu-west-1: active -> passive\n", "shift", "--away-from", lost, "--dry-run")
	r.failoverSays(3, "give --yes", "shift", "--away-from", lost)
	if got := r.dials(); got != all {
		t.Errorf("active: %s, and nobody has agreed to anything", got)
	}

	r.fault(lost, fault.S3Unavailable, 1, 0)
	r.failoverSays(0, "S3 shows the change after", "shift", "--away-from", lost, "--yes")
	r.write(lost, "during")
	r.wantBy(r.arn, r.regions, "before", "body of before")
	r.wantBy(r.arn, []string{lost}, "during", "body of during")
	r.settle()
	out := r.failoverSays(3, "eu-west-1: its bucket does not answer: ", "shift", "--to", all, "--yes")
	if !strings.Contains(out, "eu-west-1: dead letters: 1; redrive them first") {
		t.Errorf("back to a Region that lacks something:\n%s", out)
	}

	r.fault(lost, fault.S3Unavailable, 0, 0)
	reports := t.TempDir()
	drill := []string{"--for", "1s", "--every", "1s", "--settle", "0s", "--yes", "--reports", reports}
	out = r.failoverSays(3, "the drill was not begun", append([]string{"drill", "--to", lost}, drill...)...)
	if !strings.Contains(out, "dead letters: 1") || r.dials() != rest {
		t.Errorf("a drill while something is pending, then active %s:\n%s", r.dials(), out)
	}
	r.wantDone(r.regions, "redrive")
	r.failoverSays(0, "S3 shows the change after", "shift", "--to", all, "--yes")
	r.wantBy(r.arn, r.regions, "during", "body of during")

	unwritable := []string{"drill", "--away-from", lost, "--for", "1s", "--yes", "--reports", "/proc"}
	r.failoverSays(1, "nothing was changed: make the report: ", unwritable...)
	if got := r.dials(); got != all {
		t.Errorf("active: %s, and no report can be made", got)
	}
	r.failoverSays(0, ": passed\n", append([]string{"drill", "--away-from", lost}, drill...)...)
	d := r.report(reports)
	if d.Outcome != "passed" || !d.Restored || len(d.Looks) < 3 || d.Looks[1].Reads.Tried != 3 || d.Looks[1].Reads.Failed != 0 {
		t.Errorf("the drill: %+v", d)
	}
	if got := r.dials(); got != all {
		t.Errorf("active after the drill: %s, want all", got)
	}
}

// What cannot be meant is told before anything is changed: Regions that the access
// point does not have (bad input: cm-83), another access point (bad input: cm-87), and
// reads that would leave this machine (bad input: cm-86).
func TestFailoverThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	r := startRouted(t, "us-east-1", "eu-west-1")
	r.failoverSays(2, `the access point has no bucket in "us-west-2"; it has us-east-1, eu-west-1`, "shift", "--to", "us-west-2")
	r.failoverSays(2, "no Region would be active; leave one of us-east-1, eu-west-1", "shift", "--away-from", "us-east-1,eu-west-1")
	r.failoverSays(2, "it is of account 444455556666", "status",
		"--access-point", "arn:aws:s3::444455556666:accesspoint/mfzwi23gnjvgw.mrap")
	r.failoverSays(2, `there is no access point "other" over the set's buckets; there is main`, "status", "--access-point", "other")
	r.failoverSays(1, "NoSuchMultiRegionAccessPoint", "status", "--access-point", "mfzwi23gnjvgw.mrap")
	r.failoverSays(0, "nothing to change", "shift", "--to", "us-east-1,eu-west-1")
	r.failoverSays(2, "the routes are already like that", "drill", "--to", "us-east-1,eu-west-1")
	r.env = nil
	r.failoverSays(2, "reads through the access point would still go to AWS", "drill", "--away-from", "eu-west-1", "--yes")
}

// report reads the report of the only drill in a directory.
func (r routed) report(directory string) (d document.FailoverDrill) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "failover-drill-*"))
	if err != nil || len(files) != 2 || filepath.Ext(files[0]) != ".json" || filepath.Ext(files[1]) != ".txt" {
		r.t.Fatalf("reports %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		r.t.Fatal(err)
	}
	return d
}
