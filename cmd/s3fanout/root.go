package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/replicaset"
)

// app is what the subcommands share: the streams, the environment and the
// flags of the root command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	configPath string
	output     outputFormat
}

const exitCodesHelp = `Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 difference found or
work left over, 130 interrupted, 141 whoever read the output went away.`

func newRootCommand(a *app) *cobra.Command {
	a.output = outputText
	root := &cobra.Command{
		Use:   "s3fanout",
		Short: "Operate write-once fan-out between S3 buckets",
		Long: `s3fanout operates a replica set: S3 buckets, one per AWS Region. An object that
is uploaded to one is copied to all others by a function in each Region; the
first write of a key wins.

It speaks to AWS with the SDK's ordinary configuration: AWS_PROFILE, the
AWS_ACCESS_KEY_ID variables, AWS_ENDPOINT_URL. Results go to standard output,
logs and progress to standard error.

` + exitCodesHelp,
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
	root.Flags().BoolVar(&version, "version", false, "show what this command was built from")
	root.SetHelpCommand(newHelpCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	// Cobra knows no width but the terminal's, and does not ask for it.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.configPath, "config", "cdk.json", "file with the replica set's configuration")
	root.PersistentFlags().Var(&a.output, "output", "form of the results")
	for _, command := range []func(*app) *cobra.Command{
		newAdoptCommand,
		newBackfillCommand,
		newCostCommand,
		newDemoCommand,
		newDoctorCommand,
		newExplainCommand,
		newHistoryCommand,
		newInitCommand,
		newPauseCommand,
		newRedriveCommand,
		newReportCommand,
		newResumeCommand,
		newSandboxCommand,
		newStatusCommand,
		newUndeleteCommand,
		newVerifyCommand,
		newVersionCommand,
	} {
		root.AddCommand(command(a))
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
