package main

import (
	"slices"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

// redriveView is the document, and what only the text has: its reasons apart, of
// what is left and of what was replayed.
type redriveView struct {
	document.Redrive

	left, replayed []document.RedriveReason
}

func newRedriveDocument(set string, dryRun bool, report redrive.Report) redriveView {
	d := redriveView{Redrive: document.Redrive{
		ReplicaSet: set, DryRun: dryRun, Interrupted: report.Interrupted, Left: report.Left(),
		Regions: []document.RedriveRegion{}, Reasons: []document.RedriveReason{}, Letters: []document.RedriveLetter{},
	}}
	var results []redrive.Result
	for _, s := range report.Regions {
		r := document.RedriveRegion{Region: s.Region, Found: s.Replayed, Replayed: s.Replayed, Held: s.Held}
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
func reasonsOf(results []redrive.Result, chosen func(redrive.Outcome) bool) (list []document.RedriveReason) {
	results = slices.DeleteFunc(slices.Clone(results), func(r redrive.Result) bool { return !chosen(r.Outcome) })
	for _, r := range redrive.Reasons(results) {
		list = append(list, document.RedriveReason{Reason: r.Text, Count: r.Count, Next: r.Next})
	}
	return list
}

func newRedriveLetter(r redrive.Result) document.RedriveLetter {
	l := document.RedriveLetter{
		Region: r.Region, MessageID: r.MessageID, Kind: string(r.Letter.Kind),
		Objects: []document.RedriveObject{}, Reason: r.Letter.Reason, ErrorType: r.Letter.ErrorType, Attempts: r.Letter.Attempts,
		Functions: []document.RedriveFunction{}, Outcome: string(r.Outcome), Detail: r.Detail,
	}
	if !r.SentAt.IsZero() {
		l.SentAt = &r.SentAt
	}
	if !r.Again.IsZero() {
		again := r.Again.UTC().Truncate(time.Second)
		l.Again = &again
	}
	for _, o := range r.Letter.Objects {
		l.Objects = append(l.Objects, document.RedriveObject(o))
	}
	for _, f := range r.Functions {
		l.Functions = append(l.Functions, document.RedriveFunction(f))
	}
	return l
}

// writeRedrive writes the results to stdout.
func (a *app) writeRedrive(set string, f redriveFlags, report redrive.Report) error {
	d := newRedriveDocument(set, f.dryRun, report)
	if a.output == outputJSON {
		if f.watch {
			return writeJSONLine(a.stdout, d.Redrive)
		}
		return writeJSONDocument(a.stdout, d.Redrive)
	}
	return writeRedriveText(a.stdout, d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}
