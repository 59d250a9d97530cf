package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
)

func TestRedriveLines(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	letter := deadletter.Letter{Kind: deadletter.OnFailure, Reason: "first", Objects: []deadletter.Object{{Bucket: "b", Key: "a\nb"}}}
	results := []redrive.Result{
		{Region: "us-east-1", Letter: letter, Outcome: redrive.Failed, Detail: "second reason",
			Again: now.Add(2*time.Minute + time.Second)},
		{Region: "us-east-1", Letter: letter, Outcome: redrive.Skipped, Detail: "not selected", Again: now.Add(time.Minute)},
		{Region: "us-east-1", Letter: letter, Outcome: redrive.Replayed},
		{Region: "us-east-1", Outcome: redrive.Interrupted, Detail: "interrupted"},
	}
	tests := []struct {
		output outputFormat
		want   string
	}{
		{outputText, `2026-11-21T12:00:00Z us-east-1 failed "s3://b/a\nb": second reason; again in 2m0s
2026-11-21T12:00:00Z us-east-1 replayed "s3://b/a\nb"
2026-11-21T12:00:00Z us-east-1 interrupted -: interrupted
`},
		{outputJSON,
			`{"region":"us-east-1","messageId":"","kind":"on-failure","objects":[{"bucket":"b","key":"a\nb"}],"reason":"first","functions":[],"outcome":"failed","detail":"second reason","again":"2026-11-21T12:02:01Z"}
{"region":"us-east-1","messageId":"","kind":"on-failure","objects":[{"bucket":"b","key":"a\nb"}],"reason":"first","functions":[],"outcome":"replayed"}
{"region":"us-east-1","messageId":"","objects":[],"functions":[],"outcome":"interrupted","detail":"interrupted"}
`},
	}
	for _, tt := range tests {
		var stdout bytes.Buffer
		l := redriveLines{a: &app{stdout: &stdout, output: tt.output}, p: &progress{w: io.Discard}, now: func() time.Time { return now }}
		for _, r := range results {
			l.finished(r)
		}
		if got := stdout.String(); got != tt.want || l.err != nil {
			t.Errorf("%s: got %v\n%s\nwant\n%s", tt.output, l.err, got, tt.want)
		}
	}
}

// TestRedriveLinesToNobody shows that a watch ends when its lines cannot be
// written.
func TestRedriveLinesToNobody(t *testing.T) {
	stops := 0
	l := redriveLines{
		a: &app{stdout: brokenWriter{}, output: outputText}, p: &progress{w: io.Discard}, now: time.Now, stop: func() { stops++ },
	}
	for range 3 {
		l.finished(redrive.Result{Outcome: redrive.Replayed})
	}
	if !errors.Is(l.err, errBroken) || stops != 1 {
		t.Errorf("error %v, stopped %d times, want once", l.err, stops)
	}
}

var errBroken = errors.New("broken pipe")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// TestTroubleIsShownOnce shows that a Region that is away for hours is not the
// subject of hundreds of lines.
func TestTroubleIsShownOnce(t *testing.T) {
	var stderr bytes.Buffer
	l := redriveLines{p: &progress{w: &stderr, now: time.Now}, reported: map[string]string{}}
	for range 3 {
		l.trouble("eu-west-1", errors.New("region eu-west-1: away"))
		l.trouble("us-east-1", errors.New("region us-east-1: away"))
	}
	l.trouble("eu-west-1", nil)
	l.trouble("eu-west-1", errors.New("region eu-west-1: away"))
	want := "region eu-west-1: away\nregion us-east-1: away\nregion eu-west-1: the queue can be read again\nregion eu-west-1: away\n"
	if stderr.String() != want {
		t.Errorf("got\n%s\nwant\n%s", stderr.String(), want)
	}
}
