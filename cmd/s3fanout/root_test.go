package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"s3fanout/internal/table"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// visible returns the root command and every subcommand that is shown, with
// the help of each.
func visible(t *testing.T) (commands []*cobra.Command, help map[*cobra.Command]string) {
	t.Helper()
	help = map[*cobra.Command]string{}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" { // cobra's own
			return
		}
		var b bytes.Buffer
		c.SetOut(&b)
		c.InitDefaultHelpFlag() // as executing it does
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		commands, help[c] = append(commands, c), b.String()
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	root := newCommand(&app{getenv: func(string) string { return "" }})
	root.InitDefaultHelpCmd()
	visit(root)
	if len(commands) < 6 {
		t.Fatalf("saw %d commands", len(commands))
	}
	return commands, help
}

func TestHelpFitsTheTerminal(t *testing.T) {
	commands, help := visible(t)
	for _, c := range commands {
		for line := range strings.Lines(help[c]) {
			if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 {
				t.Errorf("%s: %d columns: %q", c.CommandPath(), table.Width(line), line)
			}
		}
	}
}

// TestHelpSaysWhatMatters holds every subcommand to what its user has to know
// before it is run.
func TestHelpSaysWhatMatters(t *testing.T) {
	commands, help := visible(t)
	noJSON := []string{"s3fanout completion"} // a script is its result
	for _, c := range commands[1:] {
		text := help[c]
		unbroken := strings.Join(strings.Fields(text), " ")
		if c.Example == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no example of it", c.CommandPath())
		}
		if !strings.Contains(text, "Exit codes:") {
			t.Errorf("%s: no exit codes", c.CommandPath())
		}
		if !regexp.MustCompile(`AWS requests:|makes no AWS requests`).MatchString(unbroken) {
			t.Errorf("%s: says neither which AWS requests it makes nor that it makes none", c.CommandPath())
		}
		if !strings.Contains(unbroken, "--output json") && c.CommandPath() != noJSON[0] {
			t.Errorf("%s: does not say what --output json gives", c.CommandPath())
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the summary %q is empty, or ends with a full stop", c.CommandPath(), c.Short)
		}
	}
}

// TestCommandsAreDocumented holds the page against the help.
func TestCommandsAreDocumented(t *testing.T) {
	const path = "../../docs/commands.md"
	commands, help := visible(t)
	var b strings.Builder
	b.WriteString("<!-- Generated from the commands' help: go test ./cmd/s3fanout -run Documented -update -->\n# Commands\n\n")
	b.WriteString("What `s3fanout COMMAND --help` says, on one page.\n")
	for _, c := range commands {
		b.WriteString("\n## " + c.CommandPath() + "\n```text\n" + strings.TrimSpace(help[c]) + "\n```\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the help says: go test ./cmd/s3fanout -run Documented -update", path)
	}
}
