package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"s3fanout/internal/table"
)

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

// TestHelpFitsTheTerminal holds every help screen, that of help --full too, to the
// width of a terminal.
func TestHelpFitsTheTerminal(t *testing.T) {
	commands, _ := visible(t)
	for _, c := range commands {
		for _, full := range []bool{false, true} {
			var screen strings.Builder
			if err := writeHelp(&screen, c, full); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(screen.String()) {
				if line = strings.TrimSuffix(line, "\n"); table.Width(line) > helpWidth {
					t.Errorf("%s, full %t: %d columns: %q", c.CommandPath(), full, table.Width(line), line)
				}
			}
		}
	}
}

// TestHelpFitsOneScreen keeps usage, examples and flags where they are seen
// without scrolling.
func TestHelpFitsOneScreen(t *testing.T) {
	const screen, overview = 40, 46 // the root lists the commands
	commands, help := visible(t)
	for _, c := range commands {
		most := screen
		if !c.HasParent() {
			most = overview
		}
		if n := strings.Count(help[c], "\n"); n > most {
			t.Errorf("%s: the help has %d lines, more than %d: move details to reference/", c.CommandPath(), n, most)
		}
		if before, _, ok := strings.Cut(help[c], "\nUsage: "); !ok || strings.Count(before, "\n") > 10 {
			t.Errorf("%s: the usage is not on the first lines:\n%s", c.CommandPath(), help[c])
		}
		// These belong to the reference.
		if m := regexp.MustCompile(`[a-z0-9]+:[A-Z][A-Za-z]+|\$[0-9]|AWS requests|Exit codes`).FindString(help[c]); m != "" {
			t.Errorf("%s: the help has %q, which belongs to reference/", c.CommandPath(), m)
		}
	}
}

// TestHelpSaysWhatMatters holds every subcommand to what its user has to know
// before it is run.
func TestHelpSaysWhatMatters(t *testing.T) {
	commands, _ := visible(t)
	noJSON := []string{"s3fanout completion", "s3fanout demo", "s3fanout failover", "s3fanout init"} // what they write is their result
	noRequests := regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(
		regexp.MustCompile(`[^.]*\smake no AWS requests`).FindString(reference(commands[0])), -1)
	for _, c := range commands[1:] {
		page := reference(c)
		if c.Example == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no example of it", c.CommandPath())
		}
		// Exit codes without a special meaning are in the root's page: TestExitCodes.
		for title, needless := range map[string]bool{
			"AWS requests": slices.ContainsFunc(noRequests, func(m []string) bool {
				return m[1] == c.Name() || m[1] == "sandbox" && c.Parent().Name() == "sandbox"
			}),
			"JSON": slices.Contains(noJSON, c.CommandPath()),
		} {
			_, section, ok := strings.Cut(page, "### "+title+"\n")
			section, _, _ = strings.Cut(section, "### ")
			if said := ok && strings.TrimSpace(section) != ""; said == needless {
				t.Errorf("%s: reference/ says something under %s: %t, want %t", c.CommandPath(), title, said, !needless)
			}
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the summary %q is empty, or ends with a full stop", c.CommandPath(), c.Short)
		}
	}
}

// TestReferencesBelongToCommands finds pages of commands that are gone, and
// schemas that no page names.
func TestReferencesBelongToCommands(t *testing.T) {
	commands, _ := visible(t)
	all := ""
	for _, c := range commands {
		all += reference(c)
	}
	files, err := references.ReadDir("reference")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(commands) {
		t.Errorf("%d pages in reference/ for %d commands", len(files), len(commands))
	}
	schemas, err := filepath.Glob("../../docs/schema/*.json")
	if err != nil || len(schemas) < 15 {
		t.Fatalf("%d schemas: %v", len(schemas), err)
	}
	for _, schema := range schemas {
		if filepath.Base(schema) == "cdk.json" { // of the configuration, which no command writes
			continue
		}
		if link := "](schema/" + filepath.Base(schema) + ")"; !strings.Contains(all, link) {
			t.Errorf("no page in reference/ links %s", schema)
		}
	}
}

// TestFullHelp has the help and then the reference, in place of the line that
// names it.
func TestFullHelp(t *testing.T) {
	var out bytes.Buffer
	root := newCommand(&app{stdout: &out, getenv: func(string) string { return "" }})
	root.SetArgs([]string{"help", "--full", "sandbox", "fault"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !strings.HasPrefix(got, "Make a running sandbox fail") || !strings.Contains(got, "\n\ndocs/sandbox.md lists") ||
		!strings.HasSuffix(got, "bytesPerSecond,\nclockMillis\n") || strings.Contains(got, "help --full") {
		t.Errorf("got\n%s", got)
	}
}

// TestHelpOfHelp begins with a sentence, as that of all commands.
func TestHelpOfHelp(t *testing.T) {
	var out bytes.Buffer
	root := newCommand(&app{stdout: &out, getenv: func(string) string { return "" }})
	root.SetArgs([]string{"help", "--help"})
	if err := root.Execute(); err != nil || !strings.HasPrefix(out.String(), "Show the help of a command.\n\nUsage: ") {
		t.Errorf("%v, got\n%s", err, &out)
	}
}

// TestFlagsOfOneMeaning look the same in the help of every command.
func TestFlagsOfOneMeaning(t *testing.T) {
	commands, help := visible(t)
	pattern := regexp.MustCompile(`(?m)^ +--(prefix|key|region) (\S+) `)
	forms, seen := map[string]string{}, map[string]int{}
	for _, c := range commands {
		for _, m := range pattern.FindAllStringSubmatch(help[c], -1) {
			if seen[m[1]]++; forms[m[1]] != "" && forms[m[1]] != m[2] {
				t.Errorf("%s: --%s %s, elsewhere --%s %s", c.CommandPath(), m[1], m[2], m[1], forms[m[1]])
			}
			forms[m[1]] = m[2]
		}
	}
	if seen["prefix"] < 4 || seen["region"] < 4 {
		t.Errorf("saw %v", seen)
	}
}
