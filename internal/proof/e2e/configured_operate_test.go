package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// The commands take keys that the filters leave out, keys of KMS and a bound
// role for what they are: as configured.
func TestCarefulConfigurationIsOperated(t *testing.T) {
	t.Parallel()
	w := start(t, careful(t))
	chosen := object{key: "dt=2026/one", body: "body"}
	w.upload("us-east-1", chosen)
	w.upload("us-east-1", object{key: "logs/one", body: "no filter matches"})
	w.settle()
	config := filepath.Join(build.dir, "careful", "cdk.json")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"doctor"}, "All checks passed."},
		{[]string{"doctor", "--probe"}, "S3 enforces the condition of copies."},
		{[]string{"status"}, "All checks passed."},
		{[]string{"verify", "--grace", "0s"}, "1 key, 4 B in each Region: 1 the same, 0 missing, 0 different\n"},
		{[]string{"backfill"}, "eu-west-1: nothing is missing\n"},
		{[]string{"explain", chosen.key}, "it is in both Regions"},
		{[]string{"explain", "logs/one"}, "left-out: it is in us-east-1 and is not copied"},
	} {
		code, stdout, stderr := w.command(append(tt.args, "--config", config)...)
		if code != 0 || !strings.Contains(string(stdout), tt.want) {
			t.Errorf("%s: exit %d, want 0 and %q; got\n%s%s", tt.args, code, tt.want, stdout, stderr)
		}
	}
	w.wantMissing("eu-west-1", "logs/one")
}
