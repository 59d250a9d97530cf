package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"s3fanout/internal/console"
	"s3fanout/internal/operator/document"
)

const hostile = `<img src=x onerror="document.title='owned'">/"'&amp;` + "\u202e.txt"

// broken has line breaks, which HTML's parser, fields and forms change.
const broken = "a\r\nb\tc/"

// The size of the set.
const (
	regionsOfCrowd = 20
	letters        = 100_000
	differences    = 100_000
)

// crowd is a set of twenty Regions with a hundred thousand dead letters, whose keys
// are hostile, and in which nothing is well. What is not asked of it here would panic.
type crowd struct {
	console.Source

	regions []string

	mu    sync.Mutex
	asked map[string]int
}

func newCrowd() *crowd {
	c := &crowd{asked: map[string]int{}}
	for i := range regionsOfCrowd {
		c.regions = append(c.regions, fmt.Sprintf("xx-region-%d", i))
	}
	return c
}

func (c *crowd) options() console.Options {
	o := console.Options{Source: c, Set: "media", Regions: c.regions, Buckets: map[string]string{}, Proofs: true, Write: true}
	for _, r := range c.regions {
		o.Buckets[r] = "media-" + r
	}
	return o
}

func (c *crowd) ask(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[what]++
}

// times is how often that was asked of the set.
func (c *crowd) times(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[what]
}

func pointer[T any](v T) *T { return &v }

func (c *crowd) Status(context.Context) (console.Look, error) {
	c.ask("status")
	s := console.Look{Status: document.Status{ReplicaSet: "media"}, Uploads: map[string]int64{}}
	for i, r := range c.regions {
		row := document.StatusRegion{
			Region: r, Parts: map[string]string{"bucket": "ok"}, DeadLetters: pointer(letters / regionsOfCrowd), Oldest: pointer(90_000.0),
			Errors: pointer(12.0), ProofSeconds: pointer(300.0),
			Behind: &document.StatusBehind{OldestSeconds: pointer(1000.0), Waiting: pointer(int64(5000))},
		}
		for j, source := range c.regions {
			if i == j {
				continue
			}
			row.Lag = append(row.Lag, document.StatusLag{SourceRegion: source, P50: 100, P99: 120_000})
			row.Behind.Sources = append(row.Behind.Sources, document.StatusSource{SourceRegion: source, Waiting: pointer(int64(263))})
		}
		s.Regions, s.Uploads[r] = append(s.Regions, row), 1_000_000
		for check := range 30 {
			s.Findings = append(s.Findings, document.Finding{
				Check: fmt.Sprint("check-", check), Region: r, Severity: "failed", What: hostile, Means: hostile,
				Fix: hostile + "; then s3fanout redrive --region " + r,
			})
		}
	}
	return s, nil
}

