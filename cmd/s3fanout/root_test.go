package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	noJSON := []string{"s3fanout completion"} // a script is its result
	for _, c := range commands[1:] {
		page := reference(c)
		if c.Example == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no example of it", c.CommandPath())
		}
		for _, title := range []string{"AWS requests", "JSON", "Exit codes"} {
			_, section, ok := strings.Cut(page, "### "+title+"\n")
			section, _, _ = strings.Cut(section, "### ")
			if said := ok && strings.TrimSpace(section) != ""; !said && (title != "JSON" || !slices.Contains(noJSON, c.CommandPath())) {
				t.Errorf("%s: reference/ says nothing under %s", c.CommandPath(), title)
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

// TestReferencesNameFieldsOfTheirSchema finds explanations of fields that no
// document has.
func TestReferencesNameFieldsOfTheirSchema(t *testing.T) {
	commands, _ := visible(t)
	explained := 0
	for _, c := range commands {
		_, section, _ := strings.Cut(reference(c), "### JSON\n")
		section, _, _ = strings.Cut(section, "### ")
		schemas := ""
		for _, link := range regexp.MustCompile(`\]\((schema/[a-z-]+\.json)\)`).FindAllStringSubmatch(section, -1) {
			content, err := os.ReadFile("../../docs/" + link[1])
			if err != nil {
				t.Errorf("%s: %v", c.CommandPath(), err)
			}
			schemas += string(content)
		}
		for _, row := range regexp.MustCompile("(?m)^- (`\\w+`(?:, `\\w+`)*): ").FindAllStringSubmatch(section, -1) {
			for _, field := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
				explained++
				if !strings.Contains(schemas, `"`+field[1]+`": {`) {
					t.Errorf("%s: explains the field %s, which its schema does not have", c.CommandPath(), field[1])
				}
			}
		}
	}
	if explained < 40 {
		t.Errorf("%d fields, too few to be all", explained)
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
	if !strings.HasPrefix(got, "Make a running sandbox fail") || !strings.Contains(got, "\n\n[sandbox.md](sandbox.md#faults) lists") ||
		!strings.HasSuffix(got, "### Exit codes\n0 done, 1 failed, 2 usage, 130 interrupted.\n") || strings.Contains(got, "help --full") {
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

// TestCommandsAreDocumented holds the page against the help and the references.
func TestCommandsAreDocumented(t *testing.T) {
	const path = "../../docs/commands.md"
	commands, help := visible(t)
	common := regexp.MustCompile(`^ +(--config string|-h, --help|--output text\|json) `)
	var b strings.Builder
	b.WriteString("<!-- Generated from the commands' help and cmd/s3fanout/reference: go test ./cmd/s3fanout -run Documented -update -->\n")
	b.WriteString("# Commands\n\nWhat `s3fanout help --full` says of each command. All take the flags of [s3fanout](#s3fanout).\n")
	for _, c := range commands {
		text := strings.Split(strings.TrimSpace(help[c]), "\n")
		text = text[:len(text)-2] // without the line that names what comes next
		if c.HasParent() {
			text = slices.DeleteFunc(text, common.MatchString) // the root has them
		}
		b.WriteString("\n## " + c.CommandPath() + "\n```text\n" + strings.Join(text, "\n") + "\n```\n\n" + reference(c))
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
