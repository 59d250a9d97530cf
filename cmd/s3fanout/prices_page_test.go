package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/price"
)

// TestPricesInProse holds the prices that pages name in their sentences against those of
// the model: each is there once, and the pages have no other.
func TestPricesInProse(t *testing.T) {
	million := cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000}
	without := million
	without.NoUserCopies = true
	replicas := 2.0 // of an upload
	copies := (cost.Bills(million)[0].Dollars() - cost.Bills(without)[0].Dollars()) / replicas
	whole := func(dollars float64) string { return strings.TrimSuffix(number(dollars), ".00") }
	rate, _ := price.Of("us-east-1")
	for page, phrases := range map[string][]string{
		"configuration.md": {
			"metric `Excluded` costs " + number(price.MetricMonth) + " a month and Region",
			"which saves " + dollars(copies) + " a million",
			"each late attempt; " + whole(price.CustomEvent*1e6) + " a million",
			"how long logs are kept; " + number(price.LogMonth) + " a GB and month",
			"traces invocations; " + whole(price.Trace*1e6) + " a million traces",
			"a dashboard of all Regions, " + whole(price.DashboardMonth) + " a month",
			"costs " + whole(price.KeyMonth) + " a month (" + whole(2*price.KeyMonth) + " and " + whole(3*price.KeyMonth) +
				" after the first two yearly rotations) and " + number(price.KeyRequest*10_000) + " for 10,000 requests",
		},
		"lag.md": {"sent once, at " + whole(price.CustomEvent*1e6) + " a million"},
		"batch-operations.md": {
			number(price.BatchJob) + " for a job, " + number(price.BatchObject*1e6) + " for a million objects",
		},
		"reconcile.md": {"a HEAD in each Region: " + dollars(3*rate.Read*1000) + " and two hours for a million"},
	} {
		content, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		// What is generated is held where it is made.
		text := regexp.MustCompile(`(?s)<!-- \w+ -->.*?<!-- end of `).ReplaceAllString(string(content), "")
		text = strings.Join(strings.Fields(text), " ")
		for _, phrase := range phrases {
			if n := strings.Count(text, phrase); n != 1 {
				t.Errorf("docs/%s says %d times, not once: %s", page, n, phrase)
			}
			text = strings.ReplaceAll(text, phrase, "")
		}
		if rest := regexp.MustCompile(`.{0,40}\$[0-9].{0,20}`).FindAllString(text, -1); rest != nil {
			t.Errorf("docs/%s names prices that nothing holds: %q", page, rest)
		}
	}
}
