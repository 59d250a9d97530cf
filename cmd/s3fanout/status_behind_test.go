package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/table"
)

func TestStatusShowsWhatWaits(t *testing.T) {
	facts, _ := troubled()
	twelve, zero, minutes := int64(12), int64(0), 41*time.Minute
	d := newStatusView(facts, nil, nil, []behind.Target{
		{Region: "ap-northeast-1", Oldest: &minutes, Waiting: &twelve, Sources: []behind.Source{
			{Region: "us-east-1", Waiting: &twelve, ByAge: []int64{0, 2, 3, 7, 0, 0, 0}},
			{Region: "eu-west-1", Waiting: &zero, ByAge: make([]int64, 7)}, {Region: "eu-west-2"},
		}},
		{Region: "us-east-1", Err: errors.New("region us-east-1: it is \x1b[2J denied")},
	})
	var b bytes.Buffer
	if _, err := behindTable(d.Status).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := `WAITING FOR     OLDEST  EVENTS  BYTES  <5M  <10M  <15M  <30M  <2H  <8H  <24H
us-east-1          n/a     n/a    n/a  n/a   n/a   n/a   n/a  n/a  n/a   n/a
ap-northeast-1     41m      12    n/a    0     2     3     7    0    0     0
    from us-east-1: 12
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
	for line := range strings.Lines(b.String()) {
		if table.Width(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("it does not fit the terminal: %q", line)
		}
	}
	byAge := d.Regions[1].Behind.Sources[0].ByAge
	got := byAge[3]
	if got.FromSeconds != 900 || got.UntilSeconds != 1800 || got.Waiting != 7 || byAge[0].FromSeconds != 0 ||
		byAge[6].UntilSeconds != 86400 {
		t.Errorf("by age: %+v", byAge)
	}
	d.Regions[0].MetricsUnavailable, d.Regions[1].MetricsUnavailable = "", ""
	var text bytes.Buffer
	if err := writeStatusText(&text, d, 0, false); err != nil {
		t.Fatal(err)
	}
	s := text.String()
	if !strings.Contains(s, want) || !strings.Contains(s, `n/a: what waits is not known: "region us-east-1: it is \x1b[2J denied"`) {
		t.Errorf("got\n%s", s)
	}
	// Without what waits, as where no Region answers, there is no table.
	text.Reset()
	if err := writeStatusText(&text, newStatusView(health.Facts{}, nil, nil, nil), 0, false); err != nil ||
		strings.Contains(text.String(), "WAITING") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// Where nothing waits, how old the last event was is no age of anything.
func TestNoAgeWhereNothingWaits(t *testing.T) {
	zero, one, age := int64(0), int64(1), 0.001
	for _, tt := range []struct {
		waiting *int64
		want    string
	}{{&zero, "-"}, {&one, "<5m"}, {nil, "<5m"}} {
		if got := behindRow("eu-west-1", document.StatusBehind{OldestSeconds: &age, Waiting: tt.waiting}).Cells[1]; got != tt.want {
			t.Errorf("status: %q, want %q", got, tt.want)
		}
		if got := failoverFigures(document.FailoverRegion{OldestSeconds: &age, Waiting: tt.waiting})[3]; got != tt.want {
			t.Errorf("failover status: %q, want %q", got, tt.want)
		}
	}
}

// An event that was tried at once, and waits for its next try, has waited for longer
// than no time: the metric tells of the try, not of now.
func TestOldestOfAnEventTriedOnceIsNotZero(t *testing.T) {
	for seconds, want := range map[float64]string{0: "<5m", 0.4: "<5m", 59: "<5m", 61: "61.0s", 180: "3m", 2460: "41m"} {
		if got := oldestWaiting(seconds); got != want {
			t.Errorf("%v s at the last try: %q, want %q", seconds, got, want)
		}
	}
}
