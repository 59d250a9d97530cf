package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/aws/metricdata"
)

// The nightly job of docs/recipes runs its commands against the sandbox: they succeed
// where all is well, and the comparison fails the job where a key is missing.
func TestNightlyVerifyFailsTheJobOnADifference(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, "docs/recipes/verify.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var commands [][]string
	for _, m := range regexp.MustCompile(`(?m)^ +- run: bin/s3fanout (.+)$`).FindAllStringSubmatch(string(content), -1) {
		commands = append(commands, strings.Fields(m[1]))
	}
	if len(commands) != 2 || commands[1][0] != "verify" {
		t.Fatalf("the job runs %q, want doctor and verify", commands)
	}
	r := runSandbox(t)
	r.upload("us-east-1", "films/one", "a film")
	r.settle()
	for _, args := range commands {
		if code, output, ended := r.s3fanoutFor(shownTime, args...); !ended || code != exitDone {
			t.Errorf("%q: exit code %d\n%s", args, code, output)
		}
	}
	r.s3fanout("sandbox", "fault", "--region", "us-east-1", "--kind", "s3-unannounced", "--rate", "1")
	r.upload("us-east-1", "films/two", "a film")
	args := slices.Concat(commands[1], []string{"--grace", "0s"}) // the new object is not waited for
	if code, output, ended := r.s3fanoutFor(shownTime, args...); !ended || code != exitLeftOver {
		t.Errorf("%q with a key missing: exit code %d, want %d\n%s", args, code, exitLeftOver, output)
	}
}

// TestGrafanaHasData has the sandbox answer the queries of the recipe's dashboard, in a
// Region that made a replica and failed to make another. The rest of its queries are
// compared with the set's own dashboard in infra.
func TestGrafanaHasData(t *testing.T) {
	t.Parallel()
	const region, source = "eu-west-1", "us-east-1"
	raw, err := os.ReadFile(filepath.Join(root, "docs/recipes/grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct {
				Namespace, MetricName, Statistic string
				Dimensions                       map[string]string
			}
		}
	}
	filled := strings.NewReplacer("$set", "s3fanout", "$region", region, `"*"`, `"`+source+`"`).Replace(string(raw))
	if err := json.Unmarshal([]byte(filled), &board); err != nil {
		t.Fatal(err)
	}
	r := runSandbox(t)
	r.upload(source, "films/one", "a film")
	r.settle()
	r.s3fanout("sandbox", "fault", "--region", region, "--kind", "s3-unavailable", "--rate", "1")
	r.upload(source, "films/two", "a film")
	r.settle()

	rare := map[string]bool{"Exists": true, "Diverged": true, "ProofAge": true}
	var queries []metricdata.Query
	var titles []string
	for _, p := range board.Panels {
		for _, m := range p.Targets {
			if rare[m.MetricName] {
				continue
			}
			q := metricdata.Query{
				Metric: metricdata.Metric{Namespace: m.Namespace, Name: m.MetricName}, Statistic: m.Statistic, Period: time.Hour,
			}
			for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
				q.Metric.Dimensions = append(q.Metric.Dimensions, [2]string{name, m.Dimensions[name]})
			}
			queries, titles = append(queries, q), append(titles, p.Title)
		}
	}
	now := time.Now()
	client := metricdata.NewClients(r.config(region), []string{region})[region]
	series, err := metricdata.Ask(t.Context(), client, now.Add(-2*time.Hour), now.Add(time.Hour), queries)
	if err != nil || len(queries) < 8 {
		t.Fatalf("%d queries: %v", len(queries), err)
	}
	for i, points := range series {
		if len(points) == 0 {
			t.Errorf("%s: no data for %+v", titles[i], queries[i])
		}
	}
}
