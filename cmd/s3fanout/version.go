package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is the document that version --output json writes.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show what this command was built from",
		Long: `Show the version, the source revision and the Go release that this command was
built from. It makes no AWS requests.

With --output json the result is one document:
  {"version", "revision", "time", "modified", "go", "platform"}

Exit codes: 0 done, 1 failed, 2 usage.`,
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
	v := describeBuild(info)
	if a.output == outputJSON {
		return writeJSONLine(a.stdout, v)
	}
	_, err := fmt.Fprintln(a.stdout, v)
	return err
}

func describeBuild(info *debug.BuildInfo) versionInfo {
	v := versionInfo{Version: info.Main.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String is the text form, one line.
func (v versionInfo) String() string {
	s := "s3fanout " + v.Version
	if v.Revision != "" {
		s += " " + v.Revision
		if v.Modified {
			s += " with changes"
		}
	}
	return s + " " + v.Go + " " + v.Platform
}
