package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/sandbox"
)

// A Region is paused and resumed with the policies that docs/security.md gives for
// that, and nothing that is uploaded meanwhile is lost: not what Lambda is given
// during the pause, nor what was waiting for a retry when it began.
func TestPauseLosesNothing(t *testing.T) {
	t.Parallel()
	looking, operating := pagePolicies(t)
	w := operatedWorld(t, looking, operating, pagePolicy(t, "pause"))
	operator := w.as(w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/operator", "operator"))
	run := func(code int, args ...string) string {
		t.Helper()
		got, stdout, stderr := operator.command(
			append([]string{args[0], "--config", filepath.Join(build.root, "cdk.json")}, args[1:]...)...,
		)
		if got != code {
			t.Fatalf("%s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
		}
		return string(stdout)
	}

	run(0, "pause", "eu-west-1")
	keys := []string{"films/one", "films/two", "films/three"}
	for _, key := range keys {
		w.upload("us-east-1", object{key: key, body: key})
	}
	w.upload("eu-west-1", object{key: "films/home", body: "home"})
	w.settle()
	for _, key := range keys {
		w.wantMissing("eu-west-1", key)
		w.wantIn("ap-northeast-1", object{key: key, body: key})
	}
	w.wantIn("us-east-1", object{key: "films/home", body: "home"})
	w.wantLetters("eu-west-1", int64(len(keys)))
	run(0, "doctor")

	var resumed document.Resume
	if err := json.Unmarshal([]byte(run(0, "resume", "eu-west-1", "--output", "json")), &resumed); err != nil {
		t.Fatal(err)
	}
	if r := resumed.Redrive; r == nil || r.Left != 0 || r.Regions[0].Replayed != len(keys) || !resumed.Regions[0].Paused {
		t.Errorf("resumed as %+v", resumed)
	}
	for _, key := range keys {
		w.wantIn("eu-west-1", object{key: key, body: key})
	}
	w.wantLetters("eu-west-1", 0)
	run(0, "verify", "--grace", "0s")
}

// An operator without the policy for pausing is told what is missing, and the Region
// goes on (bad input: cm-53).
func TestPauseByWhoMayNot(t *testing.T) {
	t.Parallel()
	looking, operating := pagePolicies(t)
	w := operatedWorld(t, looking, operating)
	operator := w.as(w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/operator", "operator"))
	code, stdout, stderr := operator.command("pause", "eu-west-1", "--config", filepath.Join(build.root, "cdk.json"))
	if code != 1 || string(stdout) != "eu-west-1: not paused\n" || !strings.Contains(string(stderr), "lambda:TagResource") {
		t.Errorf("exit %d, want 1 and lambda:TagResource\n%s%s", code, stdout, stderr)
	}
	w.upload("us-east-1", object{key: "films/one", body: "one"})
	w.settle()
	w.wantIn("eu-west-1", object{key: "films/one", body: "one"})
}

// Where the function's failures go nowhere a pause would lose what is announced
// meanwhile. It is refused, and the function goes on (bad input: cm-45).
func TestPauseRefusesToLoseEvents(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", func(resources map[string]any) int {
		for id, r := range resources {
			if r.(map[string]any)["Type"] == "AWS::Lambda::EventInvokeConfig" {
				delete(resources, id)
				return 1
			}
		}
		return 0
	})
	w := start(t, a.files)
	code, stdout, stderr := w.command("pause", "eu-west-1", "us-east-1", "--config", filepath.Join(build.root, "cdk.json"))
	want := "s3fanout: region eu-west-1: not paused, as events would be lost: function-failures: failed events go to nowhere"
	if code != 3 || !strings.HasPrefix(string(stderr), want) {
		t.Errorf("exit %d, want 3 and %q\n%s%s", code, want, stdout, stderr)
	}
	text := string(stdout)
	if !strings.HasPrefix(text, "eu-west-1: not paused\n") && !strings.Contains(text, "\neu-west-1: not paused\n") ||
		!strings.Contains(text, "us-east-1: paused since") {
		t.Errorf("it says\n%s", text)
	}
	w.upload("ap-northeast-1", object{key: "films/one", body: "one"})
	w.settle()
	w.wantIn("eu-west-1", object{key: "films/one", body: "one"})
	w.wantMissing("us-east-1", "films/one")
}
