package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/history"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

type historyFlags struct {
	versions int
	auditFlags
}

func newHistoryCommand(a *app) *cobra.Command {
	f := historyFlags{}
	cmd := &cobra.Command{
		Use:   "history KEY",
		Short: "Show a key's versions in all Regions in order of time",
		Long: `Show the versions and delete markers of one key in all Regions, the oldest
first: what was written where, which version is a replica of which, and where
the key was deleted.`,
		Example: `  s3fanout history films/one.mp4
  s3fanout history --audit films/one.mp4
  s3fanout history --versions 20 films/one.mp4
  s3fanout history --output json -- '-a key with spaces'`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error { return a.history(cmd.Context(), args[0], f) },
	}
	f.register(cmd, "ask the audit trail who it was")
	cmd.Flags().IntVar(&f.versions, "versions", history.MaxVersions, "the newest `count` versions of each Region")
	return cmd
}

func (a *app) history(ctx context.Context, argument string, f historyFlags) error {
	if f.versions < 1 {
		return usageError{fmt.Errorf("--versions: %d is not possible; give 1 or more", f.versions)}
	}
	k, err := a.askedKey(ctx, argument, f.auditFlags)
	if err != nil {
		return err
	}
	o := historyOptions(k.set, k.config, k.account, k.key, f.versions)
	if f.audit {
		o.Logs, o.AuditFrom = auditLogs(k.config, k.set), k.auditFrom
	}
	stop := a.newProgress().working(f.asking(k.set))
	facts, err := history.Run(ctx, o)
	stop()
	if err != nil {
		return err
	}
	d := document.NewHistory(k.set.Name, facts)
	if a.output == outputJSON {
		err = writeJSONDocument(a.stdout, d)
	} else {
		err = writeHistoryText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
	}
	switch {
	case err != nil:
		return fmt.Errorf("write the result: %w", err)
	case facts.Err() != nil:
		return facts.Err()
	case len(d.Entries) == 0:
		return classified{errors.New("no Region has a version of this key"), errLeftOver}
	}
	return nil
}

func writeHistoryText(w io.Writer, d document.History, width int, colours bool) error {
	t := table.Table{Width: width, Columns: []table.Column{
		{Title: "TIME"}, {Title: "REGION"}, {Title: "WHAT"}, {Title: "SIZE", Right: true}, {Title: "VERSION", Cut: table.CutEnd},
	}}
	for _, e := range d.Entries {
		size := "-"
		if e.Size != nil {
			size = table.Bytes(*e.Size)
		}
		t.Rows = append(t.Rows, table.Row{
			Cells: []string{stamp(e.Time), e.Region, e.What, size, printable.Quote(e.VersionID)},
			Below: historyBelow(e),
		})
	}
	if len(t.Rows) > 0 {
		if _, err := t.WriteTo(w); err != nil {
			return err
		}
	}
	var b strings.Builder
	line := func(level ui.Level, region, text string) {
		b.WriteString(levelLine(level, region, text, width, colours) + "\n")
	}
	for _, r := range d.Regions {
		switch {
		case r.Error != "":
			line(ui.Unknown, r.Region, "not known: "+printable.Quote(r.Error))
		case r.More:
			line(ui.Note, r.Region, fmt.Sprintf("there are older versions than these %d; for more, add --versions", r.Versions))
		case r.Versions == 0:
			line(ui.Note, r.Region, "no version")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return writeAuditNote(w, d.Audit, width)
}

// historyBelow is what does not fit the columns: which write or deletion an entry is
// of, and whether it is what the Region has now.
func historyBelow(e document.HistoryEntry) string {
	var parts []string
	if e.Current {
		parts = append(parts, "current")
	}
	if e.What == string(history.Version) {
		parts = append(parts, "a write or a replica")
	}
	if e.Of != "" {
		of := "of " + e.Of + ", version " + e.OfVersionID
		if e.What == string(history.Deletion) {
			of = "follows that in " + e.Of + ", version " + e.OfVersionID
		}
		if !e.Certain {
			of = "likely " + of
		}
		parts = append(parts, of)
	}
	if e.By != nil {
		parts = append(parts, auditBelow(*e.By))
	}
	return printable.Quote(strings.Join(parts, " · "))
}
