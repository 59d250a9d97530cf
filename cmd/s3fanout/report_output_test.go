package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/report"
	"s3fanout/internal/table"
)

// badMonth is a month with all that a report can have to say.
func badMonth(t *testing.T) report.Report {
	t.Helper()
	m, err := report.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Date(2026, 11, 14, 3, 0, 0, 0, time.UTC)
	return report.Report{
		Set: "media", Month: m, From: m.Begin(), Until: m.End(), Made: m.End().Add(time.Hour), Threshold: 15 * time.Minute,
		Pairs: []report.Pair{
			{Source: "us-east-1", Target: "ap-northeast-1", Arrivals: report.Arrivals{
				Arrived: 1_000_000, Within: []int64{999_000, 999_998, 999_999}, Late: 2, Worst: 3 * time.Hour, WorstAt: hour,
			}},
			{Source: "ap-southeast-1", Target: "ap-northeast-1", Arrivals: report.Arrivals{Within: []int64{0, 0, 0}}},
			{Source: "us-east-1", Target: "ap-southeast-1", Arrivals: report.Arrivals{
				Arrived: 7, Within: []int64{7, 7, 7}, Worst: 900 * time.Millisecond, WorstAt: hour,
			}},
		},
		Regions: []report.Region{
			{Name: "us-east-1", Err: errors.New("region us-east-1: cloudwatch:GetMetricData on CloudWatch is \x1b[31mdenied")},
			{Name: "ap-northeast-1", GivenUp: 3, Undelivered: 1, Lost: 2, Proofs: &report.Proofs{
				Complete: 29, Longest: 700 * time.Second, Oldest: 49 * time.Hour, Compared: 29_000_000, Missing: 4, Different: 3,
				Repaired: 5, Unrepaired: 2,
			}},
			{Name: "ap-southeast-1"},
		},
	}
}

func TestReportInText(t *testing.T) {
	var b bytes.Buffer
	if err := writeReportText(&b, document.NewReport(badMonth(t)), terminal{}); err != nil {
		t.Fatal(err)
	}
	want := `Replica set media, 2026-11
From 2026-11-01 00:00 until 2026-12-01 00:00, UTC.

FROM            TO              ARRIVED   IN 1M  IN 15M  IN 60M  LATE  LATEST
us-east-1       ap-northeast-1  1000000  999000  999998  999999     2      3h
ap-southeast-1  ap-northeast-1        0       0       0       0     0       -
us-east-1       ap-southeast-1        7       7       7       7     0   900ms

2 replicas of 1000007, 0.0002 %, arrived later than 15 minutes after the upload.

The latest took 3h, from us-east-1 to ap-northeast-1, in the hour from 2026-11-14 03:00 UTC on.

Not available: "region us-east-1: cloudwatch:GetMetricData on CloudWatch is \x1b[31mdenied"

ap-northeast-1: 3 events were given up by Lambda after all attempts or during a pause. Each became a dead letter, and counts above once a redrive succeeded.

ap-northeast-1: SNS could not deliver 1 message of this Region. Each became a dead letter here.

ap-northeast-1: the dead-letter queue did not take 2 of them, which are lost: s3fanout verify finds what is missing, s3fanout backfill copies it.

COMPARED IN     DONE  LONGEST  OLDEST      KEYS  MISSING  DIFFER  REPAIRED  LEFT
ap-northeast-1    29      11m      2d  29000000        4       3         5     2

no comparisons in ap-southeast-1: reconcile is off
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestReportInMarkdown(t *testing.T) {
	r := badMonth(t)
	r.Pairs, r.Regions = r.Pairs[2:], r.Regions[2:]
	r.Until = r.Until.Add(-48 * time.Hour)
	var b bytes.Buffer
	if err := writeReportText(&b, document.NewReport(r), markdown{}); err != nil {
		t.Fatal(err)
	}
	want := `# Replica set media, 2026-11

From 2026-11-01 00:00 until 2026-11-29 00:00, UTC. The month is not over, and CloudWatch is some minutes behind.

| from | to | arrived | in 1m | in 15m | in 60m | late | latest |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| us-east-1 | ap-southeast-1 | 7 | 7 | 7 | 7 | 0 | 900ms |

All objects arrived within 15 minutes.

The latest took 900ms, from us-east-1 to ap-southeast-1, in the hour from 2026-11-14 03:00 UTC on.

no comparisons: reconcile is off
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestReportOfNothing(t *testing.T) {
	r := badMonth(t)
	r.Pairs, r.Regions = r.Pairs[1:2], r.Regions[2:]
	r.From = r.From.Add(48 * time.Hour)
	var b bytes.Buffer
	if err := writeReportText(&b, document.NewReport(r), terminal{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CloudWatch has no object that arrived in that time.\n", "CloudWatch has no older figures."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &b)
		}
	}
	r.From, r.Made = r.Month.Begin(), r.Until.Add(time.Minute)
	if got, want := reportSpan(document.NewReport(r)), "The month has just ended"; !strings.Contains(got, want) {
		t.Errorf("a minute after its end it does not say %q: %s", want, got)
	}
	if strings.Contains(b.String(), "The latest") || strings.Contains(b.String(), "All that arrived") {
		t.Errorf("nothing arrived:\n%s", &b)
	}
}

func TestReportFitsTheTerminal(t *testing.T) {
	var b bytes.Buffer
	if err := writeReportText(&b, document.NewReport(badMonth(t)), terminal{80}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 {
			t.Errorf("%d columns: %q", table.Width(line), line)
		}
	}
}

// A share is never rounded to all or nothing.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{0, 5, "0.00 %"}, {5, 5, "100.00 %"}, {1, 3, "33.33 %"}, {1, 1_000_000, "0.0001 %"}, {999_999, 1_000_000, "99.9999 %"},
		{1, 1 << 40, "0.0000000001 %"}} {
		if got := share(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}
