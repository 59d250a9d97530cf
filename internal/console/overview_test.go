package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

func pointer[T any](v T) *T { return &v }

func region(name string) document.StatusRegion {
	return document.StatusRegion{Region: name, Parts: map[string]string{"bucket": "ok"}, DeadLetters: pointer(0)}
}

func TestStates(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*document.StatusRegion)
		findings []document.Finding
		want     string
	}{
		"nothing found":              {want: stateOK},
		"metrics that are not known": {change: func(r *document.StatusRegion) { r.MetricsUnavailable = "no answer" }, want: stateUnknown},
		"errors":                     {change: func(r *document.StatusRegion) { r.Errors = pointer(1.0) }, want: stateWarning},
		"events that wait for long": {change: func(r *document.StatusRegion) {
			r.Behind = &document.StatusBehind{OldestSeconds: pointer(7200.0), Waiting: pointer(int64(500))}
		}, want: stateFailed},
		"dead letters":              {change: func(r *document.StatusRegion) { r.DeadLetters = pointer(1) }, want: stateFailed},
		"a queue that is not known": {change: func(r *document.StatusRegion) { r.DeadLetters = nil }, want: stateUnknown},
		"a check that failed":       {findings: []document.Finding{{Region: "us-east-1", Severity: "failed"}}, want: stateFailed},
		"a check without an answer": {findings: []document.Finding{{Region: "us-east-1", Severity: "unknown"}}, want: stateUnknown},
		"a finding of another one":  {findings: []document.Finding{{Region: "eu-west-1", Severity: "failed"}}, want: stateOK},
		"a part with a warning":     {change: func(r *document.StatusRegion) { r.Parts["bucket"] = "warning" }, want: stateWarning},
		"a Region that was paused":  {change: func(r *document.StatusRegion) { r.Parts["function"] = "paused" }, want: stateWarning},
	} {
		r := region("us-east-1")
		if c.change != nil {
			c.change(&r)
		}
		o := newOverview(document.Status{Regions: []document.StatusRegion{r}, Findings: c.findings}, nil)
		if got := o.Regions[0].State; got != c.want || o.State != c.want {
			t.Errorf("%s: %s, the set %s, want %s", name, got, o.State, c.want)
		}
	}
}

func TestPairs(t *testing.T) {
	lagged := region("eu-west-1")
	lagged.Lag = []document.StatusLag{{SourceRegion: "us-east-1", P99: late + 1}}
	away := region("ap-northeast-1")
	away.MetricsUnavailable = "no answer"
	trends := []Trend{{SourceRegion: "us-east-1", TargetRegion: "eu-west-1", Replicas: []*float64{nil, pointer(2.0), pointer(3.0)}}}
	o := newOverview(document.Status{Regions: []document.StatusRegion{region("us-east-1"), lagged, away}}, trends)
	if len(o.Pairs) != 6 || len(o.Arrows) != 6 {
		t.Fatalf("%d pairs, %d arrows", len(o.Pairs), len(o.Arrows))
	}
	if p := o.Pairs[0]; p.Source != "us-east-1" || p.Target != "eu-west-1" || p.State != stateFailed || *p.Replicas != 5 {
		t.Errorf("the worst is %+v", p)
	}
	for _, p := range o.Pairs {
		if p.Target == "ap-northeast-1" && (p.State != stateUnknown || p.Replicas != nil) {
			t.Errorf("what is not known is %s with %v", p.State, p.Replicas)
		}
	}
	if r := o.Regions[1]; r.Received == nil || *r.Received != 5 || r.Sent != nil {
		t.Errorf("received %v, sent %v", r.Received, r.Sent)
	}
}

// Of twenty Regions only the arrows that are not well are drawn; all pairs are listed.
func TestManyRegions(t *testing.T) {
	s := document.Status{}
	for i := range 20 {
		s.Regions = append(s.Regions, region(fmt.Sprintf("xx-test-%d", i)))
	}
	s.Regions[3].Lag = []document.StatusLag{{SourceRegion: "xx-test-4", P99: slow + 1}}
	o := newOverview(s, nil)
	if len(o.Pairs) != 380 || len(o.Arrows) != 1 {
		t.Errorf("%d pairs, %d arrows", len(o.Pairs), len(o.Arrows))
	}
	text := (&Server{}).fragment("overview", o)
	if strings.Contains(text, "could not be made") || len(text) > 500_000 {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
}

func TestNumbersThatAreNotKnown(t *testing.T) {
	for _, got := range []string{number((*int)(nil)), number((*int64)(nil)), number((*float64)(nil)), age(nil)} {
		if got != unavailable {
			t.Errorf("%q, want %q", got, unavailable)
		}
	}
	for got, want := range map[string]string{
		count(1): "1", count(1234567): "1,234,567", count(-1234): "-1,234", number(pointer(0)): "0",
		duration(12): "12 ms", duration(90_000): "1 min", duration(50 * 3600_000): "2 days", size(1023): "1023 B", size(1536): "1.5 KiB",
		utc(time.Time{}): "never",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	letters := []document.ExplainLetter{{Queue: "eu-west-1", SentAt: pointer(at.Add(time.Minute)), Reason: "AccessDenied"}}
	var got []string
	for _, m := range moments(document.History{Entries: []document.HistoryEntry{
		{Region: "us-east-1", What: "write", Time: at, VersionID: "1"}, {Region: "us-east-1", What: "deletion", Time: at.Add(time.Hour), VersionID: "2"},
	}}, letters) {
		got = append(got, fmt.Sprint(m.Region, " ", m.What, " ", m.X))
	}
	if want := "us-east-1 write 2, eu-west-1 dead letter 3.6, us-east-1 deletion 98"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	d := document.Explain{Letters: letters, Regions: []document.ExplainRegion{{Region: "us-east-1", State: "present"}, {Region: "eu-west-1", State: "missing"}}}
	if replay, backfill := fixable(d); !replay || !backfill {
		t.Errorf("replay %v, backfill %v", replay, backfill)
	}
}

func TestPrefixes(t *testing.T) {
	var list []document.VerifyDifference
	for _, key := range []string{"a/b/1", "a/b/2", "a/c", "d", "e/1"} {
		list = append(list, document.VerifyDifference{Key: key})
	}
	for within, want := range map[string]string{"": "[{a/ 3 false} {e/ 1 false}]", "a/": "[{a/b/ 2 false}]", "a/b/": "[]"} {
		if got := fmt.Sprint(prefixesOf(list, within)); got != want {
			t.Errorf("below %q: %s, want %s", within, got, want)
		}
	}
}
