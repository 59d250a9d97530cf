package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/document"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show version, revision and Go release",
		Long:    `Show the version, the source revision and the Go release of this command.`,
		Example: "  s3fanout version --output json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return a.version() },
	}
}

// version writes what the command was built from.
func (a *app) version() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	v := document.NewVersion(info)
	if a.output == outputJSON {
		return writeJSONLine(a.stdout, v)
	}
	_, err := fmt.Fprintln(a.stdout, versionText(v))
	return err
}

// versionText is the text form, one line.
func versionText(v document.Version) string {
	s := "s3fanout " + v.Version
	if v.Revision != "" {
		s += " " + v.Revision
		if v.Modified {
			s += " with changes"
		}
	}
	return s + " " + v.Go + " " + v.Platform
}
