package infra

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestGrafanaShowsPublishedMetrics compares each query of the recipe's dashboard with
// what CloudWatch's own shows of a set that compares: a name or dimension that nobody
// publishes would be an empty panel. The lag of a pair, which that one leaves out, has
// data in TestGrafanaHasData of cmd/s3fanout.
func TestGrafanaShowsPublishedMetrics(t *testing.T) {
	set := defaultSet(t)
	set.Name, set.Reconcile = "media", daily()
	published := map[string]bool{}
	for _, region := range set.Regions {
		here := newSite(testAccount, set, region)
		for _, g := range here.graphs() {
			for _, m := range g.metrics(here) {
				published[fmt.Sprint(region, m.namespace, m.name, m.dimensions)] = true
			}
		}
	}
	raw, err := os.ReadFile("../docs/recipes/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range set.Regions {
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct {
					Region, Namespace, MetricName string
					MatchExact                    bool
					Dimensions                    map[string]string
				}
			}
		}
		filled := strings.NewReplacer("$set", set.Name, "$region", region).Replace(string(raw))
		if err := json.Unmarshal([]byte(filled), &board); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, p := range board.Panels {
			for _, m := range p.Targets {
				if m.Dimensions["SourceRegion"] == "*" {
					continue
				}
				found++
				if !m.MatchExact || !published[fmt.Sprint(m.Region, m.Namespace, m.MetricName, m.Dimensions)] {
					t.Errorf("%s: nobody publishes %s %s with %v in %s", p.Title, m.Namespace, m.MetricName, m.Dimensions, m.Region)
				}
			}
		}
		if found < 10 {
			t.Errorf("%d queries found, too few to be all", found)
		}
	}
}
