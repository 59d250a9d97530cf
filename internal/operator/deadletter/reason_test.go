package deadletter_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/operator/deadletter"
)

func TestEssence(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1 of 1 failed: denied: AccessDenied", "denied: AccessDenied"},
		{"the function failed again: 1 of 1 failed: denied", "the function failed again: denied"},
		{"1 of 2 failed: denied", "1 of 2 failed: denied"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := deadletter.Essence(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

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
		{
			"retryable: the clock of S3 in us-east-1 is ahead of that in eu-west-1 by 3m2s or more, longer than the function waits: follow a change of s3://b/a b to s3://c (eu-west-1)",
			"retryable: the clock of S3 in us-east-1 is ahead of that in eu-west-1 by … or more, longer than the function waits",
		},
		{
			"denied: AccessDenied: no (status 403): list versions in us-east-1 of s3://b/k of k to s3://c (eu-west-1)",
			"denied: AccessDenied: no (status 403)",
		},
		{"", ""},
	}
	for _, tt := range tests {
		if got := deadletter.Cause(tt.in); got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

// TestOperationsPageSaysTheSame holds the page's list of reasons against what
// the command advises.
func TestOperationsPageSaysTheSame(t *testing.T) {
	page, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\nBy reason:\n\n")
	if !ok {
		t.Fatal("the page has no list of reasons")
	}
	list, _, _ := strings.Cut(rest, "\n\n")
	rows := 0
	for line := range strings.Lines(strings.ReplaceAll(list, "\n  ", " ")) {
		item := regexp.MustCompile("^- ((?:`[^`]+`(?:, )?)+): (.+)$").FindStringSubmatch(strings.TrimSpace(line))
		if item == nil {
			t.Fatalf("neither reasons nor what to do: %s", line)
		}
		rows++
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(item[1], -1) {
			if got := deadletter.Next(m[1]); item[2] != got {
				t.Errorf("%q: the page says %q, the command %q", m[1], item[2], got)
			}
		}
	}
	if rows < 7 {
		t.Errorf("%d rows", rows)
	}
}
