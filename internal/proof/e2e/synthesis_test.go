package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// synthesized are assemblies by the context that they were made of. The lock is
// held while one is made: each is made once, and takes all processors there are.
var synthesized = struct {
	mu        sync.Mutex
	byContext map[string]fs.FS
}{byContext: map[string]fs.FS{}}

// synthesize returns the assembly that the CDK app makes of a context, in JSON.
func synthesize(t *testing.T, context string) fs.FS {
	t.Helper()
	synthesized.mu.Lock()
	defer synthesized.mu.Unlock()
	if assembly, ok := synthesized.byContext[context]; ok {
		return assembly
	}
	assembly, err := runApp(context)
	if err != nil {
		t.Fatal(err)
	}
	synthesized.byContext[context] = assembly
	return assembly
}

func runApp(context string) (fs.FS, error) {
	dir, err := os.MkdirTemp(build.dir, "app-")
	if err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "cdk.out")
	for _, program := range []string{"function", "adopt"} {
		asset := filepath.Join(dir, "build", program, "arm64")
		if err := os.MkdirAll(asset, 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(asset, "bootstrap"), []byte("the sandbox runs its own "+program), 0o700); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(filepath.Join(build.dir, "infra"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+context)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("synthesize %s: %w\n%s", context, err, text)
	}
	return os.DirFS(out), nil
}
