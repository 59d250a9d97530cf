package main

import (
	"errors"

	"github.com/spf13/cobra"

	"s3fanout/internal/sandbox/demo"
	"s3fanout/internal/sandbox/snapshot"
)

func newDemoCommand(a *app) *cobra.Command {
	var function string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a replica set at work on this machine, without AWS",
		Long: `Run a replica set of three Regions in a sandbox on this machine: upload, watch
the objects arrive, break a Region, recover. It takes about 20 seconds.`,
		Example: `  s3fanout demo`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.output != outputText {
				return usageError{errors.New("the demo has only text; leave out --output, and use the exit code")}
			}
			binary, err := functionFile(function)
			if err != nil {
				return err
			}
			set, err := snapshot.Config()
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), demo.Config{
				Assembly: snapshot.FS(), ReplicaSet: set, Function: binary, Out: a.stdout,
			})
		},
	}
	cmd.Flags().StringVar(&function, "function", "", functionHelp)
	return cmd
}
