package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Called as in a checkout, the command says what can be typed there.
func TestHintsNameTheCommandAsItWasCalled(t *testing.T) {
	dir := t.TempDir()
	built := programs(t)
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(built.command, filepath.Join(dir, "bin", "s3fanout")); err != nil {
		if err := os.Symlink(built.command, filepath.Join(dir, "bin", "s3fanout")); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ path, want string }{
		{"/usr/bin:/bin", "see bin/s3fanout adopt --help"},
		{filepath.Join(dir, "bin") + ":/usr/bin:/bin", "see s3fanout adopt --help"},
	} {
		cmd := exec.Command("bin/s3fanout", "adopt", "surplus")
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + tc.path}
		cmd.Path = filepath.Join(dir, "bin", "s3fanout")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // it is a mistake
		if !strings.Contains(stderr.String(), tc.want) {
			t.Errorf("with PATH=%s: got %q, want %q", tc.path, stderr.String(), tc.want)
		}
	}
}

func TestHints(t *testing.T) {
	root := newCommand(&app{getenv: func(string) string { return "" }})
	h := newHints(root, "bin/s3fanout")
	for text, want := range map[string]string{
		"run s3fanout doctor":                    "run bin/s3fanout doctor",
		"s3fanout verify finds, (s3fanout cost)": "bin/s3fanout verify finds, (bin/s3fanout cost)",
		"`s3fanout redrive`":                     "`bin/s3fanout redrive`",
		"s3fanout copies everything":             "s3fanout copies everything",
		"/usr/bin/s3fanout doctor":               "/usr/bin/s3fanout doctor",
		"s3fanout.name: bad":                     "s3fanout.name: bad",
	} {
		if got := h.in(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := newHints(root, "s3fanout").in(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	var b bytes.Buffer
	a := &app{hints: h}
	if n, err := a.hinting(&b).Write([]byte("s3fanout pause\n")); n != 15 || err != nil || b.String() != "bin/s3fanout pause\n" {
		t.Errorf("got %d, %v, %q", n, err, b.String())
	}
}
