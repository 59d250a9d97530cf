package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/ui"
)

func someBackfill() backfill.Report {
	return backfill.Report{
		Targets: []backfill.Target{
			{Region: "us-east-1"},
			{
				Region: "eu-west-1", Missing: 20, MissingBytes: 5 << 30, NoSource: 1, Deleted: 5, Copying: 2, Copied: 4, Exists: 1,
				Diverged: 3, SourceGone: 1, Failed: 2,
				Bytes:    3 << 30,
				Requests: copier.Requests{Copy: 1, Head: 2, Tags: 3, Create: 4, Part: 5, List: 8, Complete: 6, Abort: 7},
			},
		},
		Failures:  []backfill.Failure{{Region: "eu-west-1", Key: "a\x1b[2Jkey", Class: copier.Denied, Reason: "denied: AccessDenied: no"}},
		Different: 2, Lists: 3, Heads: 4,
	}
}

func TestBackfillText(t *testing.T) {
	interrupted := someBackfill()
	interrupted.Interrupted = true
	planned := someBackfill()
	planned.Failures = nil
	planned.Estimate = &backfill.Estimate{
		Lists: 10, Requests: copier.Requests{Copy: 2}, RequestDollars: 0.001, TransferDollars: 12.345, Assumed: []string{"af-south-1"},
	}
	for _, c := range []struct {
		name   string
		report backfill.Report
		dryRun bool
		width  int
		want   string
	}{
		{"to a file", someBackfill(), false, 0, `REGION     KEY            REASON                    CLASS
eu-west-1  "a\x1b[2Jkey"  denied: AccessDenied: no  denied
us-east-1: nothing is missing
eu-west-1: 20 objects missing, 4 copied (3.0 GiB), 5 deleted there, not restored, 2 being copied by others, 1 arrived meanwhile, 3 arrived meanwhile with other contents, 1 deleted at the source, 1 missing in the source Region, too, 2 failed, 1 left
What was deleted in a Region stays deleted there; --restore-deleted copies it
2 keys differ between Regions, left as is; s3fanout verify shows which
`},
		{"to a terminal", interrupted, false, 60, `REGION     KEY            CLASS
eu-west-1  "a\x1b[2Jkey"  denied
    denied: AccessDenied: no
  us-east-1: nothing is known to be missing
✗ eu-west-1: 20 objects missing, 4 copied (3.0 GiB), 5
    deleted there, not restored, 2 being copied by others,
    1 arrived meanwhile, 3 arrived meanwhile with other
    contents, 1 deleted at the source, 1 missing in the
    source Region, too, 2 failed, 1 left
What was deleted in a Region stays deleted there;
  --restore-deleted copies it
2 keys differ between Regions, left as is; s3fanout verify
  shows which
`},
		{"dry run", planned, true, 0, `us-east-1: nothing is missing
eu-west-1: 20 objects missing, 5.0 GiB, 5 deleted there, not restored, 2 being copied by others, 1 arrived meanwhile, 3 arrived meanwhile with other contents, 1 deleted at the source, 1 missing in the source Region, too, 2 failed
What was deleted in a Region stays deleted there; --restore-deleted copies it
2 keys differ between Regions, left as is; s3fanout verify shows which
Estimated cost: $12.35 (less than $0.01 for 12 requests, $12.35 for transfer) at list prices; those of af-south-1 are not known and assumed
`},
	} {
		var b strings.Builder
		if err := writeBackfillText(&b, document.NewBackfill("media", c.dryRun, false, c.report, nil), c.width, false); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, b.String(), c.want)
		}
	}
}

