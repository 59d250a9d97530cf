package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/snapshot"
	"s3fanout/internal/sandbox/trace"
)

// lagRun is uploads of one size at one rate.
type lagRun struct {
	name  string
	bytes int
	rate  int // uploads a second
}

// uploads is how many the run has.
func (r lagRun) uploads() int { return r.rate * lagSeconds }

// slow is what the slow ones are called: of few uploads the 99th percentile is the
// slowest of all.
func (r lagRun) slow() string {
	if r.uploads() <= 100 {
		return "most"
	}
	return "p99"
}

// lagRuns are what is measured, lagSeconds each. 100 uploads of 10 MiB a second are more
// than two processors can hash.
func lagRuns() []lagRun {
	return []lagRun{
		{"1 KiB, 1/s", 1 << 10, 1}, {"1 KiB, 10/s", 1 << 10, 10}, {"1 KiB, 100/s", 1 << 10, 100},
		{"10 MiB, 1/s", 10 << 20, 1}, {"10 MiB, 10/s", 10 << 20, 10},
	}
}

const lagSeconds = 10

// moments are when an upload came to each place on its way to the target.
type moments struct{ uploaded, announced, delivered, taken, asked, visible time.Time }

// arrows are the ways between two of them.
var arrows = []struct {
	name     string
	from, to func(moments) time.Time
}{
	{"lag", func(m moments) time.Time { return m.uploaded }, func(m moments) time.Time { return m.visible }},
	{"S3 to SNS", func(m moments) time.Time { return m.uploaded }, func(m moments) time.Time { return m.announced }},
	{"SNS to Lambda", func(m moments) time.Time { return m.announced }, func(m moments) time.Time { return m.delivered }},
	{"Lambda's queue and start", func(m moments) time.Time { return m.delivered }, func(m moments) time.Time { return m.taken }},
	{"the function", func(m moments) time.Time { return m.taken }, func(m moments) time.Time { return m.asked }},
	{"COPY", func(m moments) time.Time { return m.asked }, func(m moments) time.Time { return m.visible }},
}

// The arrow that is ours.
const oursArrow = 4

// openLatency measures from an upload's end to its replica in another Region, and what of
// it is AWS's.
func openLatency(_ context.Context, e env) (contest, error) {
	const alone = "without ours"
	c := contest{
		name: "latency", title: "From an upload's end to its replica", rounds: 1,
		about: fmt.Sprintf("Uploads in %s for %d seconds at each rate, until the replica is visible in %s, over a network like AWS's, "+
			"whose times are partly assumed (internal/sandbox/network). Ours is the function's time before its COPY. "+
			"10 MiB at 100/s is left out: hashing 1 GB/s takes more than two cores.", sourceRegion, lagSeconds, targetRegion),
	}
	c.parts.name = "parts, 1 KiB, 10/s, p50, ms"
	for _, r := range lagRuns() {
		for _, q := range []string{"p50", r.slow()} {
			for i, a := range arrows {
				key := r.name + " " + a.name + " " + q
				if i > 0 && r.name == "1 KiB, 10/s" && q == "p50" {
					c.parts.metrics = append(c.parts.metrics, key)
				}
				c.metrics = append(c.metrics, metric{key, a.name + ", " + r.name + ", " + q, "ms", theirsToOurs})
				if i == 0 && r.rate >= 10 {
					c.targets = append(c.targets, target{metric: key, against: []string{alone}, atLeast: 0.95})
				}
			}
		}
	}
	type both struct{ ours, theirs sample }
	var mu sync.Mutex
	rounds := map[int]both{}
	took := func(choose func(both) sample) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, round int) (sample, error) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := rounds[round]; !ok {
				ours, theirs, err := measureLag(ctx, e, round)
				if err != nil {
					return nil, err
				}
				rounds[round] = both{ours, theirs}
			}
			return choose(rounds[round]), nil
		}
	}
	c.contestants = []contestant{
		{name: "s3fanout", run: took(func(b both) sample { return b.ours })},
		{name: alone, run: took(func(b both) sample { return b.theirs })},
	}
	return c, nil
}

// lagWatch notes when uploads come to each place, by their keys.
type lagWatch struct {
	mu   sync.Mutex
	seen map[string]*moments
}

func (w *lagWatch) note(key string, what func(*moments) *time.Time) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.seen[key]
	if m == nil {
		m = &moments{}
		w.seen[key] = m
	}
	if at := what(m); at.IsZero() {
		*at = now
	}
}