func (c *crowd) Trends(context.Context) (list []console.Trend, _ error) {
	c.ask("trends")
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, target := range c.regions {
		for _, source := range c.regions {
			if source == target {
				continue
			}
			t := console.Trend{SourceRegion: source, TargetRegion: target}
			t.Start, t.Asked, t.Period = start, start.Add(178*time.Minute), 5*time.Minute
			for i := range 36 {
				t.Replicas, t.P99Seconds = append(t.Replicas, pointer(float64(1000+i))), append(t.P99Seconds, pointer(120.5))
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func (c *crowd) Alarms(context.Context) (list []console.Alarm, _ error) {
	c.ask("alarms")
	for _, r := range c.regions {
		for i := range 12 {
			list = append(list, console.Alarm{Region: r, Name: fmt.Sprint(i, hostile), State: "ALARM", Reason: hostile})
		}
	}
	return list, nil
}

// letter is one of them; its key differs from the others'.
func (c *crowd) letter(i int) document.RedriveLetter {
	region, source := c.regions[i%regionsOfCrowd], c.regions[(i+1)%regionsOfCrowd]
	key := fmt.Sprint(i, hostile)
	if i%2 == 1 {
		key = fmt.Sprint(i, broken, hostile)
	}
	return document.RedriveLetter{
		Region: region, MessageID: fmt.Sprint(i), Kind: "on-failure", Reason: hostile, Outcome: "waiting", Attempts: 3,
		Objects:   []document.RedriveObject{{Bucket: "media-" + source, Key: key, VersionID: "v"}},
		Functions: []document.RedriveFunction{{Region: region, Name: "media-replicator"}},
	}
}

func (c *crowd) DeadLetters(_ context.Context, read func(int)) (document.Redrive, error) {
	c.ask("letters")
	d := document.Redrive{}
	for _, r := range c.regions {
		d.Regions = append(d.Regions, document.RedriveRegion{Region: r, Found: letters / regionsOfCrowd})
	}
	for i := range letters {
		d.Letters = append(d.Letters, c.letter(i))
		if i%1000 == 0 {
			read(i)
		}
	}
	return d, nil
}

func (c *crowd) Verify(
	_ context.Context, prefix string, progress func(keys, waiting int64), found func(document.VerifyDifference),
) (console.Compared, error) {
	c.ask("verify")
	for i := range differences {
		found(document.VerifyDifference{
			Kind: "missing", Key: fmt.Sprintf("%s%d/%d%s", prefix, i%1000, i, hostile), Why: hostile,
			Without: c.regions[1:], Differing: c.regions[:1],
		})
	}
	progress(differences, 0)
	return console.Compared{VerifySummary: document.VerifySummary{ReplicaSet: "media", Keys: differences, Missing: differences}}, nil
}

func (c *crowd) Backfill(_ context.Context, _ console.Missing, progress func(done, missing int)) (console.Copied, error) {
	c.ask("backfill")
	progress(differences, differences)
	d := document.Backfill{Estimate: &document.BackfillEstimate{Dollars: 12}}
	for _, r := range c.regions {
		d.Targets = append(d.Targets, document.BackfillTarget{Region: r, Missing: differences})
	}
	return console.Copied{Backfill: d}, nil
}

func (c *crowd) Keys(_ context.Context, prefix string) (keys []string, _ error) {
	c.ask("keys")
	for i := range 20 {
		keys = append(keys, fmt.Sprint(prefix, i, hostile))
	}
	return keys, nil
}

func (c *crowd) Explain(
	_ context.Context, key string, _ func(context.Context) (func(), error),
) (document.Explain, error) {
	c.ask("explain")
	d := document.Explain{Key: key, Verdict: "dead-letter", Text: hostile}
	d.Steps = []document.ExplainStep{{Text: hostile, Command: "s3fanout explain"}}
	for _, r := range c.regions {
		d.Regions = append(d.Regions, document.ExplainRegion{
			Region: r, State: "missing", Error: hostile, Errors: []string{hostile},
			Object: &document.ExplainObject{ETag: hostile, VersionID: hostile},
		})
		d.Letters = append(d.Letters, document.ExplainLetter{Queue: r, Reason: hostile})
	}
	return d, nil
}

func (c *crowd) History(_ context.Context, key string) (document.History, error) {
	c.ask("history")
	d := document.History{Key: key}
	for i := range 200 {
		d.Entries = append(d.Entries, document.HistoryEntry{
			Region: c.regions[i%regionsOfCrowd], What: "write", VersionID: hostile, Time: time.Unix(int64(i)*1000, 0),
		})
	}
	return d, nil
}

func (c *crowd) Report(_ context.Context, month string) (document.Report, error) {
	c.ask("report")
	d := document.Report{Month: month, Threshold: 900}
	for _, target := range c.regions {
		d.Regions = append(d.Regions, document.ReportRegion{Region: target, GivenUp: pointer(int64(5)), Unavailable: hostile})
		for _, source := range c.regions {
			if source != target {
				d.Pairs = append(d.Pairs, document.ReportPair{
					SourceRegion: source, TargetRegion: target, Arrived: 1_000_000, Late: 12,
					Within: []document.ReportWithin{{Seconds: 60, Arrived: 999_000}, {Seconds: 900, Arrived: 999_988}},
					Worst:  &document.ReportWorst{Seconds: 1000},
				})
			}
		}
	}
	return d, nil
}
