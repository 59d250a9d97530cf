package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/table"
)

// Every command that is shown has a page, with its flags, and of the lines of its
// text none is taken for a request of roff.
func TestManPages(t *testing.T) {
	commands, _ := visible(t)
	requests := []string{".TH", ".SH", ".TP", ".nf", ".fi", ".SS", ".PP", ".IP", ".ad", ".nh"}
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
		unescaped := strings.NewReplacer(`\-`, "-", `\e`, `\`).Replace(page)
		for _, m := range regexp.MustCompile(`\(default .*\)`).FindAllString(flagList(c), -1) {
			if !strings.Contains(unescaped, m) {
				t.Errorf("%s: %s is not on its page", c.CommandPath(), m)
			}
		}
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() && !strings.Contains(page, "\n.TP\n\\fB"+child.Name()+"\\fR\n"+roff(child.Short)+"\n") {
				t.Errorf("%s: its page does not say what %s is for", c.CommandPath(), child.Name())
			}
		}
		for line := range strings.Lines(between(unescaped, "\n.nf\n", "\n.fi\n")) { // man indents what it does not fill
			if n := table.Width(strings.TrimSuffix(line, "\n")); n > helpWidth-7 {
				t.Errorf("%s: %d columns: %q", c.CommandPath(), n, line)
			}
		}
		for line := range strings.Lines(page) {
			request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if (line[0] == '.' || line[0] == '\'') && !slices.Contains(requests, request) {
				t.Errorf("%s: %q is a request", c.CommandPath(), line)
			}
		}
	}
	if got := roff(".a\n'b\n\\c --d"); got != "\\&.a\n\\&'b\n\\ec \\-\\-d" {
		t.Errorf("got %q", got)
	}
}

// between is all that is between such a beginning and the end after it.
func between(text, begin, end string) string {
	var all strings.Builder
	for _, part := range strings.Split(text, begin)[1:] {
		inside, _, _ := strings.Cut(part, end)
		all.WriteString(inside + "\n")
	}
	return all.String()
}

// Who reads a man page or help --full reads text: no marks of Markdown, and of a
// link the page's path below docs, where the checkout and the packages have it.
func TestReferencesAreShownAsText(t *testing.T) {
	commands, _ := visible(t)
	marks := regexp.MustCompile("(?m)^#+ |`|\\]\\(")
	pages := regexp.MustCompile(`docs/[a-z/-]+(\.[a-z]+)?`)
	linked := 0
	for _, c := range commands {
		var man, help strings.Builder
		if err := errors.Join(writeManPage(&man, c), writeHelp(&help, c, true)); err != nil {
			t.Fatal(err)
		}
		for screen, text := range map[string]string{"man page": man.String(), "help --full": help.String()} {
			if m := marks.FindString(text); m != "" {
				t.Errorf("%s, %s: it shows %q", c.CommandPath(), screen, m)
			}
			for _, page := range pages.FindAllString(strings.ReplaceAll(text, `\-`, "-"), -1) {
				linked++
				if _, err := os.Stat(filepath.Join("../..", page)); err != nil {
					t.Errorf("%s, %s: %v", c.CommandPath(), screen, err)
				}
			}
		}
	}
	if linked < 40 {
		t.Errorf("saw %d links", linked)
	}
	if got, want := referenceText("A `b`\nc.\n\n- one\n  more\n- two\n\n### D\n[e](lag.md#g), [lag.md](lag.md)\n```text\n  `h`\n```\n"),
		"A b c.\n\n- one more\n- two\n\nD:\ne (docs/lag.md), docs/lag.md\n\n  `h`\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
