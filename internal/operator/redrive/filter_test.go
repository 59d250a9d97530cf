package redrive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/printable"
)

func TestFilter(t *testing.T) {
	tests := []struct {
		name   string
		filter redrive.Filter
		want   string // keys of the dead letters that are replayed
	}{
		{"none", redrive.Filter{}, "films/old films/new music/new"},
		{"prefix", redrive.Filter{Prefix: "films/"}, "films/old films/new"},
		{"prefix of nothing", redrive.Filter{Prefix: "ilms/"}, ""},
		{"older", redrive.Filter{OlderThan: 30 * time.Minute}, "films/old"},
		{"newer", redrive.Filter{NewerThan: 30 * time.Minute}, "films/new music/new"},
		{"between", redrive.Filter{OlderThan: time.Hour, NewerThan: 2 * time.Hour}, ""},
		{"reason", redrive.Filter{Reason: "slowdown"}, "films/old films/new music/new"},
		{"another reason", redrive.Filter{Reason: "denied"}, ""},
		{"all together", redrive.Filter{Prefix: "films/", NewerThan: time.Hour, Reason: "Slow"}, "films/new"},
	}
	for _, tt := range tests {
		for _, dryRun := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dry run %v", tt.name, dryRun), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.queues[west].put(envelope("films/old", functionARN(west)))
					<-time.After(time.Hour)
					w.queues[west].put(envelope("films/new", functionARN(west)))
					w.queues[west].put(envelope("music/new", functionARN(west)))
					w.options.Filter, w.options.DryRun = tt.filter, dryRun
					report := w.run(t, t.Context())
					wanted := strings.Fields(tt.want)
					for _, r := range report.Regions[1].Results {
						chosen := strings.Contains(tt.want, r.Letter.Objects[0].Key)
						if skipped := r.Outcome == redrive.Skipped; skipped == chosen {
							t.Errorf("%s: got %s", r.Letter.Objects[0].Key, r.Outcome)
						}
					}
					invoked, left := len(wanted), 0
					if dryRun {
						invoked, left = 0, len(wanted)
					}
					if got := w.functions[west].invocations(); got != invoked || report.Regions[1].Replayed != invoked {
						t.Errorf("invocations: got %d, replayed %d, want %d", got, report.Regions[1].Replayed, invoked)
					}
					if got := w.queues[west].visible(); got != 3-invoked || report.Left() != left {
						t.Errorf("visible: got %d, want %d; left %d, want %d", got, 3-invoked, report.Left(), left)
					}
				})
			})
		}
	}
}

// TestReasonOfAGroup chooses by the text that a summary has for a group: it leaves out
// of the dead letters' reasons what differs from one to the other.
func TestReasonOfAGroup(t *testing.T) {
	const mine = "1 of 1 failed: denied: replicate s3://b-us/films/a?versionId=1 to s3://b-eu (eu-west-1): " +
		"AccessDenied, request 4711: no policy allows it"
	cause := deadletter.Cause(mine)
	if strings.Contains(mine, cause) || strings.Contains(deadletter.Essence(mine), cause) {
		t.Fatalf("%q is a part of the reason, which proves nothing", cause)
	}
	for _, tt := range []struct {
		candidate redrive.Candidate
		want      bool
	}{
		{redrive.Candidate{Reason: mine}, true},
		{redrive.Candidate{Reason: mine, Cause: cause}, true},
		{redrive.Candidate{Reason: strings.Replace(mine, "AccessDenied", "SlowDown", 1)}, false},
	} {
		if got := (redrive.Filter{Reason: strings.ToUpper(cause)}).Chooses(tt.candidate, time.Time{}); got != tt.want {
			t.Errorf("%q chooses %+v: %v, want %v", cause, tt.candidate, got, tt.want)
		}
	}
}

// TestReasonAsASummaryShowsIt chooses by a reason that is copied from a summary, which
// cuts long ones, and quotes what cannot be shown.
func TestReasonAsASummaryShowsIt(t *testing.T) {
	for _, reason := range []string{
		"AccessDenied: " + strings.Repeat("not authorized ", 40), "AccessDenied: of \x00 \"key\"",
		"SlowDown \x1b " + strings.Repeat("é", 400),
	} {
		shown := printable.Short(printable.Quote(deadletter.Cause(reason)))
		f := redrive.Filter{Reason: shown}
		if f.Reason == reason || !f.Chooses(redrive.Candidate{Reason: reason}, time.Time{}) {
			t.Errorf("%s does not choose %q", shown, reason)
		}
		if f.Chooses(redrive.Candidate{Reason: "NoSuchBucket…"}, time.Time{}) {
			t.Errorf("%s chooses another", shown)
		}
	}
}

