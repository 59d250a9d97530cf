package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newManCommand is for those who make a release: it is not shown.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write the man pages into a directory",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(cmd *cobra.Command, args []string) error { return writeManPages(cmd.Root(), args[0]) },
	}
}

// writeManPages writes a page for the command and each below it.
func writeManPages(c *cobra.Command, dir string) error {
	c.InitDefaultHelpFlag()
	path := filepath.Join(dir, manName(c)+".1")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = writeManPage(f, c)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			if err := writeManPages(child, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// writeManPage writes a page in the language of man(7).
func writeManPage(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.ad l\n.nh\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(manName(c))), roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n%s\n", roff(usage(c)))
	writeManText(&b, "DESCRIPTION", c.Long)
	writeManCommands(&b, c)
	if c.Example != "" {
		// Not indented once more: man does that.
		writeManText(&b, "EXAMPLES", "```\n"+strings.TrimPrefix(strings.ReplaceAll("\n"+c.Example, "\n  ", "\n"), "\n")+"\n```")
	}
	for _, set := range []struct {
		title string
		flags *pflag.FlagSet
	}{{"OPTIONS", c.NonInheritedFlags()}, {"OPTIONS OF ALL COMMANDS", c.InheritedFlags()}} {
		if set.flags.HasAvailableFlags() {
			fmt.Fprintf(&b, ".SH %s\n", set.title)
			set.flags.VisitAll(func(f *pflag.Flag) { writeManFlag(&b, f) })
		}
	}
	writeManText(&b, "REFERENCE", reference(c))
	if also := seeAlso(c); len(also) > 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(also, ",\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeManText writes a section, unless there is nothing in it.
func writeManText(b *strings.Builder, title, markdown string) {
	for i, part := range blocks(markdown) {
		if i == 0 {
			fmt.Fprintf(b, ".SH %s\n", title)
		}
		switch text := roff(part.text); part.kind {
		case headingBlock:
			fmt.Fprintf(b, ".SS %s\n", text)
		case itemBlock:
			fmt.Fprintf(b, ".IP \\(bu 2\n%s\n", text)
		case paragraphBlock:
			fmt.Fprintf(b, ".PP\n%s\n", text)
		case verbatimBlock:
			fmt.Fprintf(b, ".PP\n.nf\n%s.fi\n", text)
		}
	}
}

// writeManCommands writes what each command below is for.
func writeManCommands(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	write := func(group string) {
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() && child.GroupID == group {
				fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(child.Name()), roff(child.Short))
			}
		}
	}
	for _, group := range c.Groups() {
		fmt.Fprintf(b, ".SS %s\n", roff(group.Title))
		write(group.ID)
	}
	if len(c.Groups()) > 0 {
		b.WriteString(".SS Further commands\n")
	}
	write("")
}

func writeManFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	fmt.Fprintf(b, ".TP\n\\fB%s\\fR", roff(name))
	if value != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
	}
	fmt.Fprintf(b, "\n%s\n", roff(usage+flagDefault(f)))
}

// flagDefault is what help says of a flag's default.
func flagDefault(f *pflag.Flag) string {
	alone := pflag.NewFlagSet("", pflag.ContinueOnError)
	alone.AddFlag(f)
	help := strings.TrimSpace(alone.FlagUsages())
	at := strings.LastIndex(help, " (default ")
	if at < 0 || strings.Contains(f.Usage, help[at:]) {
		return ""
	}
	return help[at:]
}

// seeAlso are the pages above and below.
func seeAlso(c *cobra.Command) []string {
	var also []string
	if c.HasParent() {
		also = append(also, roff(manName(c.Parent()))+"(1)")
	}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			also = append(also, roff(manName(child))+"(1)")
		}
	}
	return also
}

// roff escapes text: a backslash, a hyphen to copy, and what would be a request at
// the beginning of a line.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