// A dry run says whose write wins, of so many keys that they can be read.
func TestBackfillTellsWhoseWriteWins(t *testing.T) {
	report := backfill.Report{
		Targets: []backfill.Target{
			{Region: "us-east-1", Missing: 1, MissingBytes: 10, Stale: 2, Undeleted: 3, Kept: 3},
			{Region: "eu-west-1", Stale: 2, Replaced: 1, Undeleted: 2, Hidden: 1, Kept: 1, Bytes: 7},
		},
		Wins: map[string]int{"us-east-1": 1, "eu-west-1": 21},
	}
	for i := range 22 {
		c := backfill.Conflict{
			Key: fmt.Sprintf("films/%02d", i), Wins: "eu-west-1", Written: time.Unix(1_800_000_000, 0).UTC(),
			Loses: []string{"us-east-1", "ap-south-1"},
		}
		c.Deleted = i == 0
		report.Conflicts = append(report.Conflicts, c)
	}
	var b strings.Builder
	if err := writeBackfillText(&b, document.NewBackfill("media", true, false, report, nil), 0, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"eu-west-1 (deleted)  2027-01-15T08:00:00Z  us-east-1, ap-south-1  films/00\n", "films/19\n",
		"and 2 more; --output json has the first 1000\n",
		"us-east-1: 1 object missing, 2 older than the latest, 3 deleted elsewhere, 10 B, 3 kept\n",
		"eu-west-1: its write wins for 21 keys of which Regions have different ones\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "films/20") {
		t.Errorf("too many keys in\n%s", b.String())
	}
	b.Reset()
	if err := writeBackfillText(&b, document.NewBackfill("media", false, false, report, nil), 0, false); err != nil {
		t.Fatal(err)
	}
	if want := "eu-west-1: 0 objects missing, 2 older than the latest, 2 deleted elsewhere, 1 copied (7 B), 1 deleted, " +
		"1 kept, 1 left\n"; !strings.Contains(b.String(), want) || strings.Contains(b.String(), "films/") {
		t.Errorf("no %q in\n%s", want, b.String())
	}
	if err := backfillError(report, false, nil); !errors.Is(err, errLeftOver) ||
		!strings.Contains(err.Error(), "4 objects still there that were deleted in another Region") {
		t.Errorf("got %v", err)
	}
	if err := backfillError(report, true, nil); err != nil {
		t.Errorf("a dry run: got %v", err)
	}
}

// What the document says is one line each.
func TestBackfillDocumentHasTheErrorInOneLine(t *testing.T) {
	b, err := json.Marshal(document.NewBackfill("media", true, false, someBackfill(), errors.New("two\nlines")))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"error":"two; lines"`) {
		t.Errorf("the error is not one line: %s", b)
	}
}

func TestBackfillProgressLine(t *testing.T) {
	for _, c := range []struct {
		p      backfill.Progress
		took   time.Duration
		dryRun bool
		want   string
	}{
		{backfill.Progress{Missing: 10}, 0, false, "0 of at least 10 objects, 0 B"},
		{backfill.Progress{Missing: 100, Ended: 20, Failed: 1, Bytes: 20 << 20}, 10 * time.Second, false,
			"20 of at least 100 objects, 20.0 MiB, 1 failed; 2/s, 2.0 MiB/s"},
		{backfill.Progress{Missing: 100, Ended: 20, Bytes: 20 << 20, Listed: true}, 10 * time.Second, false,
			"20 of 100 objects, 20.0 MiB; 2/s, 2.0 MiB/s; 40s left"},
		{backfill.Progress{Missing: 1, Ended: 1, Listed: true}, 10 * time.Second, false, "1 of 1 object, 0 B; 0/s, 0 B/s"},
		{backfill.Progress{Keys: 3000, Missing: 7, MissingBytes: 512}, time.Minute, true,
			"3000 keys listed; at least 7 objects missing, 512 B"},
		{backfill.Progress{Keys: 3000, Missing: 7, MissingBytes: 512, Listed: true}, time.Minute, true,
			"3000 keys listed; 7 objects missing, 512 B"},
	} {
		if got := describeProgress(c.p, c.took, c.dryRun, new(ui.Meter)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// Failures that the result does not name are named on standard error.
func TestBackfillNamesEveryFailureOnce(t *testing.T) {
	var b strings.Builder
	w := backfillProgress{p: &progress{w: &b, now: time.Now}, now: time.Now}
	for range backfill.MaxFailures {
		w.failed(backfill.Failure{Region: "eu-west-1", Key: "named in the result"})
	}
	w.failed(backfill.Failure{Region: "eu-west-1", Key: "late\n", Reason: "why"})
	if got, want := b.String(), "eu-west-1: \"late\\n\": why\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBackfillExitCodes(t *testing.T) {
	failed := backfill.Report{Targets: []backfill.Target{{Missing: 1, Failed: 1}}}
	for _, c := range []struct {
		name   string
		report backfill.Report
		dryRun bool
		err    error
		want   int
	}{
		{"all copied", backfill.Report{Targets: []backfill.Target{{Missing: 1, Copied: 1}}}, false, nil, exitDone},
		{"differences alone", backfill.Report{Different: 3}, false, nil, exitDone},
		{"dry run with something missing", backfill.Report{Targets: []backfill.Target{{Missing: 1}}}, true, nil, exitDone},
		{"failures", failed, false, nil, exitLeftOver},
		{"ended early", failed, false, errors.New("no"), exitFailed},
		{"interrupted", backfill.Report{Interrupted: true}, false, nil, exitInterrupted},
		{"interrupted dry run", backfill.Report{Interrupted: true}, true, nil, exitInterrupted},
	} {
		if got := exitCode(backfillError(c.report, c.dryRun, c.err), true); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
