package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// troubled is a set of two Regions, of which one has every kind of trouble
// with what it says.
func troubled() (health.Facts, []health.Finding) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "ap-northeast-1"}}
	facts := health.Facts{
		Set: set, Account: "111122223333", Caller: "arn:aws:iam::111122223333:user/\x1b[31mme",
		Regions: []health.Region{
			{Name: "us-east-1", Queue: health.Look[health.Queue]{State: health.Found},
				Subscriptions: health.Look[[]health.Subscription]{State: health.Found}},
			{Name: "ap-northeast-1", Queue: health.Look[health.Queue]{State: health.Found, Value: health.Queue{Letters: 12}}},
		},
	}
	return facts, troubles(facts)
}

// troubles are three findings as the checks say them.
func troubles(facts health.Facts) (list []health.Finding) {
	facts.Regions = slices.Clone(facts.Regions)
	facts.Regions[0].Queue.Value.RetentionSeconds = 3 * 24 * 3600
	facts.Regions[1].Topic.Why = "sns:GetTopicAttributes on topic " + facts.Set.TopicName() +
		": no answer from sns.ap-northeast-1.amazonaws.com in time; " +
		"check AWS_ENDPOINT_URL, whether a server listens there, and the network and its proxies"
	facts.Regions[1].Topic.Next = "check the network and AWS_ENDPOINT_URL; then check again: s3fanout doctor --region {region}"
	for i := range facts.Regions {
		facts.Regions[i].Access.State = health.Found
	}
	found := health.Check(facts)
	for _, want := range []struct{ check, region string }{
		{health.CheckDeadLetters, "ap-northeast-1"}, {"topic", "ap-northeast-1"}, {"queue-retention", "us-east-1"},
	} {
		i := slices.IndexFunc(found, func(f health.Finding) bool { return f.Check == want.check && f.Region == want.region })
		list = append(list, found[i])
	}
	return list
}

// What doctor and status write fits a terminal, has colours where they are
// wanted, and nothing from outside that a terminal would act on.
func TestHealthFitsTheTerminal(t *testing.T) {
	facts, findings := troubled()
	findings[0].What += strings.Repeat(" for a reason that is long", 20)
	findings[1].What += "\x1b[2J"
	figures := map[string]health.Figures{
		"us-east-1": {
			Lag: []health.Lag{{Source: "ap-northeast-1", P50: 99 * time.Second, P99: 15 * time.Minute, Max: 47 * time.Hour}},
		},
		"ap-northeast-1": {Why: "cloudwatch:GetMetricData on CloudWatch is denied; allow it to the credentials in use"},
	}
	write := map[string]func(b *bytes.Buffer, width int, colours bool) error{
		"doctor": func(b *bytes.Buffer, width int, colours bool) error {
			return writeDoctorText(b, document.NewDoctor(facts, findings), width, colours)
		},
		"status": func(b *bytes.Buffer, width int, colours bool) error {
			return writeStatusText(b, newStatusView(facts, findings, figures, nil), width, colours)
		},
	}
	for command, f := range write {
		var narrow, coloured, file bytes.Buffer
		for b, err := range map[*bytes.Buffer]error{
			&narrow: f(&narrow, 80, false), &coloured: f(&coloured, 80, true), &file: f(&file, 0, false),
		} {
			if err != nil || b.Len() == 0 {
				t.Fatalf("%s: %v, %d bytes", command, err, b.Len())
			}
		}
		for line := range strings.Lines(narrow.String()) {
			if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 {
				t.Errorf("%s: %d columns: %q", command, table.Width(line), line)
			}
		}
		for _, b := range []*bytes.Buffer{&narrow, &file} {
			if strings.Contains(b.String(), "\x1b") {
				t.Errorf("%s: colours or text from outside: %q", command, b)
			}
		}
		if !strings.Contains(coloured.String(), red+"failed"+plain) || !strings.Contains(coloured.String(), yellow+"unknown"+plain) {
			t.Errorf("%s: no colours: %q", command, &coloured)
		}
		for _, b := range []*bytes.Buffer{&narrow, &file} {
			if unbroken := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(unbroken, strings.TrimSpace(findings[0].What)) {
				t.Errorf("%s: the reason is not there whole: %q", command, unbroken)
			}
		}
	}
}