func (w *lagWatch) call(c s3.Call) error {
	if c.Region == targetRegion && c.Operation == "CopyObject" {
		w.note(c.Key, func(m *moments) *time.Time {
			if c.Done {
				return &m.visible
			}
			return &m.asked
		})
	}
	return nil
}

func (w *lagWatch) step(s trace.Step) {
	switch {
	case s.Stage == trace.Announced && s.Source == sourceRegion:
		w.note(s.Key, func(m *moments) *time.Time { return &m.announced })
	case s.Stage == trace.Delivered && s.Target == targetRegion:
		w.note(s.Key, func(m *moments) *time.Time { return &m.delivered })
	}
}

var lagKey = regexp.MustCompile(`lag-\d+-\d+`)

func (w *lagWatch) invocation(region string, payload []byte) {
	if key := lagKey.Find(payload); region == targetRegion && key != nil {
		w.note(string(key), func(m *moments) *time.Time { return &m.taken })
	}
}

// measureLag runs a sandbox in this process and uploads to it.
func measureLag(ctx context.Context, e env, round int) (ours, theirs sample, err error) {
	w := &lagWatch{seen: map[string]*moments{}}
	steps := trace.New()
	steps.Watch(w.step)
	sb, err := sandbox.Start(ctx, sandbox.Config{
		Assembly: snapshot.FS(), Function: e.function, Dir: filepath.Join(e.dir, fmt.Sprintf("latency-%d", round)), Trace: steps,
		Network: e.distant(), NetworkFrom: sourceRegion, Seed: uint64(round) + 1, //nolint:gosec // counts from 0
		OnS3Call: w.call, OnInvoke: w.invocation,
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, sb.Close()) }()
	state := sb.State()
	client := sdk.NewFromConfig(aws.Config{
		Region: sourceRegion, BaseEndpoint: &state.Endpoint, APIOptions: []func(*middleware.Stack) error{requestbody.Keep},
		Credentials: credentials.NewStaticCredentialsProvider(state.AccessKeyID, state.SecretAccessKey, ""),
	}, func(o *sdk.Options) { o.UsePathStyle = true })
	ours, theirs = sample{}, sample{}
	for i, r := range lagRuns() {
		keys, err := w.upload(ctx, client, state.Regions[sourceRegion].Bucket, i, r)
		if err != nil {
			return nil, nil, err
		}
		if err := sb.Settled(ctx); err != nil {
			return nil, nil, err
		}
		if err := w.summarise(keys, r, ours, theirs); err != nil {
			return nil, nil, err
		}
	}
	return ours, theirs, nil
}

// upload sends objects at a rate, whatever becomes of them, and returns their keys.
func (w *lagWatch) upload(ctx context.Context, client *sdk.Client, bucket string, run int, r lagRun) (keys []string, err error) {
	g, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Second / time.Duration(r.rate))
	defer tick.Stop()
	body := bytes.Repeat([]byte{'x'}, r.bytes)
	for i := range lagSeconds * r.rate {
		key := fmt.Sprintf("lag-%d-%d", run, i)
		keys = append(keys, key)
		g.Go(func() error {
			_, err := client.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
			w.note(key, func(m *moments) *time.Time { return &m.uploaded })
			return err
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return keys, g.Wait()
}

// summarise adds a run's figures to the samples.
func (w *lagWatch) summarise(keys []string, r lagRun, ours, theirs sample) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, a := range arrows {
		var took, alone []float64
		for _, key := range keys {
			m := *w.seen[key]
			if m.visible.IsZero() || m.taken.IsZero() {
				return fmt.Errorf("%s has no replica in %s", key, targetRegion)
			}
			d := milliseconds(a.to(m).Sub(a.from(m)))
			took = append(took, d)
			if i == 0 {
				alone = append(alone, d-milliseconds(arrows[oursArrow].to(m).Sub(arrows[oursArrow].from(m))))
			}
		}
		for q, part := range map[string]float64{"p50": 0.5, r.slow(): 0.99} {
			key := r.name + " " + a.name + " " + q
			ours[key] = quantile(took, part)
			if i == 0 {
				theirs[key] = quantile(alone, part)
			}
		}
	}
	return nil
}

// quantile is the least figure that a part of all are not above.
func quantile(figures []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}
