package e2e

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"s3fanout/internal/proof/buildinput"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/snapshot"
)

// build holds what the tests are run on, made once by TestMain.
var build struct {
	root     string // the module's directory
	dir      string // temporary
	function string // the function's binary
	adopter  string // that of the function of adopted buckets
	// reconciler is that of the function that compares.
	reconciler string
	command    string // the s3fanout command
	app        string // the CDK app
	synth      string // what makes assemblies for these tests
}

// programs are the packages of those binaries.
var programs = []string{"./lambda", "./lambda/adopt", "./lambda/reconcile", "./cmd/s3fanout", "./infra/app", "./internal/proof/synth"}

// declareBuild tells the test cache of what was built, once.
var declareBuild = sync.OnceValue(func() error {
	return buildinput.Declare(context.Background(), build.root, programs...)
})

// Results of these tests are not taken from the cache when what they run was
// changed.
func TestBuildIsDeclared(t *testing.T) {
	if err := declareBuild(); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "s3fanout-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build.root, build.dir = root, dir
	// One command for all of them: it looks at the module once, and links at the
	// same time what is to be linked. Each is called as its directory.
	built := filepath.Join(dir, "programs") + string(filepath.Separator)
	build.function, build.adopter, build.command = built+"lambda", built+"adopt", built+"s3fanout"
	build.app, build.synth, build.reconciler = built+"app", built+"synth", built+"reconcile"
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-tags", "lambda.norpc", "-o", built}, programs...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build %s: %w\n%s", strings.Join(programs, " "), err, out)
	}
	// These tests wait for most of their time. A flag on the command line
	// still decides.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		return 0, err
	}
	code := m.Run()
	if err := stopSynthesizer(); err != nil {
		return 0, err
	}
	if code != 0 {
		return code, nil
	}
	if err := goleak.Find(); err != nil {
		return 0, fmt.Errorf("the tests left something behind: %w", err)
	}
	return code, nil
}

// threeRegions is the committed assembly.
func threeRegions(*testing.T) fs.FS { return snapshot.FS() }

func fiveRegions(t *testing.T) fs.FS {
	t.Helper()
	return synthesize(t, `{"s3fanout":{"name":"five","regions":["us-east-1","us-west-2","eu-west-1","eu-central-1","ap-northeast-1"]}}`)
}

// start runs an assembly until the test ends.
func start(t *testing.T, assembly fs.FS, change ...func(*sandbox.Config)) *world {
	t.Helper()
	w, err := tryStart(t, assembly, change...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tryStart is start for assemblies that may not deploy.
func tryStart(t *testing.T, assembly fs.FS, change ...func(*sandbox.Config)) (*world, error) {
	t.Helper()
	if err := declareBuild(); err != nil {
		t.Fatal(err)
	}
	config := sandbox.Config{
		Assembly:  assembly,
		Function:  build.function,
		RetryWait: 20 * time.Millisecond,
		Seed:      1,
	}
	for _, c := range change {
		c(&config)
	}
	sb, err := sandbox.Start(t.Context(), config)
	if err != nil {
		return nil, err
	}
	w := newWorld(t, sb)
	t.Cleanup(func() {
		w.wantNoUploads()
		if err := sb.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return w, nil
}

// settle waits until everything under way has come to rest.
func (w *world) settle() {
	w.t.Helper()
	w.settleWithin(2 * time.Minute)
}

func (w *world) settleWithin(limit time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	if err := w.sandbox.Settled(ctx); err != nil {
		w.t.Fatal(err)
	}
}
