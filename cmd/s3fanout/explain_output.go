package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// explainView is the document, and what only the text has: for each Region, how long
// after the object that it is likely a replica of its own was written.
type explainView struct {
	document.Explain

	after []time.Duration
}

func newExplainView(set string, f explain.Facts, v explain.Verdict) explainView {
	d := explainView{Explain: document.NewExplain(set, f, v)}
	for _, origin := range explain.Origins(f) {
		d.after = append(d.after, origin.After)
	}
	return d
}

// writeExplanation writes the result to stdout.
func (a *app) writeExplanation(set string, f explain.Facts, v explain.Verdict) error {
	d := newExplainView(set, f, v)
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d.Explain)
	}
	return writeExplainText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeExplainText writes a table of the Regions, what there is besides their
// objects, and the verdict last, where the eye is when the command has ended.
func writeExplainText(w io.Writer, d explainView, width int, colours bool) error {
	tables := []table.Table{
		regionsTable(d, width, colours),
		writesTable(d.Writes, len(d.Regions), width),
		versionsTable(d.Regions, width),
		uploadsTable(d.Regions, width),
		explainLetters(d.Letters, width),
		auditTable(d.Audit, width),
	}
	for i, t := range tables {
		if len(t.Rows) == 0 {
			continue
		}
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if _, err := t.WriteTo(w); err != nil {
			return err
		}
	}
	if err := writeAuditNote(w, d.Audit, width); err != nil {
		return err
	}
	room := width
	if room == 0 {
		room = 1 << 30
	}
	var b strings.Builder
	for _, q := range d.Queues {
		if q.Held > 0 || q.Cut || q.NotUnderstood > 0 {
			line := fmt.Sprintf("%s: %s looked at, %d not understood, %s", q.Region, letterCount(q.Looked), q.NotUnderstood, theRest(q))
			b.WriteString("\n" + table.Wrap(line, room, "  "))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	level := verdictLevel(explain.Code(d.Verdict))
	code := d.Verdict
	if sign := level.Sign(); width > 0 && level > ui.OK {
		code = sign + " " + code
	}
	rest, _ := strings.CutPrefix(table.Wrap(code+": "+printable.Quote(d.Text)+".", room, ""), code)
	if colours {
		code = level.Paint(code)
	}
	fmt.Fprintf(&b, "\n%s%s\n", code, rest)
	for _, s := range d.Steps {
		fmt.Fprintf(&b, "- %s\n", table.Wrap(s.Text, room-2, "  "))
		if s.Command == "" {
			continue
		}
		if command := "    " + s.Command; width > 0 && table.Width(command) > width {
			fmt.Fprintf(&b, "    %s\n", strings.Join(chained(s.Command), " &&\n    "))
		} else {
			fmt.Fprintln(&b, command)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// chained are the commands of a line that && joins: a shell takes them as one also
// where a line ends with it. What is in quotation marks is left whole.
func chained(line string) []string {
	const and = " && "
	var commands []string
	for from := 0; ; {
		i := strings.Index(line[from:], and)
		if i < 0 {
			return append(commands, line)
		}
		at := from + i
		if strings.Count(strings.ReplaceAll(line[:at], `\'`, ""), "'")%2 == 1 {
			from = at + len(and)
			continue
		}
		commands, line, from = append(commands, line[:at]), line[at+len(and):], 0
	}
}

// theRest says which dead letters of the queue were not looked at.
func theRest(q document.ExplainQueue) string {
	switch {
	case q.Cut:
		return "and there are more"
	case q.Held > 0:
		return fmt.Sprintf("about %d held by another reader", q.Held)
	default:
		return "none left out"
	}
}

func regionsTable(d explainView, width int, colours bool) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{
		{Title: "REGION"}, {Title: "SIZE", Right: true}, {Title: "MODIFIED"}, {Title: "ETAG", Cut: table.CutEnd}, {Title: "STATE"},
	}}
	for i, r := range d.Regions {
		row := table.Row{Cells: []string{r.Region, "-", "-", "-", r.State}}
		switch o := r.Object; {
		case o != nil:
			row.Cells = []string{r.Region, fmt.Sprint(o.Size), stamp(o.Modified), printable.Quote(o.ETag), r.State}
			row.Below = describeObject(*o, d.after[i])
		case r.Error != "":
			row.Below = printable.Quote(r.Error)
		}
		t.Rows = append(t.Rows, row)
	}
	if colours {
		t.Paint = func(row, column int, cell string) string {
			if column < len(t.Columns)-1 {
				return cell
			}
			return stateColour(explain.State(d.Regions[row].State)) + cell + plain
		}
	}
	return t
}

// describeObject is what does not fit the columns.
func describeObject(o document.ExplainObject, after time.Duration) string {
	var parts []string
	if o.VersionID != "" {
		parts = append(parts, "version "+o.VersionID)
	}
	for _, algorithm := range slices.Sorted(maps.Keys(o.Checksums)) {
		parts = append(
			parts,
			strings.TrimSpace(algorithm+" "+o.Checksums[algorithm]+" "+strings.ToLower(strings.ReplaceAll(o.ChecksumType, "_", " "))),
		)
	}
	class := o.StorageClass
	if o.Archived {
		class += ", archived"
	}
	parts = append(parts, class)
	if n := len(o.Tags); n > 0 {
		parts = append(parts, countOf(n, "tag", "tags"))
	}
	switch o.Likely {
	case explain.LikelyUpload:
		parts = append(parts, "likely the upload")
	case explain.LikelyReplica:
		parts = append(parts, fmt.Sprintf("likely a replica: as in %s and %s later", o.LikelyOf, explain.Age(after)))
	}
	return printable.Quote(strings.Join(parts, " · "))
}

// writesTable tells of the writes of a key that is followed what has become of them.
// On a terminal the Regions are in the paragraph below: three take more room than a
// line has.
func writesTable(writes []document.ExplainWrite, regions, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "WRITTEN IN"}, {Title: "AT"}}}
	if width == 0 {
		t.Columns = append(t.Columns, table.Column{Title: "SHOWN IN"}, table.Column{Title: "DELETED IN"}, table.Column{Title: "KEPT IN"})
	}
	t.Columns = append(t.Columns, table.Column{Title: "VERSION", Cut: table.CutEnd})
	for _, w := range writes {
		var cells, below []string
		for _, in := range []struct {
			what    string
			regions []string
		}{{"shown", w.Shown}, {"deleted", w.Hidden}, {"kept", w.Kept}} {
			list := cmp.Or(strings.Join(in.regions, ", "), "-")
			cells = append(cells, list)
			switch {
			case width == 0 || len(in.regions) == 0:
			case len(in.regions) == regions:
				below = append(below, in.what+" in all Regions")
			default:
				below = append(below, in.what+" in "+list)
			}
		}
		if width > 0 {
			cells = nil
		}
		why := w.Why
		if w.Wins {
			why = "wins: " + why
		}
		below = append([]string{why}, below...)
		if w.HiddenAt != nil {
			below = append(below, "first deleted "+stamp(*w.HiddenAt))
		}
		if w.Destroyed {
			below = append(below, "destroyed in "+w.Region)
		}
		cells = slices.Concat([]string{w.Region, stamp(w.Written)}, cells, []string{printable.Quote(w.VersionID)})
		t.Rows = append(t.Rows, table.Row{Cells: cells, Below: strings.Join(below, " · ")})
	}
	return t
}

