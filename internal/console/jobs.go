package console

import (
	"cmp"
	"context"
	"sync"
	"time"

	"s3fanout/internal/printable"
)

// showInterval is between two reports of a run's progress.
const showInterval = 250 * time.Millisecond

// job is a run that somebody started. Its fields change under its table's lock.
type job struct {
	Title   string
	Started time.Time
	Ended   time.Time // zero while it runs
	Text    string    // how far it is, or what came of it
	Done    int64
	Total   int64 // 0: not known
	Failed  bool
	Stopped bool // by somebody
	stop    context.CancelFunc
}

// Running says whether the run goes on.
func (j job) Running() bool { return j.Ended.IsZero() }

// jobs has the newest run of each kind; one of a kind goes on at a time.
type jobs struct {
	ctx    context.Context // ends all
	now    func() time.Time
	change func(kind string, j job)

	showing sync.Mutex // the newest state is shown last

	mu     sync.Mutex
	newest map[string]*job
	wait   sync.WaitGroup
}

func newJobs(ctx context.Context, now func() time.Time, change func(string, job)) *jobs {
	return &jobs{ctx: ctx, now: now, change: change, newest: map[string]*job{}}
}

// progress shows how far a run is; total is 0 if it is not known.
type progress func(text string, done, total int64)

// start begins a run, and returns false if one of the kind is running already. run
// returns what came of it.
func (t *jobs) start(kind, title string, run func(context.Context, progress) (string, error)) bool {
	ctx, stop := context.WithCancel(t.ctx)
	j := &job{Title: title, Started: t.now(), stop: stop}
	t.mu.Lock()
	if old := t.newest[kind]; old != nil && old.Running() || ctx.Err() != nil {
		t.mu.Unlock()
		stop()
		return false
	}
	t.newest[kind] = j
	t.mu.Unlock()
	t.show(kind)
	t.wait.Go(func() {
		defer stop()
		shown := t.now()
		text, err := run(ctx, func(text string, done, total int64) {
			t.update(func() { j.Text, j.Done, j.Total = text, done, total })
			if now := t.now(); now.Sub(shown) >= showInterval {
				shown = now
				t.show(kind)
			}
		})
		t.update(func() {
			j.Ended, j.Text = t.now(), text
			switch {
			case err != nil && ctx.Err() != nil:
				j.Text, j.Stopped = "Stopped. "+cmp.Or(text, printable.OneLine(err.Error())), true
			case err != nil:
				j.Text, j.Failed = printable.OneLine(err.Error()), true
			}
		})
		t.show(kind)
	})
	return true
}

func (t *jobs) update(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

func (t *jobs) show(kind string) {
	t.showing.Lock()
	defer t.showing.Unlock()
	if j, ok := t.get(kind); ok {
		t.change(kind, j)
	}
}

// get is the newest run of a kind, if there was one.
func (t *jobs) get(kind string) (job, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.newest[kind]; j != nil {
		return *j, true
	}
	return job{}, false
}

// stop interrupts the run of a kind.
func (t *jobs) stop(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.newest[kind]; j != nil {
		j.stop()
	}
}
