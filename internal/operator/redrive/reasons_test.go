package redrive_test

import (
	"slices"
	"testing"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
)

func TestCause(t *testing.T) {
	tests := []struct{ in, want string }{
		{
			"1 of 1 failed: retryable: SlowDown: Please reduce your request rate. (status 503, 3 attempts, request 4442587FB7D0A2F9): copy s3://media-111122223333-us-east-1/films/one two.mp4?versionId=3/L4kqt to s3://media-111122223333-eu-west-1 (eu-west-1)",
			"retryable: SlowDown: Please reduce your request rate. (status 503, 3 attempts)",
		},
		{
			"the function failed again: 1 of 1 failed: denied: AccessDenied: no (status 403, request X): head before copy of s3://b/k to s3://c (eu-west-1)",
			"the function failed again: denied: AccessDenied: no (status 403)",
		},
		{
			"retryable: S3 was away (upload abc~1 stays open and can be resumed): copy part of s3://b/k to s3://c (eu-west-1)",
			"retryable: S3 was away (upload … stays open and can be resumed)",
		},
		{"RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Error: Runtime exited", "RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Error: Runtime exited"},
		{"RequestId: 8f507cfc-0e5c-4697-b07a-ac58fc914c95 Error: Runtime exited", "RequestId: … Error: Runtime exited"},
		{"function not found", "function not found"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := redrive.Cause(tt.in); got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestReasons(t *testing.T) {
	reason := func(text string) deadletter.Letter { return deadletter.Letter{Reason: text} }
	got := redrive.Reasons([]redrive.Result{
		{Outcome: redrive.Failed, Letter: reason("old"), Detail: "zz: copy s3://b/one to s3://c (eu-west-1)"},
		{Outcome: redrive.Replayed, Letter: reason("busy")},
		{Outcome: redrive.Skipped, Letter: reason("another"), Detail: "not asked for"},
		{Outcome: redrive.Failed, Letter: reason("old"), Detail: "zz: copy s3://b/two to s3://c (eu-west-1)"},
		{Outcome: redrive.Waiting, Letter: reason("again: retryable: SlowDown")},
		{Outcome: redrive.Replayed},
	})
	want := []redrive.Reason{
		{"zz", 2, redrive.NextFor("zz")},
		{"again: retryable: SlowDown", 1, redrive.NextFor("SlowDown")},
		{"busy", 1, ""}, // replayed
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
