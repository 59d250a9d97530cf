package main

import (
	"slices"
	"time"

	"s3fanout/internal/operator/redrive"
)

// redriveDocument is what redrive --output json writes. Its names and the
// values of kind and outcome are stable.
type redriveDocument struct {
	ReplicaSet  string          `json:"replicaSet"`
	DryRun      bool            `json:"dryRun"`
	Interrupted bool            `json:"interrupted"`
	Limited     bool            `json:"limited"`
	Left        int             `json:"left"`
	Regions     []redriveRegion `json:"regions"`
	Reasons     []redriveReason `json:"reasons"`
	Letters     []redriveLetter `json:"letters"`

	left, replayed []redriveReason // of Reasons, apart
}

type redriveRegion struct {
	Region   string `json:"region"`
	Found    int    `json:"found"`
	Replayed int    `json:"replayed"`
	Left     int    `json:"left"` // of those found
	Skipped  int    `json:"skipped"`
	Held     int    `json:"held"`
	Error    string `json:"error,omitempty"`
}

type redriveReason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Next   string `json:"next,omitempty"`
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
	Again     *time.Time        `json:"again,omitempty"`
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
		Regions: []redriveRegion{}, Reasons: []redriveReason{}, Letters: []redriveLetter{},
	}
	var results []redrive.Result
	for _, s := range report.Regions {
		r := redriveRegion{Region: s.Region, Found: s.Replayed, Replayed: s.Replayed, Held: s.Held}
		d.Limited = d.Limited || s.Limited
		results = append(results, s.Results...)
		if s.Err != nil {
			r.Error = oneLine(s.Err.Error())
		}
		for _, result := range s.Results {
			switch result.Outcome {
			case redrive.Replayed:
			case redrive.Skipped:
				r.Found++
				r.Skipped++
			default:
				r.Found++
				r.Left++
			}
			d.Letters = append(d.Letters, newRedriveLetter(result))
		}
		d.Regions = append(d.Regions, r)
	}
	d.Reasons = append(d.Reasons, reasonsOf(results, func(redrive.Outcome) bool { return true })...)
	d.replayed = reasonsOf(results, func(o redrive.Outcome) bool { return o == redrive.Replayed })
	d.left = reasonsOf(results, func(o redrive.Outcome) bool { return o != redrive.Replayed })
	return d
}

// reasonsOf sums up the reasons of results with some outcomes.
func reasonsOf(results []redrive.Result, chosen func(redrive.Outcome) bool) (list []redriveReason) {
	results = slices.DeleteFunc(slices.Clone(results), func(r redrive.Result) bool { return !chosen(r.Outcome) })
	for _, r := range redrive.Reasons(results) {
		list = append(list, redriveReason{Reason: r.Text, Count: r.Count, Next: r.Next})
	}
	return list
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
	if !r.Again.IsZero() {
		again := r.Again.UTC().Truncate(time.Second)
		l.Again = &again
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
func (a *app) writeRedrive(set string, f redriveFlags, report redrive.Report) error {
	d := newRedriveDocument(set, f.dryRun, report)
	if a.output == outputJSON {
		if f.watch {
			return writeJSONLine(a.stdout, d)
		}
		return writeJSONDocument(a.stdout, d)
	}
	return writeRedriveText(a.stdout, d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}
