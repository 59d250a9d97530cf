package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// synthesizer makes assemblies of contexts, each of them once, in one process
// that loads the CDK once. The lock is held while an assembly is made.
var synthesizer struct {
	mu        sync.Mutex
	byContext map[string]fs.FS
	process   *exec.Cmd
	requests  io.WriteCloser
	answers   *json.Decoder
	stderr    bytes.Buffer
}

// synthesize returns the assembly that the CDK app makes of a context, in JSON.
func synthesize(t *testing.T, context string) fs.FS {
	t.Helper()
	s := &synthesizer
	s.mu.Lock()
	defer s.mu.Unlock()
	if assembly, ok := s.byContext[context]; ok {
		return assembly
	}
	if s.process == nil {
		if err := startSynthesizer(); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(s.process.Dir, strconv.Itoa(len(s.byContext)))
	if err := json.NewEncoder(s.requests).Encode(map[string]any{"Context": json.RawMessage(context), "Out": out}); err != nil {
		t.Fatalf("synthesize %s: %v\n%s", context, err, s.stderr.String())
	}
	var answer struct{ Error string }
	if err := s.answers.Decode(&answer); err != nil {
		t.Fatalf("synthesize %s: %v\n%s", context, err, s.stderr.String())
	}
	if answer.Error != "" {
		t.Fatalf("synthesize %s: %s", context, answer.Error)
	}
	s.byContext[context] = os.DirFS(out)
	return s.byContext[context]
}

func startSynthesizer() error {
	s := &synthesizer
	dir, err := appDirectory()
	if err != nil {
		return err
	}
	cmd := exec.Command(build.synth)
	cmd.Dir, cmd.Stderr = dir, &s.stderr
	if s.requests, err = cmd.StdinPipe(); err != nil {
		return err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.process, s.answers, s.byContext = cmd, json.NewDecoder(answers), map[string]fs.FS{}
	return nil
}

// stopSynthesizer ends the process, if there is one.
func stopSynthesizer() error {
	s := &synthesizer
	if s.process == nil {
		return nil
	}
	if err := errors.Join(s.requests.Close(), s.process.Wait()); err != nil {
		return fmt.Errorf("end the synthesis: %w\n%s", err, s.stderr.String())
	}
	return nil
}

// appDirectory makes a directory for the CDK app to run in.
func appDirectory() (string, error) {
	dir, err := os.MkdirTemp(build.dir, "app-")
	if err != nil {
		return "", err
	}
	for _, program := range []string{"function", "adopt", "reconcile"} {
		asset := filepath.Join(dir, "build", program, "arm64")
		if err := os.MkdirAll(asset, 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(asset, "bootstrap"), []byte("the sandbox runs its own "+program), 0o700); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// The other tests take their assemblies from a process that makes many. Here
// the app itself makes one, of every kind of resource there is, and it is the
// same to the byte.
func TestAppMakesTheAssembliesOfTheseTests(t *testing.T) {
	t.Parallel()
	context, err := configureCareful()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := appDirectory()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), build.app)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+filepath.Join(dir, "cdk.out"), "CDK_CONTEXT_JSON="+context)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want, got := files(t, os.DirFS(filepath.Join(dir, "cdk.out"))), files(t, careful(t))
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s is not what the app makes", name)
		}
	}
	if len(got) != len(want) || len(want) < 10 {
		t.Errorf("%d files, the app makes %d", len(got), len(want))
	}
}

func files(t *testing.T, of fs.FS) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := fs.WalkDir(of, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[path], err = fs.ReadFile(of, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
