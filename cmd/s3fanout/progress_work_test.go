package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/replicaset"
)

// shownLines are the states that a terminal showed, one after the other.
func shownLines(b *strings.Builder) []string {
	lines := strings.Split(b.String(), "\r\x1b[K")
	return lines[1:]
}

// A comparison of buckets whose number of keys is known has a bar, a rate and the
// time that is left, which does not grow when the listing becomes slower.
func TestVerifyShowsHowFarItIs(t *testing.T) {
	var b strings.Builder
	var now time.Time
	var total atomic.Int64
	clock := func() time.Time { return now }
	w := verifyProgress{p: &progress{w: &b, width: 120, now: clock}, now: clock, listing: listingBar{total: &total}}
	w.began = now
	for _, step := range []struct {
		at          time.Duration
		keys, total int64
		want        string
	}{
		{time.Second, 1000, 0, "1000 keys, 1000 keys/s"}, // nobody has counted them yet
		{2 * time.Second, 2000, 10_000, "████░░░░░░░░░░░░░░░░  20 %  2000 keys, 1000 keys/s; about 8s left to list"},
		{10 * time.Second, 2500, 10_000, "█████░░░░░░░░░░░░░░░  25 %  2500 keys, 250 keys/s; about 8s left to list"},
		{12 * time.Second, 9000, 10_000, "██████████████████░░  90 %  9000 keys, 750 keys/s; about 1s left to list"},
		{13 * time.Second, 13_000, 10_000, "13000 keys, 1000 keys/s"}, // there are more than S3 had counted
	} {
		b.Reset()
		now, w.last = time.Time{}.Add(step.at), time.Time{}
		total.Store(step.total)
		w.update(verify.Progress{Keys: step.keys})
		if got := shownLines(&b); len(got) != 1 || got[0] != step.want {
			t.Errorf("at %v: got  %q\nwant %q", step.at, got, step.want)
		}
	}
	b.Reset()
	w.update(verify.Progress{Keys: 13_001, Complete: true})
	if got := b.String(); !strings.HasSuffix(got, "13001 keys, all listed") {
		t.Errorf("at the end: %q", got)
	}
}

// The number of keys is the newest count of each bucket, and not known if one has
// none.
func TestKeyTotal(t *testing.T) {
	members := replicaset.Members{{Region: "us-east-1", Bucket: "a"}, {Region: "eu-west-1", Bucket: "b"}}
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		counts    map[string][]float64 // the newest first
		most, sum int64
	}{
		{"both", map[string][]float64{"a": {30, 10}, "b": {20}}, 30, 50},
		{"one has none", map[string][]float64{"a": {30}}, 0, 0},
	} {
		clients := map[string]metricdata.Client{}
		for _, m := range members {
			clients[m.Region] = countedObjects{day, c.counts}
		}
		var total keyTotal
		total.ask(t.Context(), clients, members, day.Add(12*time.Hour))
		if total.most.Load() != c.most || total.sum.Load() != c.sum {
			t.Errorf("%s: got %d and %d, want %d and %d", c.name, total.most.Load(), total.sum.Load(), c.most, c.sum)
		}
	}
}

// countedObjects answers as CloudWatch does of S3's daily metric.
type countedObjects struct {
	day    time.Time
	counts map[string][]float64
}

func (c countedObjects) GetMetricData(
	_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	q := in.MetricDataQueries[0]
	metric := q.MetricStat.Metric
	of := map[string]string{}
	for _, d := range metric.Dimensions {
		of[*d.Name] = *d.Value
	}
	result := types.MetricDataResult{Id: q.Id, StatusCode: types.StatusCodeComplete}
	if aws.ToString(metric.Namespace)+aws.ToString(metric.MetricName)+of["StorageType"] != "AWS/S3NumberOfObjectsAllStorageTypes" {
		return nil, fmt.Errorf("no such metric: %v", of)
	}
	for i, n := range c.counts[of["BucketName"]] {
		result.Timestamps = append(result.Timestamps, c.day.AddDate(0, 0, -i))
		result.Values = append(result.Values, n)
	}
	return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{result}}, nil
}

// Work in a number of parts has a bar on a terminal, whose time goes on, and says
// nothing elsewhere.
func TestCountingAndWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := &progress{w: &b, width: 80, now: time.Now}
		next, stop := p.counting(2, "Regions asked")
		<-time.After(1500 * time.Millisecond)
		next()
		stop()
		stop() // again does nothing
		want := []string{"0 of 2 Regions asked, 0s", "0 of 2 Regions asked, 1s", "50 %  1 of 2 Regions asked, 2s", ""}
		if got := shownLines(&b); len(got) != len(want) || !strings.HasSuffix(got[1], want[1]) || !strings.HasSuffix(got[2], want[2]) {
			t.Errorf("got  %q\nwant %q at the ends", got, want)
		}
		b.Reset()
		stop = p.working("asking 3 Regions")
		<-time.After(2100 * time.Millisecond)
		stop()
		if got := shownLines(&b); len(got) != 4 || got[2] != "asking 3 Regions, 2s" || got[3] != "" {
			t.Errorf("got %q", got)
		}
		b.Reset()
		plain := &progress{w: &b, now: time.Now}
		next, stop = plain.counting(2, "Regions asked")
		next()
		stop()
		plain.working("asking 3 Regions")()
		if b.Len() > 0 {
			t.Errorf("not on a terminal: %q", b.String())
		}
	})
}

// A drill counts down to the end of each phase.
func TestPhasesCountDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := &progress{w: &b, width: 80, now: time.Now}
		report, stop := p.phases()
		report("traffic is shifted", time.Now().Add(time.Minute))
		<-time.After(2100 * time.Millisecond)
		report("shifting back", time.Time{})
		stop()
		got := strings.Join(shownLines(&b), "|")
		want := regexp.MustCompile(
			`^beginning\|traffic is shifted, 1m00s left\|traffic is shifted, 59s left\|traffic is shifted, 58s left\|shifting back\|$`,
		)
		if !want.MatchString(got) {
			t.Errorf("got %q, want %s", got, want)
		}
	})
}
