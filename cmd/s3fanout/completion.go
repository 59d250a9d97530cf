package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"s3fanout/internal/sandbox/fault"
)

// newCommand is the whole command: the root with its subcommands, shell
// completion of their flags' values, and suggestions for flags that there are
// not.
func newCommand(a *app) *cobra.Command {
	root := newRootCommand(a)
	root.AddCommand(newCompletionCommand(a), newManCommand())
	completeFlags(a, root)
	root.SetFlagErrorFunc(flagError)
	return root
}

// shells writes the script of each shell that has one.
func shells() map[string]func(*cobra.Command, io.Writer) error {
	return map[string]func(*cobra.Command, io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}
}

func newCompletionCommand(a *app) *cobra.Command {
	names := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write a shell completion script",
		Long: `Write a script to standard output that lets bash, zsh, fish or powershell
complete commands, flags and Regions.`,
		Example: `  source <(s3fanout completion bash)    # for this shell
  s3fanout completion fish | source     # for this shell`,
		ValidArgs: names,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(names, args[0]) {
				return fmt.Errorf("%s takes the name of a shell: %s", commandName(cmd), strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := shells()[args[0]](cmd.Root(), a.stdout); err != nil {
				return fmt.Errorf("write the script: %w", err)
			}
			return nil
		},
	}
}

// completeFlags gives the flags and arguments of all commands values to choose
// from, those excepted that have some already.
func completeFlags(a *app, root *cobra.Command) {
	regions := completeRegions(a)
	values := map[string]cobra.CompletionFunc{
		"region":    regions,
		"away-from": regions,
		"from":      regions,
		"to":        regions,
		"kind":      cobra.FixedCompletions(faultKinds(), cobra.ShellCompDirectiveNoFileComp),
	}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		complete := func(f *pflag.Flag) {
			if _, done := c.GetFlagCompletionFunc(f.Name); done {
				return
			}
			switch complete, known := values[f.Name]; {
			case known:
				_ = c.RegisterFlagCompletionFunc(f.Name, complete) // the flag is there
			case strings.Contains(f.Value.Type(), "|"):
				choices := strings.Split(f.Value.Type(), "|")
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp))
			case !slices.Contains([]string{"string", "stringSlice", "bool"}, f.Value.Type()):
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions) // a number or a time
			}
		}
		c.LocalNonPersistentFlags().VisitAll(complete)
		c.PersistentFlags().VisitAll(complete)
		switch {
		case c.ValidArgs != nil || c.ValidArgsFunction != nil:
		case strings.HasSuffix(c.Use, " REGION..."):
			c.ValidArgsFunction = completeRegionArguments(regions)
		default:
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(root)
}

// completeRegions offers the Regions of the replica set, after a comma those
// that are not there yet. Without a configuration there are none to offer.
func completeRegions(a *app) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		set, err := a.replicaSet()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		typed := ""
		if comma := strings.LastIndexByte(word, ','); comma >= 0 {
			typed = word[:comma+1]
		}
		var offers []cobra.Completion
		for _, region := range set.Regions {
			if offer := typed + region; strings.HasPrefix(offer, word) && !slices.Contains(strings.Split(typed, ","), region) {
				offers = append(offers, offer)
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRegionArguments offers the Regions that are not named yet.
func completeRegionArguments(regions cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, named []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		offers, directive := regions(cmd, named, word)
		return slices.DeleteFunc(offers, func(r cobra.Completion) bool { return slices.Contains(named, r) }), directive
	}
}

// plainUsages takes the quotes out of the flags' descriptions that tell the help
// which word names the value: a shell would show them.
func plainUsages(c *cobra.Command) {
	plain := func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) }
	c.LocalFlags().VisitAll(plain)
	for _, child := range c.Commands() {
		plainUsages(child)
	}
}

func faultKinds() []string {
	var names []string
	for _, k := range fault.Kinds() {
		names = append(names, string(k))
	}
	return names
}
