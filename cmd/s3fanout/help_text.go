package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is what help is written for, whatever the terminal's width.
const helpWidth = 80

// references are the pages that say of each command what its help leaves out:
// permissions, costs, formats, exit codes. Their links are relative to docs/.
//
//go:embed reference/*.md
var references embed.FS

// reference is a command's page in Markdown, empty if it has none.
func reference(cmd *cobra.Command) string {
	name := cmd.Name()
	if cmd.HasParent() {
		name = strings.Join(strings.Fields(cmd.CommandPath())[1:], "-")
	}
	page, err := references.ReadFile("reference/" + name + ".md")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(page)) + "\n"
}

// helpText is what a command's user has to know before it is run: what it does,
// usage, examples, subcommands, and in one block all flags.
func helpText(cmd *cobra.Command) string {
	var b strings.Builder
	section := func(title, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, text)
		}
	}
	fmt.Fprintln(&b, cmp.Or(strings.TrimSpace(cmd.Long), cmd.Short+"."))
	fmt.Fprintln(&b, "\nUsage: "+usage(cmd))
	section("Examples", cmd.Example)
	for _, group := range cmd.Groups() {
		section(group.Title, commandList(cmd, group.ID))
	}
	section("Commands", commandList(cmd, ""))
	section("Flags", flagList(cmd))
	fmt.Fprintf(&b, "\nPermissions, costs, formats: %s help --full%s\n",
		cmd.Root().Name(), strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()))
	return b.String()
}

func usage(cmd *cobra.Command) string {
	switch {
	case !cmd.HasAvailableSubCommands():
		return cmd.UseLine()
	case !cmd.HasParent():
		return cmd.CommandPath() + " COMMAND [flags]"
	}
	return cmd.CommandPath() + " [COMMAND] [flags]" // it does something by itself, too
}

// commandList has a line for each subcommand of a group.
func commandList(cmd *cobra.Command, group string) string {
	var b strings.Builder
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.GroupID == group {
			fmt.Fprintf(&b, "  %-*s  %s\n", cmd.NamePadding(), child.Name(), child.Short)
		}
	}
	return b.String()
}

// flagList has the command's own flags and those of its parents. Cobra keeps
// them apart, in columns of their own.
func flagList(cmd *cobra.Command) string {
	all := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	all.AddFlagSet(cmd.LocalFlags())
	all.AddFlagSet(cmd.InheritedFlags())
	return all.FlagUsagesWrapped(helpWidth)
}

// writeHelp writes a command's help and, if it is to be full, its reference.
func writeHelp(w io.Writer, cmd *cobra.Command, full bool) error {
	cmd.InitDefaultHelpFlag() // as executing it does
	text := helpText(cmd)
	if page := reference(cmd); full && page != "" {
		// In place of the line that names this very output.
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		text = strings.Join(slices.Concat(lines[:len(lines)-1], []string{referenceText(page)}), "\n")
	}
	_, err := io.WriteString(w, text)
	return err
}
