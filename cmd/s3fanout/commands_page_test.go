package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"s3fanout/internal/proof/prose"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// shared are the flags that several commands have with the same meaning, and their
// lines in a list of flags. The page explains them once.
func shared(t *testing.T, commands []*cobra.Command) (lines string, names map[string]bool) {
	t.Helper()
	times, list := map[[3]string]int{}, pflag.NewFlagSet("shared", pflag.ContinueOnError)
	for _, c := range commands[1:] {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			alike := [3]string{f.Name, f.Usage, f.DefValue}
			if times[alike]++; times[alike] == 3 && f.Name != "help" {
				list.AddFlag(f)
			}
		})
	}
	names = map[string]bool{}
	list.VisitAll(func(f *pflag.Flag) { names[f.Name+f.Usage] = true })
	if len(names) < 4 {
		t.Errorf("shared flags: %v", names)
	}
	return list.FlagUsagesWrapped(helpWidth), names
}

// pageOf is what docs/commands.md says of a command: its help without the examples and
// the list of commands, which are sections here, with the shared flags by name, and its
// reference.
func pageOf(c *cobra.Command, shared map[string]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n```text\n%s\n", c.CommandPath(), cmp.Or(strings.TrimSpace(c.Long), c.Short+"."))
	if line := usage(c); line != c.CommandPath()+" [flags]" {
		b.WriteString("\nUsage: " + line + "\n")
	}
	own, also := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError), []string{}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case c.HasParent() && (f.Name == "help" || c.InheritedFlags().Lookup(f.Name) != nil): // the root has it
		case shared[f.Name+f.Usage]:
			also = append(also, "--"+f.Name)
		default:
			own.AddFlag(f)
		}
	})
	if flags := own.FlagUsagesWrapped(helpWidth); flags != "" {
		b.WriteString("\nFlags:\n" + flags)
	}
	if len(also) > 0 {
		b.WriteString("\nCommon flags: " + strings.Join(also, ", ") + "\n")
	}
	return b.String() + "```\n\n" + reference(c)
}

// overview links the root's commands, a line for each of its groups.
func overview(commands []*cobra.Command) string {
	var b strings.Builder
	root := commands[0]
	for _, group := range append(root.Groups(), &cobra.Group{Title: "Also"}) {
		line := "- " + group.Title + ":"
		for _, c := range commands[1:] {
			if c.Parent() == root && c.GroupID == group.ID {
				link := fmt.Sprintf(" [%s](#%s),", c.Name(), strings.ReplaceAll(c.CommandPath(), " ", "-"))
				if len(line)+len(link) > prose.MaxColumns {
					b.WriteString(line + "\n")
					line = " "
				}
				line += link
			}
		}
		b.WriteString(strings.TrimSuffix(line, ",") + "\n")
	}
	return b.String()
}

// TestCommandsAreDocumented holds the page against the help and the references.
func TestCommandsAreDocumented(t *testing.T) {
	const path = "../../docs/commands.md"
	commands, _ := visible(t)
	lines, names := shared(t, commands)
	var b strings.Builder
	b.WriteString("<!-- Generated from the commands' help and cmd/s3fanout/reference: go test ./cmd/s3fanout -run Documented -update -->\n")
	b.WriteString("# Commands\n\n" + overview(commands))
	b.WriteString("\nThe help of each command, which `s3fanout help --full COMMAND` shows with examples. Common flags:\n\n")
	b.WriteString("```text\n" + lines + "```\n")
	for _, c := range commands {
		b.WriteString(pageOf(c, names))
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
