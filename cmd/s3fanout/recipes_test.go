package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The nightly job of docs/recipes runs its commands against the sandbox: they succeed
// where all is well, and the comparison fails the job where a key is missing.
func TestNightlyVerifyFailsTheJobOnADifference(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, "docs/recipes/verify.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var commands [][]string
	for _, m := range regexp.MustCompile(`(?m)^ +- run: bin/s3fanout (.+)$`).FindAllStringSubmatch(string(content), -1) {
		commands = append(commands, strings.Fields(m[1]))
	}
	if len(commands) != 2 || commands[1][0] != "verify" {
		t.Fatalf("the job runs %q, want doctor and verify", commands)
	}
	r := runSandbox(t)
	r.upload("us-east-1", "films/one", "a film")
	r.settle()
	for _, args := range commands {
		if code, output, ended := r.s3fanoutFor(shownTime, args...); !ended || code != exitDone {
			t.Errorf("%q: exit code %d\n%s", args, code, output)
		}
	}
	r.s3fanout("sandbox", "fault", "--region", "us-east-1", "--kind", "s3-unannounced", "--rate", "1")
	r.upload("us-east-1", "films/two", "a film")
	args := append(commands[1], "--grace", "0s") // the new object is not waited for
	if code, output, ended := r.s3fanoutFor(shownTime, args...); !ended || code != exitLeftOver {
		t.Errorf("%q with a key missing: exit code %d, want %d\n%s", args, code, exitLeftOver, output)
	}
}
