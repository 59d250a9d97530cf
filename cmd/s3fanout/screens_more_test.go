package main

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/operator/history"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// moreScreens are those of commands that show few lines.
func moreScreens(t *testing.T, checked document.Adopt) map[string]screenOf {
	t.Helper()
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	later := noon.Add(14 * 24 * time.Hour)
	failures := []document.CopyFailure{
		{Region: "ap-northeast-1", Key: "films/2026/one.mp4", Class: string(copier.Denied),
			Reason: "AccessDenied: no permission for kms:Decrypt"},
		{Region: "us-east-1", Key: "films/2026/two.mp4", Class: string(copier.Retryable), Reason: "SlowDown: reduce your request rate"},
	}
	adopt := document.NewAdopt("media", "111122223333", false, []adoption.Result{
		{Member: replicaset.Member{Region: "us-east-1", Bucket: "old-films"}, State: adoption.Present},
		{Member: replicaset.Member{Region: "eu-west-1", Bucket: "old-films-eu"}, State: adoption.Written, Raced: true},
		{Member: replicaset.Member{Region: "ap-northeast-1", Bucket: "old-films-ap"}, State: adoption.Failed, Err: errors.New("denied")},
	})
	pause := document.Pause{Regions: []document.PauseRegion{
		{Region: "us-east-1", Paused: true, Since: &noon, KeptUntil: &later},
		{Region: "ap-northeast-1", Error: "region ap-northeast-1: denied"},
	}}
	resume := document.Resume{Regions: []document.ResumeRegion{
		{Region: "us-east-1", Paused: true, Since: &noon}, {Region: "eu-west-1"}, {Region: "ap-northeast-1", Error: "denied"},
	}}
	copied := document.Backfill{
		ReplicaSet: "media", Failures: failures, Different: 1,
		Targets: []document.BackfillTarget{
			{Region: "us-east-1", Missing: 4, MissingBytes: 4000, Copied: 3, Bytes: 3000, Failed: 1}, {Region: "eu-west-1"},
			{Region: "ap-northeast-1", Missing: 3, Deleted: 2, Failed: 1},
		},
		Estimate: &document.BackfillEstimate{Dollars: 12.345, RequestDollars: 0.02, TransferDollars: 12.325},
	}
	restored := document.Undelete{
		ReplicaSet: "media", Since: noon, Until: later, Failures: failures, Earlier: 12, Recreated: 1, Found: foundKeys(),
		UndeleteCounts: document.UndeleteCounts{Objects: 5},
		Regions: []document.UndeleteRegion{
			{Region: "us-east-1", UndeleteCounts: document.UndeleteCounts{Objects: 2, Bytes: 2000, Restored: 2, RestoredBytes: 2000}},
			{Region: "ap-northeast-1",
				UndeleteCounts: document.UndeleteCounts{Objects: 3, Bytes: 3000, Restored: 2, RestoredBytes: 2000, Failed: 1}},
		},
	}
	letters, waiting, oldest := 3, int64(12), 90.0
	failing := document.FailoverStatus{
		ReplicaSet: "media",
		AccessPoints: []document.FailoverPoint{{
			Name: "media", ARN: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", ControlRegion: "us-west-2",
			Routes: []document.FailoverRoute{{Region: "us-east-1", Active: true}, {Region: "ap-northeast-1"}},
		}},
		Regions: []document.FailoverRegion{
			{Region: "us-east-1", DeadLetters: &letters, Waiting: &waiting, OldestSeconds: &oldest},
			{Region: "ap-northeast-1",
				Unavailable: []string{"the dead-letter queue does not answer: the connection was closed without an answer (EOF)"}},
		},
	}
	facts := explained()
	explanation := newExplainView("media", facts, explain.Judge(facts))
	versions := document.NewHistory("media", history.Facts{Key: "k", Regions: []history.Region{
		{Region: "us-east-1",
			Stack: []policy.Version{{ID: "m1", Modified: 1_790_000_100, Marker: true}, {ID: "v1", Modified: 1_790_000_000}}, More: true},
		{Region: "eu-west-1"}, {Region: "ap-northeast-1", Err: errors.New("region ap-northeast-1: denied")},
	}})
	month := document.NewReport(badMonth(t))
	return map[string]screenOf{
		"adopt":       func(w io.Writer, width int, colours bool) error { return writeAdoptText(w, adopt, width, colours) },
		"adopt-check": func(w io.Writer, width int, colours bool) error { return writeAdoptText(w, checked, width, colours) },
		"pause": func(w io.Writer, width int, colours bool) error {
			return writePauseText(w, pause, "media-dead-letters", width, colours)
		},
		"resume":   func(w io.Writer, width int, colours bool) error { return writeResumeText(w, resume, width, colours) },
		"backfill": func(w io.Writer, width int, colours bool) error { return writeBackfillText(w, copied, width, colours) },
		"undelete": func(w io.Writer, width int, colours bool) error {
			return writeUndeleteText(w, restored, width, colours)
		},
		"failover-status": func(w io.Writer, width int, colours bool) error {
			return writeFailoverText(w, failing, []string{"ap-southeast-2"}, width, colours)
		},
		"explain": func(w io.Writer, width int, colours bool) error {
			return writeExplainText(w, explanation, width, colours)
		},
		"history": func(w io.Writer, width int, colours bool) error { return writeHistoryText(w, versions, width, colours) },
		"report":  func(w io.Writer, width int, _ bool) error { return writeReportText(w, month, terminal{width}) },
		"verify":  verifyScreen,
	}
}

// foundKeys are of undelete: more than it shows, and a hostile one.
func foundKeys() []document.UndeleteFound {
	found := []document.UndeleteFound{{Key: "music/\x1b[2Jthree", Verdict: "recreated"}}
	for i := range 12 {
		key := fmt.Sprintf("films/%02d/a-name-that-is-longer-than-there-is-room-for-it-on-a-narrow-terminal/one.mp4", i)
		found = append(found, document.UndeleteFound{Key: key, Verdict: "earlier"})
	}
	return found
}

// verifyScreen writes what verify shows of a few differences.
func verifyScreen(w io.Writer, width int, colours bool) error {
	regions := []string{"us-east-1", "ap-northeast-1"}
	o := verifyOutput{
		w: w, notes: &progress{w: io.Discard}, chosen: regions, region: 14, width: width, colours: colours,
		counts: verify.NewCounts("", regions),
	}
	defer o.close()
	for _, d := range []verify.Difference{
		{Kind: verify.Missing, Key: "films/2026/one.mp4", Why: "absent", Without: regions[1:],
			Objects: []verify.Object{{Region: "us-east-1"}}},
		{Kind: verify.Different, Key: "films/2026/a-name-that-is-longer-than-there-is-room-for-it/two.mp4", Why: "size",
			Differing: regions[:1]},
	} {
		if err := o.found.Add(d); err != nil {
			return err
		}
	}
	return o.write(verify.Summary{Keys: 1234, Bytes: 123456, Equal: 1232, Missing: 1, Different: 1, SizeOnly: 3, Lists: 4, Heads: 4})
}
