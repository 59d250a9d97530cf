package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/table"
)

func TestRedriveText(t *testing.T) {
	letter := deadletter.Letter{
		Kind: deadletter.OnFailure, Reason: "first reason",
		Objects: []deadletter.Object{{Bucket: "b", Key: "a\x1b[2J"}, {Bucket: "b", Key: "c"}},
	}
	report := redrive.Report{Regions: []redrive.Summary{
		{Region: "us-east-1", Held: 2, Replayed: 1, Results: []redrive.Result{
			{Region: "us-east-1", Letter: letter, Outcome: redrive.Replayed},
			{Region: "us-east-1", Letter: letter, Outcome: redrive.Failed, Detail: "second reason"},
			{Region: "us-east-1", Letter: letter, Outcome: redrive.Skipped, Detail: "not selected"},
			{Region: "us-east-1", Outcome: redrive.NotUnderstood, Detail: "not a known dead letter"},
		}},
		{Region: "eu-west-1", Limited: true},
		{Region: "ap-northeast-1", Err: errors.New("no queue")},
		{Region: "sa-east-1", Held: 3},
	}}
	var b bytes.Buffer
	if err := writeRedriveText(&b, newRedriveView("media", false, report), 0, true); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"REGION     KIND        OBJECTS                       REASON                   RESULT\n" +
		"us-east-1  on-failure  \"s3://b/a\\x1b[2J\" and 1 more  second reason            " + red + "failed" + plain + "\n" +
		"us-east-1  unknown     -                             not a known dead letter  " + red + "not-understood" + plain + "\n" +
		"us-east-1: 4 dead letters, 1 replayed, 2 left, 1 skipped; also, about 2 are held by another reader for at most 2 minutes\n" +
		"eu-west-1: no dead letters\n" +
		"ap-northeast-1: not read\n" +
		"sa-east-1: none could be read; about 3 are held by another reader for at most 2 minutes\n" +
		"Stopped at --max; what was not tried is still in the queues.\n" +
		"Reasons of those replayed:\n  1 × first reason\n" +
		"Reasons:\n  1 × not a known dead letter\n  1 × second reason\n" +
		"Next:\n  nothing of the replica set sends it: find out who put it there, then delete it\n" +
		"  run s3fanout doctor; if all checks pass, the function's log has the details\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestRedriveIsTerseAboutSuccess has many dead letters that were replayed: they are
// counted and their reasons summed up, and no line is one's own. There is nothing to do
// next.
func TestRedriveIsTerseAboutSuccess(t *testing.T) {
	var results []redrive.Result
	for i := range 500 {
		results = append(results, redrive.Result{Region: "eu-west-1", Outcome: redrive.Replayed, Letter: deadletter.Letter{
			Kind: deadletter.OnFailure, Objects: []deadletter.Object{{Bucket: "b", Key: fmt.Sprint("k", i)}},
			Reason: fmt.Sprintf("1 of 1 failed: denied: AccessDenied: no: copy s3://b/k%d to s3://c (eu-west-1)", i),
		}})
	}
	report := redrive.Report{Regions: []redrive.Summary{{Region: "eu-west-1", Replayed: 500, Results: results}}}
	for _, width := range []int{0, 80} {
		var b bytes.Buffer
		if err := writeRedriveText(&b, newRedriveView("media", false, report), width, false); err != nil {
			t.Fatal(err)
		}
		want := "eu-west-1: 500 dead letters, 500 replayed, 0 left\nReasons of those replayed:\n  500 × denied: AccessDenied: no\n"
		if b.String() != want {
			t.Errorf("width %d: got\n%s\nwant\n%s", width, b.String(), want)
		}
	}
}

// TestRedriveTextOnTerminal shows that 80 columns have room for the cause.
func TestRedriveTextOnTerminal(t *testing.T) {
	reason := "1 of 1 failed: denied: AccessDenied: copy s3://media-111122223333-us-east-1/" + strings.Repeat("long/", 100) +
		"key: at the end"
	report := redrive.Report{Regions: []redrive.Summary{{Region: "us-east-1", Results: []redrive.Result{
		{Region: "us-east-1", Outcome: redrive.Waiting, Letter: deadletter.Letter{
			Kind: deadletter.OnFailure, Reason: reason,
			Objects: []deadletter.Object{{Bucket: "media-111122223333-us-east-1", Key: strings.Repeat("日本語/", 100) + "key"}},
		}},
		{Region: "us-east-1", Outcome: redrive.Failed, Detail: "the function failed again: " + reason},
	}}}}
	var b bytes.Buffer
	if err := writeRedriveText(&b, newRedriveView("media", true, report), 80, false); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := table.Width(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	for _, want := range []string{
		"\n    denied: AccessDenied: copy", "\n    the function failed again: denied: AccessDenied: copy", "at the end\n",
		"語/key   waiting\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not there:\n%s", want, b.String())
		}
	}
}

