package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

func pointer[T any](v T) *T { return &v }

func region(name string) document.StatusRegion {
	return document.StatusRegion{Region: name, Parts: map[string]string{"bucket": "ok"}, DeadLetters: pointer(0)}
}

// glanceAt is a look at Regions.
func glanceAt(regions ...document.StatusRegion) glance {
	return glance{look: Look{Status: document.Status{Regions: regions}}}
}

// The sign of the ring is the worst Region's, and says of how many it is.
func TestStateOfTheRingSaysOfHowMany(t *testing.T) {
	failed := region("eu-west-1")
	failed.DeadLetters = pointer(2)
	unknown := region("us-east-1")
	unknown.DeadLetters = nil
	for want, regions := range map[string][]document.StatusRegion{
		"failed</span> in 1 of 3 Regions":  {region("us-east-1"), failed, region("ap-northeast-1")},
		"unknown</span> in 1 of 2 Regions": {unknown, region("ap-northeast-1")},
		"ok</span> in both Regions":        {region("us-east-1"), region("eu-west-1")},
	} {
		text := (&Server{pages: called("s3fanout")}).fragment("overview", newOverview(glanceAt(regions...)))
		if !strings.Contains(text, want) {
			_, caption, _ := strings.Cut(text, "<figcaption>")
			t.Errorf("%.120q, want %q", caption, want)
		}
	}
}

// An event that was tried at once, and waits for its next try, is not 0 ms old.
func TestNoAgeOfAnEventTriedOnce(t *testing.T) {
	for seconds, want := range map[float64]bool{0: false, 59: false, 90: true} {
		r := region("us-east-1")
		r.Behind = &document.StatusBehind{OldestSeconds: &seconds, Waiting: pointer(int64(1))}
		text := (&Server{pages: called("s3fanout")}).fragment("overview", newOverview(glanceAt(r)))
		if strings.Contains(text, "1, oldest") != want {
			t.Errorf("%v s at the last try: an age is shown: %v, want %v", seconds, !want, want)
		}
	}
}

func TestStates(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*document.StatusRegion)
		findings []document.Finding
		alarms   []Alarm
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
		"a finding of several": {
			findings: []document.Finding{{Region: "eu-west-1, us-east-1", Severity: "unknown"}}, want: stateUnknown,
		},
		"a finding of another one":   {findings: []document.Finding{{Region: "eu-west-1", Severity: "failed"}}, want: stateOK},
		"a part with a warning":      {change: func(r *document.StatusRegion) { r.Parts["bucket"] = "warning" }, want: stateWarning},
		"a Region that was paused":   {change: func(r *document.StatusRegion) { r.Parts["function"] = "paused" }, want: stateWarning},
		"an alarm that is raised":    {alarms: []Alarm{{Region: "us-east-1", Name: "a", State: "ALARM"}}, want: stateWarning},
		"an alarm of another Region": {alarms: []Alarm{{Region: "eu-west-1", Name: "a", State: "ALARM"}}, want: stateOK},
	} {
		r := region("us-east-1")
		if c.change != nil {
			c.change(&r)
		}
		g := glanceAt(r)
		g.look.Findings, g.alarms = c.findings, newAlarmsView(c.alarms, nil)
		o := newOverview(g)
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
	g := glanceAt(region("us-east-1"), lagged, away)
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	asked := start.Add(12 * time.Minute)
	g.trends = []Trend{
		{
			SourceRegion: "us-east-1", TargetRegion: "eu-west-1", Start: start, Asked: asked, Period: 5 * time.Minute,
			Replicas: []*float64{nil, pointer(20.0), pointer(4.0)}, P99Seconds: []*float64{nil, pointer(1.0), pointer(2.0)},
		},
		{
			SourceRegion: "ap-northeast-1", TargetRegion: "eu-west-1", Start: start, Asked: asked, Period: 5 * time.Minute,
			Replicas: []*float64{nil, nil, pointer(6.0)}, P99Seconds: []*float64{nil, nil, pointer(1.0)},
		},
		{SourceRegion: "us-east-1", TargetRegion: "ap-northeast-1", Unavailable: "no answer"},
	}
	o := newOverview(g)
	if len(o.Pairs) != 6 || len(o.Arrows) != 6 {
		t.Fatalf("%d pairs, %d arrows", len(o.Pairs), len(o.Arrows))
	}
	if p := o.Pairs[0]; p.Source != "us-east-1" || p.Target != "eu-west-1" || p.State != stateFailed || *p.Replicas != 24 || *p.Rate != 2 {
		t.Errorf("the worst is %+v", p)
	}
	for _, p := range o.Pairs {
		if p.Target == "ap-northeast-1" && (p.State != stateUnknown || p.Replicas != nil || p.Rate != nil) {
			t.Errorf("what is not known is %s with %v", p.State, p.Replicas)
		}
	}
	if r := o.Regions[1]; *r.Received != 30 || *r.Rate != 2.5 || *r.Trend.P99Seconds[2] != 2 || r.Trend.Replicas[0] != nil {
		t.Errorf("received %v, %v a minute, %+v", *r.Received, *r.Rate, r.Trend)
	}
	if r := o.Regions[2]; r.Received != nil || r.Rate != nil || r.Trend.Unavailable == "" {
		t.Errorf("what is not known: %+v", r.Trend)
	}
	// The parts of a trend stay as they are.
	if *g.trends[0].Replicas[2] != 4 {
		t.Errorf("a pair's trend became %v", *g.trends[0].Replicas[2])
	}
}

