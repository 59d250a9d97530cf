package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/function/replicator"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/report"
	"s3fanout/internal/sandbox/fault"
)

// The numbers of a month's report are those of the events that the functions
// handled, one by one: in time, late, given up.
func TestReportCountsTheEventsOfTheRun(t *testing.T) {
	t.Parallel()
	w := start(t, announcing(t))
	for i := range 7 {
		w.upload("us-east-1", object{key: fmt.Sprintf("films/%d", i), body: "a film"})
	}
	w.upload("eu-west-1", object{key: "news", body: "from the other side"})
	w.settle()
	w.upload("us-east-1", object{key: "films/0", body: "refused: the key is there"})
	w.settle()

	// Events that fail for good become late ones: the same events, but older.
	w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
	for i := range 4 {
		w.upload("us-east-1", object{key: fmt.Sprintf("late/%d", i), body: "a late film"})
	}
	w.settle()
	w.fault("eu-west-1", fault.LambdaCrash, 0, 0)
	letters := w.letters("eu-west-1")
	if len(letters) != 4 {
		t.Fatalf("%d dead letters, want 4", len(letters))
	}
	ages := []time.Duration{2 * time.Minute, 16 * time.Minute, 3 * time.Hour}
	for i, age := range ages {
		if trouble := w.invoke("eu-west-1", older(t, letters[i], age)); trouble != "" {
			t.Fatal(trouble)
		}
	}
	// The functions name what was late, by the words of S3's own events.
	for key, want := range map[string]int{"films/": 0, "late/": 2} {
		if n := strings.Count(w.logLines("eu-west-1", `"key":"`+key), `"replicationTime":"OperationReplicatedAfterThreshold"`); n != want {
			t.Errorf("%d records of %s are named late, want %d", n, key, want)
		}
	}
	var announced []string
	for _, e := range w.sandbox.Events("eu-west-1") {
		var late replicator.Late
		if err := json.Unmarshal(e.Detail, &late); err != nil {
			t.Fatal(err)
		}
		if e.Source != "s3fanout" || e.DetailType != "OperationReplicatedAfterThreshold" || late.SourceBucket != w.bucket("us-east-1") ||
			late.TargetRegion != "eu-west-1" || late.AgeSeconds < 900 || late.ThresholdSeconds != 900 {
			t.Errorf("event %+v: %+v", e, late)
		}
		announced = append(announced, late.Key)
	}
	if len(announced) != 2 || !strings.HasPrefix(announced[0], "late/") || !strings.HasPrefix(announced[1], "late/") ||
		announced[0] == announced[1] {
		t.Errorf("events of %v, want of two late films", announced)
	}
	if code, output := w.redrive(); code != 0 { // three are there by now, and have no lag; one arrives in time
		t.Fatalf("redrive: exit %d\n%s", code, output)
	}

	config := filepath.Join(t.TempDir(), "cdk.json") // the role may send what the function was told to
	if err := os.WriteFile(config, []byte(`{"context":`+announcingSet+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.wantHealthOf(config, nil)

	us, eu, ap := "us-east-1", "eu-west-1", "ap-northeast-1"
	byHand := map[string][]int64{ // arrived, within 1, 15 and 60 minutes, late
		us + " " + eu: {7 + 3 + 1, 7 + 1, 7 + 1 + 1, 7 + 1 + 2, 2},
		us + " " + ap: {7 + 4, 7 + 4, 7 + 4, 7 + 4, 0},
		eu + " " + us: {1, 1, 1, 1, 0},
		eu + " " + ap: {1, 1, 1, 1, 0},
		ap + " " + us: {0, 0, 0, 0, 0},
		ap + " " + eu: {0, 0, 0, 0, 0},
	}
	raw, worst := w.arrivals()
	reported := map[string][]int64{}
	givenUp := map[string]int64{}
	for _, d := range w.reports(config) {
		for _, p := range d.Pairs {
			pair := p.SourceRegion + " " + p.TargetRegion
			if reported[pair] == nil {
				reported[pair] = make([]int64, 5)
			}
			numbers := []int64{p.Arrived}
			for _, within := range p.Within {
				numbers = append(numbers, within.Arrived)
			}
			for i, n := range append(numbers, p.Late) {
				reported[pair][i] += n
			}
			if p.Worst != nil && time.Duration(p.Worst.Seconds*float64(time.Second)).Round(time.Millisecond) == worst[pair] {
				delete(worst, pair)
			}
		}
		for _, r := range d.Regions {
			givenUp[r.Region] += *r.GivenUp
			if *r.Undelivered != 0 || *r.Lost != 0 || r.Proofs != nil {
				t.Errorf("%s: %+v", r.Region, r)
			}
		}
	}
	for _, c := range []struct {
		name string
		want map[string][]int64
	}{{"what was done", byHand}, {"the functions' records", raw}} {
		for pair, got := range reported {
			want := c.want[pair]
			if want == nil {
				want = make([]int64, 5)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: the report says %v, %s %v", pair, got, c.name, want)
			}
		}
	}
	if len(reported) != 6 || len(worst) > 0 {
		t.Errorf("%d pairs; no report has these greatest lags: %v", len(reported), worst)
	}
	if want := map[string]int64{us: 0, eu: 4, ap: 0}; !maps.Equal(givenUp, want) {
		t.Errorf("given up: %v, want %v", givenUp, want)
	}
}

const announcingSet = `{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],"replicationTimeEvents":true}}`

// announcing is the committed assembly with events of what is late.
func announcing(t *testing.T) fs.FS {
	t.Helper()
	return synthesize(t, announcingSet)
}

// older is the event of a dead letter as if it had happened some time before.
func older(t *testing.T, letter string, age time.Duration) []byte {
	t.Helper()
	var l struct{ RequestPayload json.RawMessage }
	if err := json.Unmarshal([]byte(letter), &l); err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(\\"eventTime\\":\\")([^\\]+)`)
	found := at.FindSubmatch(l.RequestPayload)
	if found == nil {
		t.Fatalf("the letter has no time: %s", letter)
	}
	then, err := time.Parse(time.RFC3339, string(found[2]))
	if err != nil {
		t.Fatal(err)
	}
	return at.ReplaceAll(l.RequestPayload, []byte("${1}"+then.Add(-age).Format("2006-01-02T15:04:05.000Z")))
}

// arrivals counts by pair what the functions' records say one by one, as the test
// above does, and tells the greatest lag.
func (w *world) arrivals() (counts map[string][]int64, worst map[string]time.Duration) {
	w.t.Helper()
	counts, worst = map[string][]int64{}, map[string]time.Duration{}
	for _, target := range w.regions {
		for line := range strings.Lines(w.logLines(target, `"msg":"record"`)) {
			var r struct {
				SourceRegion, Outcome string
				ReplicationLag        *int64
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				w.t.Fatal(err)
			}
			if r.Outcome != "Copied" || r.ReplicationLag == nil {
				continue
			}
			pair, lag := r.SourceRegion+" "+target, time.Duration(*r.ReplicationLag)*time.Millisecond
			if counts[pair] == nil {
				counts[pair] = make([]int64, 5)
			}
			for i, counted := range []bool{true, lag <= time.Minute, lag <= 15*time.Minute, lag <= time.Hour, lag > 15*time.Minute} {
				if counted {
					counts[pair][i]++
				}
			}
			worst[pair] = max(worst[pair], lag)
		}
	}
	return counts, worst
}

// reports are the command's of this month, and of the last one too for who began in
// it.
func (w *world) reports(config string) (list []document.Report) {
	w.t.Helper()
	month := report.MonthOf(time.Now())
	months := []report.Month{month}
	if time.Since(month.Begin()) < time.Hour {
		months = append(months, month.Before())
	}
	for _, m := range months {
		code, stdout, stderr := w.command("report", "--month", m.String(), "--output", "json", "--config", config)
		if code != 0 {
			w.t.Fatalf("report: exit %d\n%s", code, stderr)
		}
		var d document.Report
		if err := json.Unmarshal(stdout, &d); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}
