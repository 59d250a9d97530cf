package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand is cobra's help, except that an unknown command is an error,
// and not the root's help with exit code 0.
func newHelpCommand() *cobra.Command {
	full := false
	help := &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if parent, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, child := range parent.Commands() {
					if child.IsAvailableCommand() && strings.HasPrefix(child.Name(), word) {
						names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			found := cmd.Root()
			for i, name := range args {
				child, _, err := found.Find([]string{name})
				if err != nil || child == found {
					return usageError{unknownCommand(found, strings.Join(args[:i+1], " "), name)}
				}
				found = child
			}
			return writeHelp(cmd.OutOrStdout(), found, full)
		},
	}
	help.Flags().BoolVar(&full, "full", false, "also permissions, costs, formats and exit codes")
	return help
}

// unknownCommand says that parent has no such command, and what was probably
// meant.
func unknownCommand(parent *cobra.Command, typed, name string) error {
	hint := "run " + parent.CommandPath() + " --help"
	if near := nearCommands(parent, name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q; %s", typed, hint)
}

// nearCommands are the commands below parent that were probably meant.
func nearCommands(parent *cobra.Command, name string) []string {
	parent.SuggestionsMinimumDistance = 2
	return parent.SuggestionsFor(name)
}

// knownCommand refuses what is not the name of a subcommand.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(cmd, args[0], args[0])
}

// commandName is a command's name without the program's, with which errors begin.
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// noArguments refuses arguments where a command has flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasAvailableSubCommands() && len(nearCommands(cmd, args[0])) > 0:
		return unknownCommand(cmd, args[0], args[0])
	}
	return fmt.Errorf("%s takes no arguments, not %q; see %s --help", commandName(cmd), args[0], cmd.CommandPath())
}
