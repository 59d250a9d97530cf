package redrive_test

import (
	"slices"
	"testing"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
)

func TestReasons(t *testing.T) {
	reason := func(text string) deadletter.Letter { return deadletter.Letter{Reason: text} }
	got := redrive.Reasons([]redrive.Result{
		{Outcome: redrive.Failed, Letter: reason("old"), Detail: "zz: copy s3://b/one to s3://c (eu-west-1)"},
		{Outcome: redrive.Replayed, Letter: reason("busy")},
		{Outcome: redrive.Skipped, Letter: reason("another"), Detail: "not selected"},
		{Outcome: redrive.Failed, Letter: reason("old"), Detail: "zz: copy s3://b/two to s3://c (eu-west-1)"},
		{Outcome: redrive.Waiting, Letter: reason("again: retryable: SlowDown")},
		{Outcome: redrive.Replayed},
	})
	want := []redrive.Reason{
		{"zz", 2, deadletter.Next("zz")},
		{"again: retryable: SlowDown", 1, deadletter.Next("SlowDown")},
		{"busy", 1, ""}, // replayed
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