// TestRedriveSaysAReasonOnce: below each of many dead letters in a row, the same
// paragraph left no room on the screen for the dead letters. A short one is said again.
func TestRedriveSaysAReasonOnce(t *testing.T) {
	result := func(region, reason, key string) redrive.Result {
		return redrive.Result{Region: region, Outcome: redrive.Waiting, Letter: deadletter.Letter{
			Kind: deadletter.OnFailure, Reason: reason + ": copy s3://b/" + key + " to s3://c (eu-west-1)",
			Objects: []deadletter.Object{{Bucket: "b", Key: key}},
		}}
	}
	report := redrive.Report{Regions: []redrive.Summary{
		{
			Region: "us-east-1",
			Results: []redrive.Result{
				result("us-east-1", "retryable: S3 was busy", "1"), result("us-east-1", "retryable: S3 was busy", "2"),
				result("us-east-1", "denied: no", "3"),
			},
		},
		{Region: "eu-west-1", Results: []redrive.Result{result("eu-west-1", "denied: no", "4")}},
	}}
	var b bytes.Buffer
	if err := writeRedriveText(&b, newRedriveView("media", true, report), 80, false); err != nil {
		t.Fatal(err)
	}
	want := `REGION     KIND        OBJECTS   RESULT
us-east-1  on-failure  s3://b/1  waiting
    retryable: S3 was busy
us-east-1  on-failure  s3://b/2  waiting
    the same reason
us-east-1  on-failure  s3://b/3  waiting
    denied: no
eu-west-1  on-failure  s3://b/4  waiting
    denied: no
us-east-1: 3 dead letters
`
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("got\n%s\nwant it to begin with\n%s", b.String(), want)
	}
}

func TestRedriveError(t *testing.T) {
	failed := redrive.Report{Regions: []redrive.Summary{
		{Region: "a", Err: errors.New("first")},
		{
			Region: "b",
			Results: []redrive.Result{
				{Outcome: redrive.NotInvoked, Err: errors.New("second")}, {Outcome: redrive.NotInvoked, Err: errors.New("second")},
			},
		},
	}}
	left := redrive.Report{Regions: []redrive.Summary{{Results: []redrive.Result{{Outcome: redrive.Failed}}}}}
	held := redrive.Report{Regions: []redrive.Summary{{Held: 1}}}
	done := redrive.Report{Regions: []redrive.Summary{{Results: []redrive.Result{{Outcome: redrive.Replayed}}}}}
	both := redrive.Report{Regions: append(held.Regions, left.Regions...)}
	stopped := redrive.Report{Regions: []redrive.Summary{{Results: []redrive.Result{{Outcome: redrive.Interrupted}}}}}
	limited := redrive.Report{Regions: slices.Clone(left.Regions)}
	limited.Regions[0].Limited = true
	interrupted := left
	interrupted.Interrupted = true
	tests := []struct {
		name   string
		report redrive.Report
		dryRun bool
		want   int
		says   string
	}{
		{"failed", failed, false, exitFailed, "first\nsecond"},
		{"left", left, false, exitLeftOver, "1 dead letter left"},
		{"held by another", held, false, exitLeftOver, "about 1 dead letter could not be read"},
		{"held by another, dry run", held, true, exitLeftOver, "about 1 dead letter could not be read"},
		{"left by a watch that ended", stopped, false, exitLeftOver, "1 dead letter left in the queues; run it again"},
		{"left and held", both, false, exitLeftOver,
			"1 dead letter left in the queues; do what is said above, then run it again; about 1 more"},
		{"dry run", left, true, exitLeftOver, "1 dead letter in the queues"},
		{"dry run, with --max", limited, true, exitLeftOver, "at least 1 dead letter in the queues"},
		{"interrupted", interrupted, false, exitInterrupted, "interrupted"},
		{"done", done, false, exitDone, ""},
		{"nothing", redrive.Report{}, true, exitDone, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := redriveError(tt.report, tt.dryRun)
			if got := exitCode(err, true); got != tt.want {
				t.Errorf("exit code: got %d, want %d", got, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), tt.says) {
				t.Errorf("got %q, want %q", err, tt.says)
			}
		})
	}
}

// TestReasonsFitTheTerminal shows that many long reasons stay readable.
func TestReasonsFitTheTerminal(t *testing.T) {
	var reasons []document.RedriveReason
	for i := range mostReasons + 5 {
		reasons = append(reasons, document.RedriveReason{Reason: strings.Repeat("\x1b[2J word", 20), Count: i})
	}
	var b bytes.Buffer
	if err := writeReasons(&b, "Reasons:", reasons, 80); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 || strings.Contains(line, "\x1b") {
			t.Errorf("%d columns: %q", table.Width(line), line)
		}
	}
	if got, want := strings.Count(b.String(), " × "), mostReasons; got != want || !strings.HasSuffix(b.String(), "\n  and 5 more\n") {
		t.Errorf("reasons: got %d, want %d and a count\n%s", got, want, b.String())
	}
}
