package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"s3fanout/internal/redrive"
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

func writeRedriveText(w io.Writer, d redriveDocument, width int, colours bool) error {
	if len(d.Letters) > 0 {
		columns := []column{{title: "REGION"}, {title: "KIND"}, {title: "OBJECTS", cut: cutStart}, {title: "REASON", cut: cutEnd}, {title: "RESULT"}}
		rows := make([][]string, len(d.Letters))
		for i, l := range d.Letters {
			kind, reason := l.Kind, l.Reason
			if kind == "" {
				kind = "unknown"
			}
			// Where the letter stays for another reason than before, that is
			// the one to act on.
			if l.Detail != "" {
				reason = l.Detail
			}
			rows[i] = []string{l.Region, kind, describeObjects(l.Objects), printable(reason), l.Outcome}
		}
		var paint func(int, string) string
		if colours {
			paint = func(row int, cell string) string {
				return outcomeColour(redrive.Outcome(d.Letters[row].Outcome)) + cell + plain
			}
		}
		if err := writeTable(w, columns, rows, width, paint); err != nil {
			return err
		}
	}
	for _, r := range d.Regions {
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
		}
		if r.Held > 0 {
			line += fmt.Sprintf("; about %d more are held by another reader for at most %d minutes", r.Held, int(redrive.HoldTime.Minutes()))
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", r.Region, line); err != nil {
			return err
		}
	}
	return nil
}

func describeObjects(objects []redriveObject) string {
	if len(objects) == 0 {
		return "-"
	}
	s := printable("s3://" + objects[0].Bucket + "/" + objects[0].Key)
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
