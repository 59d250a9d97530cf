package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"s3fanout/internal/deadletter"
	"s3fanout/internal/redrive"
)

func TestRedriveText(t *testing.T) {
	letter := deadletter.Letter{Kind: deadletter.OnFailure, Reason: "first reason", Objects: []deadletter.Object{{Bucket: "b", Key: "a\x1b[2J"}, {Bucket: "b", Key: "c"}}}
	report := redrive.Report{Regions: []redrive.Summary{
		{Region: "us-east-1", Held: 2, Results: []redrive.Result{
			{Region: "us-east-1", Letter: letter, Outcome: redrive.Replayed},
			{Region: "us-east-1", Letter: letter, Outcome: redrive.Failed, Detail: "second reason"},
			{Region: "us-east-1", Outcome: redrive.NotUnderstood, Detail: "not a known dead letter"},
		}},
		{Region: "eu-west-1"},
		{Region: "ap-northeast-1", Err: errors.New("no queue")},
	}}
	var b bytes.Buffer
	if err := writeRedriveText(&b, newRedriveDocument("media", false, report), 0, true); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"REGION     KIND        OBJECTS                       REASON                   RESULT\n" +
		"us-east-1  on-failure  \"s3://b/a\\x1b[2J\" and 1 more  first reason             " + green + "replayed" + plain + "\n" +
		"us-east-1  on-failure  \"s3://b/a\\x1b[2J\" and 1 more  second reason            " + red + "failed" + plain + "\n" +
		"us-east-1  unknown     -                             not a known dead letter  " + red + "not-understood" + plain + "\n" +
		"us-east-1: 3 dead letters, 1 replayed, 2 left; about 2 more are held by another reader for at most 17 minutes\n" +
		"eu-west-1: no dead letters\n" +
		"ap-northeast-1: not read\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestRedriveError(t *testing.T) {
	failed := redrive.Report{Regions: []redrive.Summary{
		{Region: "a", Err: errors.New("first")},
		{Region: "b", Results: []redrive.Result{{Outcome: redrive.NotInvoked, Err: errors.New("second")}, {Outcome: redrive.NotInvoked, Err: errors.New("second")}}},
	}}
	left := redrive.Report{Regions: []redrive.Summary{{Results: []redrive.Result{{Outcome: redrive.Failed}}}}}
	held := redrive.Report{Regions: []redrive.Summary{{Held: 1}}}
	done := redrive.Report{Regions: []redrive.Summary{{Results: []redrive.Result{{Outcome: redrive.Replayed}}}}}
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
		{"held by another", held, false, exitLeftOver, "1 dead letter left"},
		{"dry run", left, true, exitLeftOver, "1 dead letter in the queues"},
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
