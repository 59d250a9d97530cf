package main

import (
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

// redriveView is the document, and what only the text has: its reasons apart, of
// what is left and of what was replayed.
type redriveView struct {
	document.Redrive

	left, replayed []document.RedriveReason
}

func newRedriveView(set string, dryRun bool, report redrive.Report) redriveView {
	var left, replayed []redrive.Result
	for _, s := range report.Regions {
		for _, r := range s.Results {
			if r.Outcome == redrive.Replayed {
				replayed = append(replayed, r)
			} else {
				left = append(left, r)
			}
		}
	}
	return redriveView{
		Redrive: document.NewRedrive(set, dryRun, report),
		left:    document.NewRedriveReasons(left), replayed: document.NewRedriveReasons(replayed),
	}
}

// writeRedrive writes the results to stdout.
func (a *app) writeRedrive(set string, f redriveFlags, report redrive.Report) error {
	d := newRedriveView(set, f.dryRun, report)
	if a.output == outputJSON {
		if f.watch {
			return writeJSONLine(a.stdout, d.Redrive)
		}
		return writeJSONDocument(a.stdout, d.Redrive)
	}
	return writeRedriveText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}