// TestFilterWhereLittleIsKnown has a dead letter that says nothing but its text, and
// one of several objects.
func TestFilterWhereLittleIsKnown(t *testing.T) {
	two := strings.Replace(s3Event("b/two"), `{"Records":[`, s3Event("a/one")[:len(s3Event("a/one"))-2]+",", 1)
	body := toJSON(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": two}}}})
	tests := []struct {
		filter redrive.Filter
		want   string
	}{
		{redrive.Filter{}, "replayed, not-understood"},
		{redrive.Filter{Prefix: "b/"}, "replayed, skipped"},
		{redrive.Filter{Prefix: "a/"}, "replayed, skipped"},
		{redrive.Filter{Prefix: "c/"}, "skipped, skipped"},
		{redrive.Filter{Reason: "not a known dead letter"}, "skipped, not-understood"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Filter, w.options.Parallel = tt.filter, 1
			w.queues[west].put(body)
			w.queues[west].put("hello")
			var got []string
			results := w.run(t, t.Context()).Regions[1].Results
			slices.SortFunc(results, func(a, b redrive.Result) int { return strings.Compare(a.MessageID, b.MessageID) })
			for _, r := range results {
				got = append(got, string(r.Outcome))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("%+v: got %v, want %s", tt.filter, got, tt.want)
			}
		})
	}
}

// TestSkippedInALongRun shows that a dead letter which was not selected is neither
// looked at again and again nor kept from others afterwards.
func TestSkippedInALongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Filter, w.options.Parallel = redrive.Filter{Prefix: "a/"}, 1
		w.functions[west].run = minutes(10)
		w.queues[west].put(envelope("b/", functionARN(west)))
		w.queues[west].put(envelope("a/", functionARN(west)))
		w.queues[west].put(envelope("a/", functionARN(west)))
		report := w.run(t, t.Context())
		if got, want := outcomes(report), west+" replayed, "+west+" replayed, "+west+" skipped"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if m := w.queues[west].messages[0]; m.receives != 1 || w.queues[west].visible() != 1 {
			t.Errorf("received %d times, visible %d; want once, and visible", m.receives, w.queues[west].visible())
		}
	})
}

func TestMax(t *testing.T) {
	for _, tt := range []struct{ most, parallel, want int }{{1, 8, 1}, {5, 1, 5}, {12, 8, 12}, {40, 8, 30}, {30, 8, 30}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Max, w.options.Parallel = tt.most, tt.parallel
			w.options.Filter.Prefix = "a/"
			for range 15 {
				for _, region := range []string{east, west} {
					w.queues[region].put(envelope("a/k", functionARN(region)))
					w.queues[region].put(envelope("b/k", functionARN(region)))
				}
			}
			report := w.run(t, t.Context())
			invoked := w.functions[east].invocations() + w.functions[west].invocations()
			left := w.queues[east].visible() + w.queues[west].visible()
			limited := report.Regions[0].Limited || report.Regions[1].Limited
			if invoked != tt.want || left != 60-tt.want || report.Left() != 0 || report.Err() != nil ||
				tt.most != 30 && limited != (tt.most < 30) {
				t.Errorf("%+v: %d invocations, %d visible, left %d, limited %v, error %v",
					tt, invoked, left, report.Left(), limited, report.Err())
			}
		})
	}
}

// TestMaxCountsFailures shows that a first dead letter can be tried on its own.
func TestMaxCountsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Max = 1
		w.functions[west].run = func(context.Context, string) error { return errThrown }
		for range 5 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		report := w.run(t, t.Context())
		if got := w.functions[west].invocations(); got != 1 || report.Left() != 1 || w.queues[west].visible() != 5 {
			t.Errorf("invocations: got %d, left %d, visible %d", got, report.Left(), w.queues[west].visible())
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Rate = 0.1
		var starts []time.Time
		note := make(chan time.Time, 100)
		for _, region := range []string{east, west} {
			w.functions[region].run = func(context.Context, string) error {
				note <- time.Now()
				return nil
			}
			for range 20 {
				w.queues[region].put(envelope("k", functionARN(region)))
			}
		}
		w.run(t, t.Context())
		close(note)
		for at := range note {
			starts = append(starts, at)
		}
		for i := 1; i < len(starts); i++ {
			if gap := starts[i].Sub(starts[i-1]); gap < 9999*time.Millisecond || gap > 12*time.Second {
				t.Errorf("letter %d came %s after the one before, want 10 s", i, gap)
			}
		}
		for _, region := range []string{east, west} {
			for _, m := range w.queues[region].messages {
				if m.receives != 1 || !m.deleted {
					t.Errorf("%s in %s: received %d times, deleted %v", m.id, region, m.receives, m.deleted)
				}
			}
		}
		if len(starts) != 40 {
			t.Errorf("replayed %d, want 40", len(starts))
		}
	})
}

// TestInterruptedWhileItWaitsForItsTurn shows that a slow rate does not keep a
// run from ending.
func TestInterruptedWhileItWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Rate = 1.0 / 3600
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		for range 5 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		start := time.Now()
		report := w.run(t, ctx)
		if took := time.Since(start); took > 10*time.Minute+5*time.Second || !report.Interrupted {
			t.Errorf("took %s, interrupted %v", took, report.Interrupted)
		}
		if w.queues[west].left() != 4 || w.queues[west].visible() != 4 || report.Left() != 4 {
			t.Errorf("left %d, visible %d, reported %d, want 4", w.queues[west].left(), w.queues[west].visible(), report.Left())
		}
	})
}
