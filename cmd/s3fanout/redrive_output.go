package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"s3fanout/internal/redrive"
	"s3fanout/internal/table"
)

// redriveDocument is what redrive --output json writes. Its names and the
// values of kind and outcome are stable.
type redriveDocument struct {
	ReplicaSet  string          `json:"replicaSet"`
	DryRun      bool            `json:"dryRun"`
	Interrupted bool            `json:"interrupted"`
	Left        int             `json:"left"`
	Regions     []redriveRegion `json:"regions"`
	Letters     []redriveLetter `json:"letters"`
}

type redriveRegion struct {
	Region   string `json:"region"`
	Found    int    `json:"found"`
	Replayed int    `json:"replayed"`
	Left     int    `json:"left"` // of those found
	Held     int    `json:"held"`
	Error    string `json:"error,omitempty"`
}

type redriveLetter struct {
	Region    string            `json:"region"`
	MessageID string            `json:"messageId"`
	SentAt    *time.Time        `json:"sentAt,omitempty"`
	Kind      string            `json:"kind,omitempty"`
	Objects   []redriveObject   `json:"objects"`
	Reason    string            `json:"reason,omitempty"`
	ErrorType string            `json:"errorType,omitempty"`
	Attempts  int               `json:"attempts,omitempty"`
	Functions []redriveFunction `json:"functions"`
	Outcome   string            `json:"outcome"`
	Detail    string            `json:"detail,omitempty"`
}

type redriveObject struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
}

type redriveFunction struct {
	Region string `json:"region"`
	Name   string `json:"name"`
}

func newRedriveDocument(set string, dryRun bool, report redrive.Report) redriveDocument {
	d := redriveDocument{
		ReplicaSet: set, DryRun: dryRun, Interrupted: report.Interrupted, Left: report.Left(),
		Regions: []redriveRegion{}, Letters: []redriveLetter{},
	}
	for _, s := range report.Regions {
		r := redriveRegion{Region: s.Region, Found: len(s.Results), Held: s.Held}
		if s.Err != nil {
			r.Error = oneLine(s.Err.Error())
		}
		for _, result := range s.Results {
			if result.Outcome == redrive.Replayed {
				r.Replayed++
			}
			d.Letters = append(d.Letters, newRedriveLetter(result))
		}
		r.Left = r.Found - r.Replayed
		d.Regions = append(d.Regions, r)
	}
	return d
}

func newRedriveLetter(r redrive.Result) redriveLetter {
	l := redriveLetter{
		Region: r.Region, MessageID: r.MessageID, Kind: string(r.Letter.Kind),
		Objects: []redriveObject{}, Reason: r.Letter.Reason, ErrorType: r.Letter.ErrorType, Attempts: r.Letter.Attempts,
		Functions: []redriveFunction{}, Outcome: string(r.Outcome), Detail: r.Detail,
	}
	if !r.SentAt.IsZero() {
		l.SentAt = &r.SentAt
	}
	for _, o := range r.Letter.Objects {
		l.Objects = append(l.Objects, redriveObject(o))
	}
	for _, f := range r.Functions {
		l.Functions = append(l.Functions, redriveFunction(f))
	}
	return l
}

// writeRedrive writes the results to stdout.
func (a *app) writeRedrive(set string, dryRun bool, report redrive.Report) error {
	d := newRedriveDocument(set, dryRun, report)
	if a.output == outputJSON {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	return writeRedriveText(a.stdout, d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeRedriveText writes a table of the letters and a line for each Region.
// On a terminal, whose width is not 0, a letter's reason is a paragraph below
// it: in a column there would be no room for what matters.
func writeRedriveText(w io.Writer, d redriveDocument, width int, colours bool) error {
	if len(d.Letters) > 0 {
		if _, err := lettersTable(d.Letters, width, colours).WriteTo(w); err != nil {
			return err
		}
	}
	for _, r := range d.Regions {
		if _, err := fmt.Fprintf(w, "%s: %s\n", r.Region, describeRegion(d, r)); err != nil {
			return err
		}
	}
	return nil
}

func lettersTable(letters []redriveLetter, width int, colours bool) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "REGION"}, {Title: "KIND"}, {Title: "OBJECTS", Cut: table.CutStart}}}
	if width == 0 {
		t.Columns = append(t.Columns, table.Column{Title: "REASON"})
	}
	t.Columns = append(t.Columns, table.Column{Title: "RESULT"})
	for _, l := range letters {
		kind := cmp.Or(l.Kind, "unknown")
		// Where the letter stays for another reason than before, that is the
		// one to act on.
		reason := table.Printable(redrive.Essence(cmp.Or(l.Detail, l.Reason)))
		row := table.Row{Cells: []string{l.Region, kind, describeObjects(l.Objects)}}
		if width == 0 {
			row.Cells = append(row.Cells, table.Short(reason))
		} else {
			row.Below = reason
		}
		row.Cells = append(row.Cells, l.Outcome)
		t.Rows = append(t.Rows, row)
	}
	if colours {
		t.Paint = func(row int, cell string) string {
			return outcomeColour(redrive.Outcome(letters[row].Outcome)) + cell + plain
		}
	}
	return t
}

// describeRegion says how a Region's queue stands.
func describeRegion(d redriveDocument, r redriveRegion) string {
	held := fmt.Sprintf("about %d are held by another reader for at most %d minutes", r.Held, int(redrive.HoldTime.Minutes()))
	line := "no dead letters"
	switch {
	case r.Error != "" && r.Found == 0:
		line = "not read"
	case d.DryRun && r.Found > 0:
		line = deadLetters(r.Found)
	case r.Found > 0:
		line = fmt.Sprintf("%s, %d replayed, %d left", deadLetters(r.Found), r.Replayed, r.Left)
	case d.Interrupted:
		line = "interrupted"
	case r.Held > 0:
		return "none could be read; " + held
	}
	if r.Held > 0 {
		line += "; besides, " + held
	}
	return line
}

// deadLetters is a number with its noun.
func deadLetters(n int) string {
	if n == 1 {
		return "1 dead letter"
	}
	return strconv.Itoa(n) + " dead letters"
}

func describeObjects(objects []redriveObject) string {
	if len(objects) == 0 {
		return "-"
	}
	s := table.Printable("s3://" + objects[0].Bucket + "/" + objects[0].Key)
	if more := len(objects) - 1; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func outcomeColour(o redrive.Outcome) string {
	switch o {
	case redrive.Replayed:
		return green
	case redrive.Waiting, redrive.Interrupted:
		return yellow
	default:
		return red
	}
}
