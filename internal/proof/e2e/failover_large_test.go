package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// openPoint is a set with an access point whose buckets everybody may use who may.
const openPoint = `{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],"accessPoint":{}}}`

const (
	lostRegion = "eu-west-1"
	allRegions = "us-east-1,eu-west-1,ap-northeast-1"
)

// byRole is the world with the credentials of a role.
func (r routed) byRole(name string) routed {
	r.t.Helper()
	changed := r
	changed.world = r.as(r.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/"+name, name))
	return changed
}

// failoverPolicies are those of docs/policies for who may look, operate and shift.
func failoverPolicies(t *testing.T) []map[string]any {
	t.Helper()
	looking, operating := pagePolicies(t)
	return []map[string]any{looking, operating, pagePolicy(t, "access-point"), pagePolicy(t, "shift")}
}

// runbookCommands are those of a section of docs/runbook.md, in order.
func runbookCommands(t *testing.T, section string) (lines []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(build.root, "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range regexp.MustCompile("(?m)^s3fanout ([^#\n]+)|`s3fanout ([^`]+)`").FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]+m[2]), " "))
	}
	if !ok || len(lines) < 6 {
		t.Fatalf("docs/runbook.md has %q under %s", lines, section)
	}
	return lines
}

// The runbook's commands bring a set through the loss of a Region's S3 and back, with
// the policies of docs/policies. Who is asked says yes.
func TestRunbookOfARegionThatIsDown(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	a := editable(t, synthesize(t, openPoint))
	a.operator("operator", failoverPolicies(t)...)
	r := routedBy(t, openPoint, start(t, a.files))
	r.write(lostRegion, "before")
	r.settle()
	r.fault(lostRegion, fault.S3Unavailable, 1, 0)
	operator, reports := r.byRole("operator"), t.TempDir()
	for _, line := range runbookCommands(t, "A Region is down") {
		code, args := 0, append(strings.Fields(line), "--config", r.config)
		switch {
		case strings.HasPrefix(line, "failover status"):
			code = 3 // it says that the Region's bucket does not answer
		case strings.HasPrefix(line, "failover shift"):
			args = append(args, "--yes")
		case strings.HasPrefix(line, "failover drill"):
			args = append(args, "--yes", "--for", "1s", "--every", "1s", "--settle", "0s", "--reports", reports)
		case strings.HasPrefix(line, "redrive"): // the Region is back
			r.fault(lostRegion, fault.S3Unavailable, 0, 0)
		case strings.HasPrefix(line, "verify"):
			args = append(args, "--grace", "0s")
		}
		got, stdout, stderr := operator.command(args...)
		if got != code {
			t.Fatalf("%s: exit %d, want %d\n%s%s", line, got, code, stdout, stderr)
		}
		if strings.HasPrefix(line, "failover shift --away-from") {
			r.write(lostRegion, "during")
			r.settle()
			r.wantLetters(lostRegion, 1)
		}
	}
	if got := r.dials(); got != allRegions {
		t.Errorf("active at the end: %s", got)
	}
	if d := r.report(reports); d.Outcome != "passed" {
		t.Errorf("the drill: %+v", d)
	}
	for _, key := range []string{"before", "during"} {
		r.wantBy(r.arn, r.regions, key, "body of "+key)
		for _, region := range r.regions {
			r.wantIn(region, object{key: key, body: "body of " + key})
		}
	}
}

// us-west-2 alone lists access points. While its S3 is away the commands say how to do
// without, and traffic is shifted away from it by the alias, in another control Region.
func TestFailoverWhileNobodyListsAccessPoints(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	const set = `{"s3fanout":{"name":"s3fanout","regions":["us-west-2","us-east-1"],"accessPoint":{}}}`
	r := routedBy(t, set, start(t, synthesize(t, set)))
	alias := r.arn[strings.LastIndex(r.arn, "/")+1:]
	r.write("us-west-2", "before")
	r.settle()
	r.fault("us-west-2", fault.S3Unavailable, 1, 0)
	r.failoverSays(1, "give the alias: --access-point ALIAS", "shift", "--away-from", "us-west-2", "--yes")
	out := r.failoverSays(0, "us-west-2: active -> passive\n", "shift", "--away-from", "us-west-2", "--yes", "--access-point", alias)
	if back := "s3fanout failover shift --to us-west-2,us-east-1 --access-point " + alias + "\n"; !strings.Contains(out, back) {
		t.Errorf("want %q in\n%s", back, out)
	}
	r.failoverSays(3, "No answer about routes from us-west-2\n", "status", "--access-point", alias)
	r.wantBy(r.arn, r.regions, "before", "body of before")
}

// Each permission of the policies for access points is needed: without it a command
// fails and names it.
func TestFailoverPolicies(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	const first = 2 // before it are those for looking and operating, which TestOperatorsPolicies holds
	a := editable(t, synthesize(t, openPoint))
	without := map[string]string{} // role by action
	for i, policy := range failoverPolicies(t) {
		for j, s := range policy["Statement"].([]any) {
			if i < first {
				break
			}
			for _, action := range actions(s.(map[string]any)) {
				policies := failoverPolicies(t)
				changed := policies[i]["Statement"].([]any)[j].(map[string]any)
				changed["Action"] = append(slices.DeleteFunc(actions(changed), func(other string) bool { return other == action }),
					"s3:GetBucketTagging")
				without[action] = fmt.Sprintf("without-%d", len(without))
				a.operator(without[action], policies...)
			}
		}
	}
	if len(without) != 5 {
		t.Fatalf("actions %v, want five", without)
	}
	r := routedBy(t, openPoint, start(t, a.files))
	r.write(lostRegion, "before")
	r.settle()
	for action, role := range without {
		operator := r.byRole(role)
		named := false
		for _, args := range [][]string{
			{"status"}, {"shift", "--away-from", lostRegion, "--yes"}, {"shift", "--to", allRegions, "--yes"},
			{"drill", "--away-from", lostRegion, "--yes", "--for", "1s", "--every", "1s", "--settle", "0s", "--reports", t.TempDir()},
		} {
			_, stdout, stderr := operator.command(append([]string{"failover", "--config", r.config}, args...)...)
			if said := string(stdout) + string(stderr); strings.Contains(said, action+" ") {
				named = true
			}
		}
		if !named {
			t.Errorf("without %s: no command says so", action)
		}
		if got := r.dials(); got != allRegions {
			t.Fatalf("without %s: active at the end: %s", action, got)
		}
	}
}

// drilling is a drill that is under way.
type drilling struct {
	routed
	ended   chan int // its exit code
	reports string
	out     *bytes.Buffer // once it has ended
	stop    func()
}

// startDrill starts a drill and returns once the traffic is shifted.
func (r routed) startDrill(length string) drilling {
	r.t.Helper()
	d := drilling{routed: r, ended: make(chan int, 1), reports: r.t.TempDir(), out: &bytes.Buffer{}}
	cmd := r.prepare("failover", "drill", "--config", r.config, "--away-from", lostRegion, "--yes", "--for", length, "--every", "1s",
		"--settle", "0s", "--reports", d.reports)
	cmd.Stdout, cmd.Stderr = d.out, d.out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	d.stop = func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			r.t.Error(err)
		}
	}
	go func() {
		_ = cmd.Wait() // the code says it
		d.ended <- cmd.ProcessState.ExitCode()
	}()
	r.waitFor("the drill shifts the traffic", func() bool { return !strings.Contains(r.dials(), lostRegion) })
	return d
}

// wantEnd waits until the drill ends with the code and says so.
func (d drilling) wantEnd(code int, says string) {
	d.t.Helper()
	if got := <-d.ended; got != code || !strings.Contains(d.out.String(), says) {
		d.t.Errorf("the drill: exit %d, want %d and %q\n%s", got, code, says, d.out)
	}
}

// In a drill with a Region's S3 cut off reads and writes go on in all Regions, and once
// it is back and its dead letters are redriven every object is everywhere, and the
// drill shifts back.
func TestDrillWithARegionCutOff(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	r := routedBy(t, openPoint, start(t, synthesize(t, openPoint)))
	r.write(lostRegion, "before")
	r.settle()
	d := r.startDrill("5s")
	r.fault(lostRegion, fault.S3Unavailable, 1, 0)
	keys := []string{"before"}
	for i := range 5 {
		for _, region := range r.regions {
			key := fmt.Sprintf("during-%d-%s", i, region)
			r.write(region, key)
			keys = append(keys, key)
			for _, seen := range []string{"before", key} {
				if _, err := r.by(region).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &r.arn, Key: &seen}); err != nil {
					t.Errorf("read %s from %s: %v", seen, region, err)
				}
			}
		}
	}
	r.settle()
	if len(r.letters(lostRegion)) == 0 {
		t.Error("no copy has failed, so that nothing was cut off")
	}
	r.fault(lostRegion, fault.S3Unavailable, 0, 0)
	if code, out := r.redrive(); code != 0 {
		t.Fatalf("redrive: exit %d\n%s", code, out)
	}
	d.wantEnd(0, ": passed\n")
	if report := r.report(d.reports); !report.Restored || report.Outcome != "passed" || len(report.Looks) < 3 {
		t.Errorf("the report: %+v", report)
	}
	if got := r.dials(); got != allRegions {
		t.Errorf("active after the drill: %s", got)
	}
	for _, key := range keys {
		for _, region := range r.regions {
			r.wantIn(region, object{key: key, body: "body of " + key})
		}
	}
}

// A drill that is interrupted shifts back and says so, but not to a Region that is away
// by then.
func TestInterruptedDrill(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	r := routedBy(t, openPoint, start(t, synthesize(t, openPoint)))
	r.write(lostRegion, "before")
	r.settle()
	d := r.startDrill("1h")
	d.stop()
	d.wantEnd(130, "s3fanout: interrupted; the traffic is as it was\n")
	if report, got := r.report(d.reports), r.dials(); !report.Restored || report.Outcome != "interrupted" || got != allRegions {
		t.Errorf("active %s, and the report: %+v", got, report)
	}

	d = r.startDrill("1h")
	r.fault(lostRegion, fault.S3Unavailable, 1, 0)
	d.stop()
	d.wantEnd(130, "the traffic is NOT as it was; to shift back: s3fanout failover shift --to "+allRegions+"\n")
	if report, got := r.report(d.reports), r.dials(); report.Restored || strings.Contains(got, lostRegion) {
		t.Errorf("active %s, and the report: %+v", got, report)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := r.by(lostRegion).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &r.arn}); err != nil {
		t.Errorf("a client near the Region: %v", err)
	}
}
