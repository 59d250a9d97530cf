package redrive_test

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
)

// TestOneMessage shows that one dead letter is replayed alone, that the run ends with
// it, and that those which were received on the way to it are given back at once.
func TestOneMessage(t *testing.T) {
	for _, tt := range []struct {
		id                 string
		dryRun             bool
		most               int
		replayed, receives int // receives: of all dead letters, at most: up to it, and what is received ahead
	}{
		{"m015", false, 0, 1, 55}, {"m015", true, 0, 0, 55}, {"m010", false, 0, 0, 55}, {"m150", false, 0, 1, 190},
		{"m999", false, 0, 0, 200},
		{"m015", false, 1, 1, 55}, {"m015", true, 1, 0, 55}, {"m150", false, 1, 1, 190}, {"m999", false, 1, 0, 200},
	} {
		t.Run(fmt.Sprint(tt.id, tt.dryRun, tt.most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.options.Regions, w.options.DryRun = []string{west}, tt.dryRun
				w.options.Filter.MessageID, w.options.Max = tt.id, tt.most
				for i := range 200 {
					body := envelope(fmt.Sprint("k", i), functionARN(west))
					if i == 10 {
						body = "not understood"
					}
					w.queues[west].put(body)
				}
				report := w.run(t, t.Context())
				got := w.functions[west].invocations()
				if got != tt.replayed || report.Regions[0].Replayed != tt.replayed || report.Err() != nil {
					t.Errorf("invoked %d times, replayed %d, error %v, want %d", got, report.Regions[0].Replayed, report.Err(), tt.replayed)
				}
				if left, visible := w.queues[west].left(), w.queues[west].visible(); left != 200-tt.replayed || visible != left {
					t.Errorf("%d are left, %d of them visible", left, visible)
				}
				received := 0
				for _, m := range w.queues[west].messages {
					received += m.receives
					if m.deleted != (m.id == tt.id && tt.replayed > 0) {
						t.Errorf("%s: deleted %v", m.id, m.deleted)
					}
				}
				if received > tt.receives || report.Regions[0].Limited {
					t.Errorf("%d letters were received, at most %d were needed; limited %v",
						received, tt.receives, report.Regions[0].Limited)
				}
				if n := w.queues[west].called("ReceiveMessage"); n > tt.receives/10+3 {
					t.Errorf("%d requests to receive %d letters", n, received)
				}
			})
		})
	}
}

// TestMaxOfAFewAmongMany shows that a limit does not have dead letters come one by one
// where the filter leaves most of them.
func TestMaxOfAFewAmongMany(t *testing.T) {
	for _, most := range []int{1, 3, 12} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Regions, w.options.Max, w.options.Filter.Prefix = []string{west}, most, "a/"
			for i := range 400 {
				key := fmt.Sprint("b/", i)
				if i%20 == 19 {
					key = fmt.Sprint("a/", i)
				}
				w.queues[west].put(envelope(key, functionARN(west)))
			}
			report := w.run(t, t.Context())
			s := report.Regions[0]
			if s.Replayed != most || w.functions[west].invocations() != most || !s.Limited || w.queues[west].visible() != 400-most {
				t.Errorf("most %d: %d replayed, limited %v, %d visible", most, s.Replayed, s.Limited, w.queues[west].visible())
			}
			if n := w.queues[west].called("ReceiveMessage"); n > 2*most+5 {
				t.Errorf("most %d: %d requests to receive, want 10 letters by each", most, n)
			}
		})
	}
}

// TestMaxAmongForeignLetters shows that a limit does not have letters come one by one that
// it does not count, and takes none too many out of others' reach where it counts all.
func TestMaxAmongForeignLetters(t *testing.T) {
	for _, tt := range []struct {
		dryRun                  bool
		foreign, most           int
		requests, received      int // at most
		replayed, left, visible int
	}{
		{false, 0, 1, 1, 1, 1, 0, 19}, {true, 0, 1, 1, 1, 0, 1, 20}, {false, 0, 3, 1, 3, 3, 0, 17},
		{false, 300, 1, 38, 311, 1, 300, 319}, {true, 300, 1, 38, 311, 0, 301, 320}, {false, 300, 12, 40, 322, 12, 300, 308},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Regions, w.options.Max, w.options.DryRun = []string{west}, tt.most, tt.dryRun
			for i := range tt.foreign {
				body := "not understood"
				if i%2 == 1 {
					body = envelope("k", "arn:aws:lambda:"+west+":999999999999:function:media-replicator")
				}
				w.queues[west].put(body)
			}
			for i := range 20 {
				w.queues[west].put(envelope(fmt.Sprint("k", i), functionARN(west)))
			}
			report := w.run(t, t.Context())
			received := 0
			for _, m := range w.queues[west].messages {
				received += m.receives
			}
			if n := w.queues[west].called("ReceiveMessage"); n > tt.requests || received > tt.received {
				t.Errorf("%+v: %d requests received %d letters", tt, n, received)
			}
			s, visible := report.Regions[0], w.queues[west].visible()
			if s.Replayed != tt.replayed || report.Left() != tt.left || visible != tt.visible || !s.Limited {
				t.Errorf("%+v: %d replayed, %d left, %d visible, limited %v", tt, s.Replayed, report.Left(), visible, s.Limited)
			}
		})
	}
}

// TestOneKeyOrCause shows that each of the others that a selection can name chooses
// those dead letters alone.
func TestOneKeyOrCause(t *testing.T) {
	for _, tt := range []struct {
		filter redrive.Filter
		want   int
	}{
		{redrive.Filter{Key: "films/1"}, 1},
		{redrive.Filter{Key: "films/1", Prefix: "music/"}, 0},
		{redrive.Filter{Cause: "SlowDown"}, 2},
		{redrive.Filter{Cause: "Slow"}, 0},
		{redrive.Filter{Cause: deadletter.Cause("not a known dead letter"), Key: "films/1"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Filter = tt.filter
			for _, key := range []string{"films/1", "films/10"} {
				w.queues[west].put(envelope(key, functionARN(west)))
			}
			w.queues[west].put("hello")
			w.run(t, t.Context())
			if got := w.functions[west].invocations(); got != tt.want {
				t.Errorf("%+v: %d invocations, want %d", tt.filter, got, tt.want)
			}
			if left, visible := w.queues[west].left(), w.queues[west].visible(); left != 3-tt.want || visible != left {
				t.Errorf("%+v: %d are left, %d of them visible", tt.filter, left, visible)
			}
		})
	}
}

// TestFunctionsSayWhatTheyDid reads the answers of functions, and of one that says
// nothing.
func TestFunctionsSayWhatTheyDid(t *testing.T) {
	for answer, want := range map[string]map[string]int{
		`{"copied":1,"exists":0,"sourceGone":2}`: {"copied": 1, "sourceGone": 2},
		"null":                                   {},
		`"done"`:                                 {},
		`{"copied":"x"}`:                         {},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.functions[west].answer = answer
			w.queues[west].put(envelope("k", functionARN(west)))
			report := w.run(t, t.Context())
			if got := report.Regions[1].Results[0]; got.Outcome != redrive.Replayed || !maps.Equal(got.Did, want) {
				t.Errorf("%s: %s %v, want %v", answer, got.Outcome, got.Did, want)
			}
		})
	}
}
