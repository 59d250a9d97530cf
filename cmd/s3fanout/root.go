package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"s3fanout/internal/replicaset"
)

// app is what the subcommands share: the streams, the environment and the
// flags of the root command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	hints          hints

	configPath string
	output     outputFormat
}

func newRootCommand(a *app) *cobra.Command {
	a.output = outputText
	root := &cobra.Command{
		Use:   "s3fanout",
		Short: "Replicate S3 buckets across AWS Regions",
		Long: `s3fanout operates a replica set: S3 buckets, one per AWS Region. A function in
each Region copies every object that is uploaded to one of the others. The first
write of a key wins, or with "follow" in cdk.json the latest.

Credentials and endpoint are the AWS SDK's usual ones (AWS_PROFILE,
AWS_ENDPOINT_URL, ...).`,
		// An error is one line, printed by run.
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
	}
	version := false
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if version {
			return a.version()
		}
		return cmd.Help()
	}
	root.Flags().BoolVar(&version, "version", false, "show version, revision and Go release")
	root.SetHelpCommand(newHelpCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_ = writeHelp(cmd.OutOrStdout(), cmd, false) // as cobra's own, which returns nothing
	})
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.configPath, "config", "cdk.json", "configuration file")
	root.PersistentFlags().Var(&a.output, "output", "format of the results")
	for _, g := range []struct {
		id, title string
		commands  []func(*app) *cobra.Command
	}{
		{"setup", "Set up a replica set", []func(*app) *cobra.Command{newAdoptCommand, newCostCommand, newInitCommand}},
		{"look", "Look at it", []func(*app) *cobra.Command{
			newConsoleCommand, newDoctorCommand, newExplainCommand, newHistoryCommand, newReportCommand, newStatusCommand, newVerifyCommand,
		}},
		{"repair", "Repair or pause it", []func(*app) *cobra.Command{
			newBackfillCommand, newFailoverCommand, newPauseCommand, newRedriveCommand, newResumeCommand, newUndeleteCommand,
		}},
		{"try", "Try it without AWS", []func(*app) *cobra.Command{newDemoCommand, newSandboxCommand}},
		{"", "", []func(*app) *cobra.Command{newVersionCommand}},
	} {
		if g.id != "" {
			root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		}
		for _, command := range g.commands {
			c := command(a)
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	return root
}

// replicaSet reads the configuration that --config names.
func (a *app) replicaSet() (replicaset.Config, error) {
	c, err := replicaset.Load(a.configPath)
	if err != nil {
		return replicaset.Config{}, usageError{err}
	}
	return c, nil
}

// outputFormat is the value of --output.
type outputFormat string

const (
	outputText outputFormat = "text"
	outputJSON outputFormat = "json"
)

// String is the flag's value, for cobra.
func (f *outputFormat) String() string { return string(*f) }

// Type names the flag's value in help.
func (f *outputFormat) Type() string { return "text|json" }

// Set accepts the known forms alone.
func (f *outputFormat) Set(s string) error {
	switch v := outputFormat(s); v {
	case outputText, outputJSON:
		*f = v
		return nil
	}
	return fmt.Errorf("it has to be text or json")
}