func TestRates(t *testing.T) {
	for perMinute, want := range map[float64]string{0.1: "0.1 /min", 9.96: "10.0 /min", 12.4: "12 /min", 90: "1.5 /s", 60_000: "1,000 /s"} {
		if got := rate(&perMinute); got != want {
			t.Errorf("%v: %q, want %q", perMinute, got, want)
		}
	}
	if got := rate(nil); got != "no data" {
		t.Errorf("%q", got)
	}
}

// A pair's dead letters are known by reading them alone, or where there are none.
func TestDeadLettersOfPairs(t *testing.T) {
	buckets := map[string]string{"us-east-1": "b-us", "eu-west-1": "b-eu", "ap-northeast-1": "b-ap"}
	one := func(queue, bucket string, targets ...string) document.RedriveLetter {
		l := document.RedriveLetter{Region: queue, MessageID: queue + bucket + fmt.Sprint(targets)}
		l.Objects = []document.RedriveObject{{Bucket: bucket, Key: "k"}}
		for _, r := range targets {
			l.Functions = append(l.Functions, document.RedriveFunction{Region: r})
		}
		return l
	}
	us, eu, ap := region("us-east-1"), region("eu-west-1"), region("ap-northeast-1")
	eu.DeadLetters = pointer(2)
	of := func(q queues) string {
		g := glanceAt(us, eu, ap)
		g.letters = q.byPair(buckets)
		var texts []string
		for _, p := range newOverview(g).Pairs {
			texts = append(texts, fmt.Sprintf("%.2s-%.2s=%s", p.Source, p.Target, number(p.DeadLetters)))
		}
		slices.Sort(texts)
		return strings.ReplaceAll(strings.Join(texts, " "), unavailable, "?")
	}
	read := func(letters ...document.RedriveLetter) queues {
		return newQueues(document.Redrive{Letters: letters}, time.Unix(1, 0), queues{}, false)
	}
	if got, want := of(queues{}), "ap-eu=? ap-us=0 eu-ap=? eu-us=? us-ap=0 us-eu=?"; got != want {
		t.Errorf("unread: %s, want %s", got, want)
	}
	known := read(one("eu-west-1", "b-us", "eu-west-1"), one("eu-west-1", "b-eu", "us-east-1", "ap-northeast-1"))
	if got, want := of(known), "ap-eu=0 ap-us=0 eu-ap=1 eu-us=1 us-ap=0 us-eu=1"; got != want {
		t.Errorf("read: %s, want %s", got, want)
	}
	strange := read(one("eu-west-1", "b-us", "eu-west-1"), one("eu-west-1", "another"))
	if got, want := of(strange), "ap-eu=? ap-us=0 eu-ap=? eu-us=? us-ap=0 us-eu=?"; got != want {
		t.Errorf("with one that tells nothing: %s, want %s", got, want)
	}
	g := glanceAt(us, eu, ap)
	for want, q := range map[string]queues{
		`>not read</a>`: {},
		`title="eu-west-1: a dead letter does not tell from where it comes, or to where">not available</a>`: strange,
		`title="eu-west-1: no answer; dead letters that were not read are not in the list">not available</a>`: newQueues(
			document.Redrive{Regions: []document.RedriveRegion{{Region: "eu-west-1", Error: "no answer"}}}, time.Unix(1, 0),
			queues{}, false),
	} {
		g.letters = q.byPair(buckets)
		text := (&Server{pages: called("s3fanout")}).fragment("pairs", newOverview(g).Pairs)
		if read := !q.read.IsZero(); !strings.Contains(text, want) || read && strings.Contains(text, "not read<") {
			t.Errorf("the pairs do not say %q:\n%s", want, text)
		}
	}
	replayed := one("eu-west-1", "b-us", "eu-west-1")
	replayed.Outcome = "replayed"
	known.note(replayed)
	if got := of(known); !strings.Contains(got, "us-eu=0") {
		t.Errorf("after a replay: %s", got)
	}
}

