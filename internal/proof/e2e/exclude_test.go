package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// excludeContext is a set that leaves keys out.
const excludeContext = `{"s3fanout":{"name":"exclude","regions":["us-east-1","eu-west-1"],
	"exclude":[{"suffix":".part"},{"prefix":"tmp/"},{"prefix":"draft s/"}]}}`

// TestExcludedKeysStayWhereTheyAre uploads keys that are excluded and one that is
// not. SNS drops those of one prefix, the function leaves the others out, and
// every command takes them for what they are.
func TestExcludedKeysStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	w := start(t, synthesize(t, excludeContext))
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+excludeContext+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	excluded := []string{"films/a.part", "tmp/a", "draft s/a+b"}
	for _, key := range excluded {
		w.upload("us-east-1", object{key: key, body: key})
	}
	w.settle()
	if got := invocations(w.sandbox.Stats()); got != 2 {
		t.Errorf("%d invocations for three excluded keys, want 2, because SNS drops the first prefix", got)
	}
	if logged := w.logLines("eu-west-1", `"outcome":"Excluded"`); strings.Count(logged, `"Excluded":1`) != 2 {
		t.Errorf("logged and counted as excluded:\n%s", logged)
	}
	kept := object{key: "films/tmp/a", body: "kept"}
	w.upload("us-east-1", kept)
	w.settle()
	w.wantEverywhere(kept)
	for _, key := range excluded {
		w.wantMissing("eu-west-1", key)
	}
	w.wantLetters("eu-west-1", 0)
	w.wantHealthOf(config, nil)

	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"verify"}, ""},
		{[]string{"backfill", "--dry-run", "--output", "json"}, `"missing": 0,`},
		{[]string{"backfill"}, ""},
		{[]string{"explain", "tmp/a"}, "it is in us-east-1 and is not copied, because cdk.json excludes its key"},
	} {
		code, stdout, stderr := w.command(append(tt.args, "--config", config)...)
		if code != 0 || !strings.Contains(string(stdout), tt.want) || strings.Contains(string(stdout), `"missing": 1`) {
			t.Errorf("%v: exit %d, want 0 and %s\n%s%s", tt.args, code, tt.want, stdout, stderr)
		}
	}
	for _, key := range excluded {
		w.wantMissing("eu-west-1", key)
	}
}
