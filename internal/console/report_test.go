package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

// The months are those that CloudWatch keeps, and a report is asked for once in a
// while: CloudWatch charges for it.
func TestReportOfAMonth(t *testing.T) {
	pair := func(source, target string, late int64) document.ReportPair {
		return document.ReportPair{
			SourceRegion: source, TargetRegion: target, Arrived: 2000, Late: late,
			Within: []document.ReportWithin{{Seconds: 60, Arrived: 1999}}, Worst: &document.ReportWorst{Seconds: 90},
		}
	}
	f := &fake{report: document.Report{Threshold: 900}}
	f.report.Pairs = []document.ReportPair{
		pair("us-east-1", "eu-west-1", 0), pair("us-east-1", "ap-northeast-1", 7), pair("eu-west-1", "us-east-1", 3),
	}
	f.report.Regions = []document.ReportRegion{
		{Region: "us-east-1", GivenUp: pointer(int64(5))}, {Region: "eu-west-1", Unavailable: "<b>no</b> answer"},
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	u := serve(t, Options{Source: f, Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, Now: func() time.Time { return now }})
	page := u.get("/report?month=2026-10")
	for _, want := range []string{
		"<option selected>2026-10</option>", "<option>2026-11</option>", "<option>2025-08</option>", "99.9 %", "15 min",
		"&lt;b&gt;no&lt;/b&gt; answer", "s3fanout report --month 2026-10", "reconcile is off",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "2025-07") {
		t.Error("it offers a month of which CloudWatch has nothing any more")
	}
	row := func(source, target string) string {
		return `<td class="name">` + source + `</td><td class="name">` + target + "</td>"
	}
	first, second := strings.Index(page, row("us-east-1", "ap-northeast-1")), strings.Index(page, row("eu-west-1", "us-east-1"))
	if first < 0 || second < first {
		t.Errorf("the pair with most late ones is not the first:\n%s", page)
	}
	page = u.get("/report?month=2026-10&region=eu-west-1")
	if strings.Contains(page, row("us-east-1", "ap-northeast-1")) || !strings.Contains(page, row("us-east-1", "eu-west-1")) {
		t.Errorf("the pairs of a Region:\n%s", page)
	}
	// Without the Region that did not answer it is not kept.
	f.report.Regions = f.report.Regions[:1]
	for range 3 {
		u.get("/report?month=2026-10")
	}
	if got, want := f.called(), slices.Repeat([]string{"report 2026-10"}, 3); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q: twice without a Region, once with all", got, want)
	}
	now = now.Add(reportTime)
	u.get("/report?month=2026-10")
	if len(f.called()) != 4 {
		t.Errorf("an old report is shown: %q", f.called())
	}
}