// Of twenty Regions the ring draws the pairs that are worst, and the overview lists
// those; each pair is listed with its Regions.
func TestManyRegions(t *testing.T) {
	var regions []document.StatusRegion
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("xx-test-%d", i))
		regions = append(regions, region(names[i]))
	}
	regions[3].Lag = []document.StatusLag{{SourceRegion: "xx-test-4", P99: slow + 1}}
	if o := newOverview(glanceAt(regions...)); len(o.Pairs) != 380 || len(o.Arrows) != 1 || o.Worst()[0].Source != "xx-test-4" {
		t.Errorf("%d pairs, %d arrows", len(o.Pairs), len(o.Arrows))
	}
	for i := range regions {
		for _, source := range names {
			if source != regions[i].Region {
				regions[i].Lag = append(regions[i].Lag, document.StatusLag{SourceRegion: source, P99: slow + 2})
			}
		}
	}
	regions[7].Lag[0].P99 = late + 1
	f := &fake{look: Look{Status: document.Status{Regions: regions}}}
	o := newOverview(glance{look: f.look})
	if len(o.Arrows) != mostArrows || len(o.Worst()) != mostPairs || o.Arrows[mostArrows-1].State != stateFailed {
		t.Errorf("%d arrows, %d pairs are listed, the last drawn is %s", len(o.Arrows), len(o.Worst()), o.Arrows[len(o.Arrows)-1].State)
	}
	text := (&Server{pages: called("s3fanout")}).fragment("overview", o)
	if strings.Contains(text, "could not be made") || len(text) > 100_000 {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
	u := serve(t, Options{Source: f, Regions: names})
	u.watch().until("overview", "xx-test-19")
	for path, want := range map[string]int{"/pairs": mostRows, "/pairs?region=xx-test-7": 38} {
		if got := strings.Count(u.get(path), `<tr><td class="name">`); got != want {
			t.Errorf("%s lists %d pairs, want %d", path, got, want)
		}
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
		{Region: "us-east-1", What: "write", Time: at, VersionID: "1"},
		{Region: "us-east-1", What: "deletion", Time: at.Add(time.Hour), VersionID: "2"},
		{Region: "us-west-2", What: "version", Time: at, VersionID: "3"},
		{Region: "us-west-2", What: "replica", Time: at, VersionID: "4", Of: "us-east-1"},
		{Region: "us-west-2", What: "replica", Time: at, VersionID: "5", Of: "us-east-1", Certain: true},
	}}, letters) {
		got = append(got, fmt.Sprintf("%s %s %s %v", m.Region, m.What, m.Text, m.X))
	}
	if want := "us-east-1 write 1 2, us-west-2 write or replica 3 2, us-west-2 replica 4 likely of us-east-1 2, " +
		"us-west-2 replica 5 of us-east-1 2, eu-west-1 dead letter AccessDenied 3.6, " +
		"us-east-1 deletion 2 98"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	d := document.Explain{
		Letters: letters,
		Regions: []document.ExplainRegion{{Region: "us-east-1", State: "present"}, {Region: "eu-west-1", State: "missing"}},
	}
	if !copyable(d) {
		t.Error("a key that is missing in a Region cannot be copied")
	}
}

func TestPrefixes(t *testing.T) {
	for within, want := range map[string]string{"": "[{a/ 3} {e/ 1}] 1", "a/": "[{a/b/ 2}] 0", "a/b/": "[] 0"} {
		p := newPrefixes(within)
		for _, key := range []string{"a/b/1", "a/b/2", "a/c", "d", "e/1", "f/1"} {
			p.add(key)
		}
		list, more := p.list(2)
		if got := fmt.Sprint(list, more); got != want {
			t.Errorf("below %q: %s, want %s", within, got, want)
		}
	}
	for prefix, want := range map[string]string{
		"": "[]", "a/b/": "[{a/ a/} {a/b/ b/}]", "a/b": "[{a/ a/} {a/b b}]", "//": "[{/ /} {// /}]",
	} {
		if got := fmt.Sprint(crumbs(prefix)); got != want {
			t.Errorf("above %q: %s, want %s", prefix, got, want)
		}
	}
	if got := len(crumbs(strings.Repeat("a/", 500))); got != 12 {
		t.Errorf("%d steps down to a deep prefix", got)
	}
}