func TestStatusFigures(t *testing.T) {
	three, zero, hour := 3.0, 0.0, time.Hour
	facts, _ := troubled()
	d := newStatusView(facts, nil, map[string]health.Figures{
		"us-east-1": {Errors: &zero, Throttles: &zero, Oldest: &hour},
		"ap-northeast-1": {Errors: &three, Oldest: &hour, Lag: []health.Lag{
			{Source: "us-east-1", P50: 840 * time.Millisecond, P99: 2 * time.Second, Max: 30 * time.Second},
			{Source: "eu-west-1", P50: 900 * time.Millisecond, P99: time.Second, Max: 40 * time.Second},
		}},
	}, nil)
	var b bytes.Buffer
	if _, err := figuresTable(d.Status).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := `REGION          DEAD LETTERS  OLDEST  ERRORS  THROTTLES  LAG P50    P99    MAX
us-east-1                  0       -       0          0        -      -      -
ap-northeast-1            12     60m       3          -    900ms  2.00s  40.0s
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
	if got := d.Regions[1].Subscriptions; got.OK != nil || got.Expected != 1 {
		t.Errorf("subscriptions that were not told: %+v", got)
	}
	if got := newStatusView(facts, nil, nil, nil).Regions[0].MetricsUnavailable; got == "" {
		t.Error("a Region that was not asked has no reason")
	}
}

// What status shows leads to the command that says more, and to no other.
func TestStatusLeadsOn(t *testing.T) {
	three, zero := 3.0, 0.0
	finding := func(check, region, severity string) document.Finding {
		return document.Finding{Check: check, Region: region, Severity: severity}
	}
	for _, c := range []struct {
		name     string
		findings []document.Finding
		diverged *float64 // in r
		want     []string
	}{
		{"all is well", nil, &zero, []string{"s3fanout verify"}},
		{"a note", []document.Finding{finding("opt-in-region", "r", "note")}, nil, []string{"s3fanout verify"}},
		{"a warning", []document.Finding{finding("clock", "r", "warning")}, nil, []string{"s3fanout doctor --region r"}},
		{"failed in two", []document.Finding{finding("topic", "r", "failed"), finding("role", "s", "unknown")}, nil,
			[]string{"s3fanout doctor"}},
		{"dead letters", []document.Finding{finding("dead-letters", "s", "failed")}, nil,
			[]string{"s3fanout redrive --dry-run --region s"}},
		{"a queue that did not tell", []document.Finding{finding("dead-letters", "s", "unknown")}, nil,
			[]string{"s3fanout doctor --region s"}},
		{"diverged", nil, &three, []string{"s3fanout verify"}},
		{"everything",
			[]document.Finding{
				finding("topic", "r", "failed"), finding("dead-letters", "r", "failed"), finding("dead-letters", "s", "failed"),
			}, &three,
			[]string{"s3fanout doctor --region r", "s3fanout redrive --dry-run", "s3fanout verify"}},
	} {
		var got []string
		for _, s := range nextSteps(c.findings, []document.StatusRegion{{Region: "r", Diverged: c.diverged}, {Region: "s"}}) {
			got = append(got, s.command)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Keys whose first write won over another one are said, with their Regions.
func TestStatusSaysWhereWritesDiverged(t *testing.T) {
	three, one, zero := 3.0, 1.0, 0.0
	facts, _ := troubled()
	d := newStatusView(facts, nil, map[string]health.Figures{"us-east-1": {Diverged: &zero}, "ap-northeast-1": {Diverged: &three}}, nil)
	var b bytes.Buffer
	if err := writeStatusText(&b, d, 80, false); err != nil {
		t.Fatal(err)
	}
	unbroken := strings.Join(strings.Fields(b.String()), " ")
	if !strings.Contains(
		unbroken, "diverged: ap-northeast-1: in the last hour 3 writes were not copied, because the key existed with other contents",
	) ||
		!strings.Contains(unbroken, "s3fanout verify # which keys differ between Regions") ||
		strings.Contains(unbroken, "All checks passed.") ||
		!strings.Contains(unbroken, "The deployment passed all checks. It did not cause") {
		t.Errorf("got\n%s", &b)
	}
	if got := divergedLines([]document.StatusRegion{
		{Region: "a", Diverged: &one}, {Region: "b", Diverged: &zero}, {Region: "c"},
	}); len(got) != 1 || !strings.HasPrefix(got[0], "diverged: a: in the last hour 1 write was") {
		t.Errorf("got %q", got)
	}
	if got := divergedLines([]document.StatusRegion{{Region: "b", Diverged: &zero}}); got != nil {
		t.Errorf("got %q, want nothing", got)
	}
}

// A caller who may ask for nothing is told once what to be allowed, and not 27 times.
func TestHealthNamesMissingPermissionsOnce(t *testing.T) {
	facts, _ := troubled()
	facts.Caller = "arn:aws:iam::111122223333:user/me"
	var findings []health.Finding
	for _, region := range []string{"us-east-1", "ap-northeast-1"} {
		for check, action := range map[string]string{
			"bucket": "s3:ListBucket", "topic": "sns:GetTopicAttributes", "queue": "sqs:GetQueueUrl",
		} {
			findings = append(findings, health.Finding{
				Check: check, Region: region, Severity: health.Unknown, Denied: action, What: "cannot tell", Fix: "allow it",
			})
		}
	}
	var doctor, status, asJSON bytes.Buffer
	a := &app{stdout: &doctor}
	if err := a.writeDoctor(facts, findings); err != nil {
		t.Fatal(err)
	}
	if err := writeStatusText(&status, newStatusView(facts, findings, nil, nil), 0, false); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"doctor": doctor.String(), "status": status.String()} {
		n := strings.Count(text, "caller-permissions")
		if n != 1 || strings.Contains(text, "cannot tell") || !strings.Contains(text, facts.Caller+" lacks permissions for 6 checks: ") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	want := "fix    allow s3:ListBucket, sns:GetTopicAttributes, sqs:GetQueueUrl to " + facts.Caller
	if !strings.Contains(doctor.String(), want) {
		t.Errorf("got\n%s\nwant %q in it", &doctor, want)
	}
	a = &app{stdout: &asJSON, output: outputJSON}
	if err := a.writeDoctor(facts, findings); err != nil || strings.Count(asJSON.String(), `"cannot tell"`) != len(findings) {
		t.Errorf("%v: the document has not one finding for each check:\n%s", err, &asJSON)
	}
}

func TestUnavailableFiguresAreExplainedOnce(t *testing.T) {
	d := document.Status{Regions: []document.StatusRegion{
		{Region: "a", MetricsUnavailable: "no"}, {Region: "b"}, {Region: "c", MetricsUnavailable: "no"},
		{Region: "d", MetricsUnavailable: "denied"},
	}}
	got := strings.Join(unavailable(d), "\n")
	want := "n/a: a, c: not available: no\nn/a: d: not available: denied"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.Regions = d.Regions[:1]
	if got := unavailable(d); len(got) != 1 || got[0] != "n/a: not available: no" {
		t.Errorf("all Regions alike: got %q", got)
	}
}

func TestStatusHasALineForEachCheck(t *testing.T) {
	var got []string
	for _, l := range handLines([]document.Finding{
		{Check: "a", Region: "r", Severity: "failed", What: "what"}, {Check: "b", Region: "r", Severity: "failed", What: "x"},
		{Check: "b", Region: "r", Severity: "failed", What: "y"}, {Check: "b", Region: "s", Severity: "failed", What: "z"},
		{Check: "b", Region: "s", Severity: "unknown", What: "u"},
	}) {
		got = append(got, l.severity+" "+l.text)
	}
	if want := []string{"failed a: r: what", "failed b: r, s", "unknown b: s: u"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAgesAndLags(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 119 * time.Minute: "119m", 2 * time.Hour: "2h", 47 * time.Hour: "47h",
		14 * 24 * time.Hour: "14d",
	} {
		if got := ageOf(d); got != want {
			t.Errorf("age %s: got %s, want %s", d, got, want)
		}
	}
	for ms, want := range map[float64]string{0: "0ms", 999: "999ms", 1234: "1.23s", 12_345: "12.3s", 123_456: "2m", 7_200_000: "2h"} {
		if got := lag(ms); got != want {
			t.Errorf("lag %v: got %s, want %s", ms, got, want)
		}
	}
}

func TestInterruptedProbeSaysWhatIsLeft(t *testing.T) {
	leftover := health.Finding{Check: health.CheckLeftovers, Region: "r", What: "not removed", Fix: "run it again"}
	for want, findings := range map[string][]health.Finding{
		"interrupted; the probe removed what it wrote":     {{Check: "copy-condition", Region: "r", Severity: health.Unknown}},
		"interrupted; region r: not removed; run it again": {{Check: "topic"}, leftover},
	} {
		if err := interruptedProbe(findings); err.Error() != want || exitCode(err, true) != exitInterrupted {
			t.Errorf("got %q, exit %d; want %q", err, exitCode(err, true), want)
		}
	}
}

func TestHealthError(t *testing.T) {
	finding := func(s health.Severity) health.Finding { return health.Finding{Severity: s} }
	for _, c := range []struct {
		findings []health.Finding
		want     string
	}{
		{nil, ""},
		{[]health.Finding{finding(health.Warning), finding(health.Note)}, ""},
		{[]health.Finding{finding(health.Failed)}, "1 check failed; do"},
		{[]health.Finding{finding(health.Unknown), finding(health.Unknown)}, "2 checks could not be answered; do"},
		{[]health.Finding{finding(health.Failed), finding(health.Unknown), finding(health.Failed)},
			"2 checks failed, and 1 could not be answered; do"},
	} {
		got := ""
		err := healthError(c.findings, "do")
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err != nil && exitCode(err, true) != exitLeftOver {
			t.Errorf("%v: got %q, exit %d", c.findings, got, exitCode(err, true))
		}
	}
}