// versionsTable lists the versions of the Regions that have several.
func versionsTable(regions []document.ExplainRegion, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{
		{
			Title: "VERSIONS IN",
		}, {Title: "SIZE", Right: true}, {Title: "MODIFIED"}, {Title: "ETAG", Cut: table.CutEnd}, {Title: "VERSION", Cut: table.CutEnd},
	}}
	for _, r := range regions {
		if len(r.Versions) < 2 && (len(r.Versions) == 0 || !r.Versions[0].DeletionMarker) {
			continue
		}
		for _, v := range r.Versions {
			size, etag := fmt.Sprint(v.Size), v.ETag
			if v.DeletionMarker {
				size, etag = "-", "delete marker"
			}
			t.Rows = append(
				t.Rows,
				table.Row{Cells: []string{r.Region, size, stamp(v.Modified), printable.Quote(etag), printable.Quote(v.VersionID)}},
			)
		}
		if r.MoreVersions {
			t.Rows[len(t.Rows)-1].Below = "and older ones"
		}
	}
	return t
}

func uploadsTable(regions []document.ExplainRegion, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{
		{Title: "UNFINISHED IN"}, {Title: "PARTS", Right: true}, {Title: "SIZE", Right: true}, {Title: "BEGUN"}, {Title: "BY"},
	}}
	for _, r := range regions {
		for _, u := range r.Uploads {
			below := "upload " + u.UploadID
			if u.LastPart != nil {
				below = "last part " + stamp(*u.LastPart) + " · " + below
			}
			row := table.Row{
				Cells: []string{r.Region, fmt.Sprint(u.Parts), table.Bytes(u.Bytes), stamp(u.Initiated), u.By},
				Below: printable.Quote(below),
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func explainLetters(letters []document.ExplainLetter, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "DEAD LETTER IN"}, {Title: "SINCE"}, {Title: "KIND"}, {Title: "FOR"}}}
	for _, l := range letters {
		since, targets := "-", strings.Join(l.Targets, ", ")
		if l.SentAt != nil {
			since = stamp(*l.SentAt)
		}
		if targets == "" {
			targets = "others than " + l.Source
		}
		t.Rows = append(t.Rows, table.Row{Cells: []string{l.Queue, since, l.Kind, targets}, Below: printable.Quote(l.Reason)})
	}
	return t
}

// stamp is a time in few columns. S3's have no fractions of seconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func stateColour(s explain.State) string {
	switch s {
	case explain.Present:
		return green
	case explain.OnItsWay, explain.Copying, explain.LeftOut:
		return yellow
	default:
		return red
	}
}

func verdictLevel(c explain.Code) ui.Level {
	switch c {
	case explain.CodeEverywhere, explain.CodeNotCompared:
		return ui.OK
	case explain.CodeOnItsWay, explain.CodeCopying, explain.CodeLeftOut:
		return ui.Warning
	case explain.CodeUnknown:
		return ui.Unknown
	default:
		return ui.Failed
	}
}
