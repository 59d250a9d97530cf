package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// oddKeys are keys that S3 takes and that programs, file systems or URLs could
// take for something else.
var oddKeys = []string{
	"plain",
	"plain/below",
	"plain//two slashes",
	"./dot",
	"a/../b",
	"space and+plus",
	"percent%20and%2F",
	"Ünïcode/日本語",
	"quotes'\"and<&>",
	"stars*and?[x]",
	"end.",
	"tilde~$@!,;=:(){}|^`",
	strings.Repeat("long/", 200) + "key of 1024 bytes.......",
}

// TestRealClientsOfATable has boto3 do on the table of checkpoints what the function
// that compares does with a client of its own, and look at its schedule.
func TestRealClientsOfATable(t *testing.T) {
	bin := os.Getenv("S3FANOUT_CLIENTS")
	if bin == "" {
		t.Skip("make suites sets S3FANOUT_CLIENTS, where the clients are")
	}
	w := start(t, atOnce(t).files, withReconciler)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "python3"), "testdata/boto3_table.py", "switched-reconcile",
		"switched-reconcile")
	cmd.Env = []string{
		"AWS_ENDPOINT_URL=" + w.state.Endpoint, "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=" + w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + w.state.SecretAccessKey,
	}
	out, err := cmd.CombinedOutput()
	const want = "put\nConditionalCheckFailedException\nput\nConditionalCheckFailedException\nValidationException\n2\n" +
		"ACTIVE ENABLED rate(15 minutes)\n"
	if err != nil || string(out) != want {
		t.Errorf("%v, got\n%swant\n%s", err, out, want)
	}
}

// TestRealClients has each client upload, list, copy, move and delete odd keys,
// empty files and folder markers. Whatever a client puts into one Region arrives
// in the others once, and what it deletes or moves away stays there.
func TestRealClients(t *testing.T) {
	bin := os.Getenv("S3FANOUT_CLIENTS")
	if bin == "" {
		t.Skip("make suites sets S3FANOUT_CLIENTS, where the clients are")
	}
	const region = "eu-west-1"
	const count = 5
	for i := range count {
		w := start(t, threeRegions(t))
		dir := t.TempDir()
		programs, err := programsFor(w, region, bin, dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(programs) != count {
			t.Fatalf("%d programs, want %d", len(programs), count)
		}
		p := programs[i]
		t.Run(p.name, func(t *testing.T) {
			w.t = t
			useProgram(w, p, region, dir)
		})
	}
}

func useProgram(w *world, p program, region, dir string) {
	do := func(command []string) string {
		w.t.Helper()
		out, err := w.runProgram(p, region, dir, command)
		if err != nil {
			w.t.Error(err)
		}
		return out
	}
	full, empty := filepath.Join(dir, "full"), filepath.Join(dir, "empty")
	for file, body := range map[string]string{full: "what " + p.name + " uploads", empty: ""} {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	want := map[string]string{} // body by key
	body := "what " + p.name + " uploads"
	for _, key := range oddKeys {
		if reason, cannot := p.cannot[key]; cannot {
			w.t.Logf("%s cannot name %q: %s", p.name, key, reason)
			continue
		}
		do(p.put(full, key))
		want[key] = body
	}
	do(p.put(empty, "empty"))
	do(p.put(full, "after the empty one"))
	want["empty"], want["after the empty one"] = "", body
	if p.marker != nil {
		do(p.marker("folder/"))
		want["folder/"] = ""
	}
	do(p.copy("plain", "copied"))
	want["copied"] = body
	do(p.put(full, "to be moved"))
	do(p.put(full, "to be deleted"))
	w.settle()
	deleted := []string{"to be deleted"}
	if p.move != nil {
		do(p.move("to be moved", "moved"))
		want["moved"] = body
		deleted = append(deleted, "to be moved")
	}
	do(p.remove("to be deleted"))
	w.settle()

	var listed []string
	for line := range strings.Lines(do(p.list())) {
		if key := p.listed(strings.TrimSuffix(line, "\n")); key != "" {
			listed = append(listed, key)
		}
	}
	for key, body := range want {
		// Programs add metadata of their own, such as a file's time.
		metadata := w.metadata(region, key)
		w.wantEverywhere(object{key: key, body: body, metadata: metadata})
		if n := w.versions(region, key); n != 1 {
			w.t.Errorf("%q has %d versions after one upload, want 1", key, n)
		}
		if !slices.Contains(listed, key) {
			w.t.Errorf("%s does not list %q, only %q", p.name, key, listed)
		}
	}
	for _, key := range deleted {
		w.wantMissing(region, key)
		if slices.Contains(listed, key) {
			w.t.Errorf("%s lists %q, which it deleted", p.name, key)
		}
	}
	for _, region := range w.regions {
		w.wantLetters(region, 0)
		for _, key := range deleted {
			if n := w.versions(region, key); n != 1 {
				w.t.Errorf("%s: %q has %d versions, want 1", region, key, n)
			}
		}
	}
}

// metadata is an object's user metadata.
func (w *world) metadata(region, key string) map[string]string {
	w.t.Helper()
	head, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(key)})
	if err != nil {
		w.t.Errorf("HEAD %q in %s: %v", key, region, err)
		return nil
	}
	return head.Metadata
}
