package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/fault"
)

// complete returns what a shell is offered for the last word, and whether it
// may offer files too.
func complete(t *testing.T, words ...string) (offers []string, files bool) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), append([]string{"__completeNoDesc"}, words...), strings.NewReader(""), &out, &errs,
		func(string) string { return "" })
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	directive := lines[len(lines)-1]
	if code != 0 || !strings.HasPrefix(directive, ":") {
		t.Fatalf("%q: exit code %d: %s%s", words, code, &out, &errs)
	}
	return lines[:len(lines)-1], directive == ":0"
}

func TestCompletion(t *testing.T) {
	config := filepath.Join(t.TempDir(), "cdk.json")
	err := os.WriteFile(config,
		[]byte(`{"context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "us-west-2", "eu-west-1"]}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, k := range fault.Kinds() {
		kinds = append(kinds, string(k))
	}
	all := []string{"us-east-1", "us-west-2", "eu-west-1"}
	for _, tc := range []struct {
		words []string
		want  []string
	}{
		{[]string{"redrive", "--region", ""}, all},
		{[]string{"redrive", "--region", "us"}, all[:2]},
		{[]string{"redrive", "--region", "us-east-1,"}, []string{"us-east-1,us-west-2", "us-east-1,eu-west-1"}},
		{[]string{"redrive", "--region=eu"}, all[2:]},
		{[]string{"sandbox", "fault", "--region", "eu"}, all[2:]},
		{[]string{"failover", "shift", "--away-from", "eu"}, all[2:]},
		{[]string{"sandbox", "fault", "--kind", ""}, kinds},
		{[]string{"sandbox", "fault", "--rate", ""}, nil},
		{[]string{"version", "--output", ""}, []string{"text", "json"}},
		{[]string{"report", "--output", ""}, []string{"text", "markdown", "json"}},
		{[]string{"init", "--mode", ""}, []string{"first-write-wins", "follow"}},
		{[]string{"pause", ""}, all},
		{[]string{"pause", "us-east-1", ""}, all[1:]},
		{[]string{"resume", "eu"}, all[2:]},
		{[]string{"explain", ""}, nil},
		{[]string{"redri"}, []string{"redrive"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish", "powershell"}},
		{[]string{"redrive", "--dry"}, []string{"--dry-run"}},
	} {
		got, files := complete(t, append([]string{"--config", config}, tc.words...)...)
		if !slices.Equal(got, tc.want) && len(got)+len(tc.want) > 0 || files {
			t.Errorf("%q: got %q (and files: %t), want %q", tc.words, got, files, tc.want)
		}
	}
	if got, _ := complete(t, "--config", "missing.json", "redrive", "--region", ""); len(got) > 0 {
		t.Errorf("without a configuration: got %q", got)
	}
	if _, files := complete(t, "sandbox", "--dir", ""); !files {
		t.Error("no files for --dir")
	}
}

// A shell shows descriptions as they come: the quotes around the word that names
// a flag's value in help are none of theirs.
func TestCompletionDescribesWithoutQuotes(t *testing.T) {
	commands, _ := visible(t)
	described := 0
	for _, c := range commands {
		var out, errs bytes.Buffer
		words := append(append([]string{"__complete"}, strings.Fields(c.CommandPath())[1:]...), "--")
		if code := run(t.Context(), words, strings.NewReader(""), &out, &errs, func(string) string { return "" }); code != 0 {
			t.Errorf("%q: exit code %d: %s", words, code, &errs)
		}
		if described += strings.Count(out.String(), "\t"); strings.Contains(out.String(), "`") {
			t.Errorf("%q: got %s", words, &out)
		}
	}
	if described < 100 {
		t.Errorf("saw %d flags", described)
	}
}

func TestCompletionScripts(t *testing.T) {
	for shell, mark := range map[string]string{
		"bash": "complete -o", "zsh": "#compdef s3fanout", "fish": "complete -c s3fanout", "powershell": "Register-ArgumentCompleter",
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"completion", shell}, strings.NewReader(""), &out, &errs, func(string) string { return "" })
		if code != 0 || !strings.Contains(out.String(), mark) {
			t.Errorf("%s: exit code %d, %d bytes without %q: %s", shell, code, out.Len(), mark, &errs)
		}
	}
}
