package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"s3fanout/internal/proof/buildinput"
)

// built is what tests run in processes of its own, once for all of them.
type built struct {
	function string // for this machine
	// command is s3fanout as its users have it. What testscript calls s3fanout
	// is these tests' own binary, and so under the race detector with them: the
	// scripts run every subcommand there, where each takes ten times as long to
	// begin. Who runs hundreds of commands runs this one.
	command string
}

// buildDir is where programs are built; TestMain makes and removes it.
var buildDir string

var buildOnce = sync.OnceValues(func() (built, error) {
	b := built{function: filepath.Join(buildDir, "bootstrap"), command: filepath.Join(buildDir, "s3fanout")}
	if err := buildinput.Declare(context.Background(), "../..", "./lambda"); err != nil { // the command's own are these tests' as well
		return built{}, err
	}
	for _, target := range [][]string{
		{"-tags", "lambda.norpc", "-o", b.function, "s3fanout/lambda"},
		{"-o", b.command, "s3fanout/cmd/s3fanout"},
	} {
		cmd := exec.Command("go", append([]string{"build", "-trimpath"}, target...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return built{}, fmt.Errorf("build %s: %w\n%s", target[len(target)-1], err, out)
		}
	}
	return b, nil
})

// programs builds them.
func programs(t *testing.T) built {
	t.Helper()
	b, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withBuildDir runs something while there is a directory for programs.
func withBuildDir(run func() int) int {
	dir, err := os.MkdirTemp("", "s3fanout-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	buildDir = dir
	return run()
}
