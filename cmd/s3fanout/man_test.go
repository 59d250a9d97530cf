package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every command that is shown has a page, with its flags, and of the lines of its
// text none is taken for a request of roff.
func TestManPages(t *testing.T) {
	commands, _ := visible(t)
	dir := t.TempDir()
	if code := run(t.Context(), []string{"man", dir}, nil, os.Stdout, os.Stderr, os.Getenv); code != 0 {
		t.Fatalf("exit %d", code)
	}
	for _, c := range commands {
		raw, err := os.ReadFile(filepath.Join(dir, manName(c)+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		page := string(raw)
		for _, want := range []string{".TH ", "\n.SH NAME\n", "\n.SH SYNOPSIS\n", roff(c.Short), roff("--output")} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is not on its page", c.CommandPath(), want)
			}
		}
		for line := range strings.Lines(page) {
			request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if (line[0] == '.' || line[0] == '\'') && !slices.Contains([]string{".TH", ".SH", ".TP", ".nf", ".fi"}, request) {
				t.Errorf("%s: %q is a request", c.CommandPath(), line)
			}
		}
	}
	if got := roff(".a\n'b\n\\c --d"); got != "\\&.a\n\\&'b\n\\ec \\-\\-d" {
		t.Errorf("got %q", got)
	}
}
