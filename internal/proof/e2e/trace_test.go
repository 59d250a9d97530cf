package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/trace"
)

// What a Region is not told of leaves a trace as well as what it is told of, and so
// does what repairs it.
func TestTraceTellsOfLostEvents(t *testing.T) {
	t.Parallel()
	steps := trace.New()
	a := editable(t, careful(t))
	// What eu-west-1 announces to us-east-1 can neither be delivered nor wait anywhere.
	a.edit("careful-eu-west-1-mesh", func(resources map[string]any) int {
		return ofType(resources, "AWS::SNS::Subscription", func(_ string, p map[string]any) { delete(p, "RedrivePolicy") })
	})
	a.edit("careful-us-east-1", without("AWS::Lambda::Permission"))
	w := start(t, a.files, func(c *sandbox.Config) { c.Trace = steps })
	told := func(key string) string {
		t.Helper()
		var list []string
		for _, s := range steps.Steps() {
			if s.Key != key {
				continue
			}
			list = append(list, strings.TrimSpace(fmt.Sprint(s.Source, ">", s.Target, " ", s.Stage)))
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
	w.fault("us-east-1", fault.S3Unannounced, 1, 0)
	for region, key := range map[string]string{"us-east-1": "in put/lost.jpg", "eu-west-1": "in put/undelivered.jpg"} {
		w.upload(region, object{key: key, body: "b"})
	}
	w.upload("eu-west-1", object{key: "elsewhere.jpg", body: "b"})
	w.settle()
	w.fault("us-east-1", fault.S3Unannounced, 0, 0)
	for key, want := range map[string]string{
		"in put/lost.jpg": "us-east-1> lost", "elsewhere.jpg": "eu-west-1> not announced",
		"in put/undelivered.jpg": "eu-west-1> announced, eu-west-1>us-east-1 lost, eu-west-1>us-east-1 undelivered",
	} {
		if got := told(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}

	if code, _, stderr := w.command("backfill", "--yes", "--config", filepath.Join(build.dir, "careful", "cdk.json")); code != 0 {
		t.Fatalf("backfill: exit %d\n%s", code, stderr)
	}
	w.settle()
	if got, want := told("in put/lost.jpg"), ">eu-west-1 copied, "; !strings.HasPrefix(got, want) {
		t.Errorf("after a backfill: %s, want %s…", got, want)
	}
}
