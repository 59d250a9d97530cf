package redrive

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithytime "github.com/aws/smithy-go/time"
)

// drainer works through one queue: dead letters are received ahead of the functions,
// the functions run side by side, and what they have done is deleted behind them, so
// that no function waits for SQS. One goroutine decides; run is it.
type drainer struct {
	*queue
	parallel int
	ahead    int // dead letters that are received before a function is free for them
	answers  chan answer
	freed    chan struct{} // a function is free
	settled  chan bool     // a dead letter that was replayed is deleted, or could not be
	remover  *remover
	returns  returns

	waiting  []*job
	running  int             // dead letters whose functions run
	open     int             // dead letters that are tried, or were replayed and are not deleted yet
	deletes  bool            // a dead letter was deleted: it is possible
	asking   int             // receives under way, and pauses before the next
	expected int             // dead letters that they may bring
	pause    bool            // a pause is under way
	full     bool            // the last receive brought as many dead letters as it could
	foreign  int             // dead letters in a row that no function could be invoked with
	failures int             // receives that failed, in a row
	ended    bool            // there is nothing more to receive
	over     <-chan struct{} // of the context; nil once it was seen
	halted   <-chan struct{} // of the queue; nil once it was seen
	failed   error           // why nothing more was received
}

// answer is what a receive brought, or the end of a pause.
type answer struct {
	messages []types.Message
	err      error
	want     int
	started  time.Time
	asked    chan struct{} // see queue.ask; nil for a pause
	goesOn   bool          // after a pause
}

// drain works through the queue until it gives nothing new, a watch until ctx
// ends.
func (q *queue) drain(ctx context.Context) error {
	holding, end := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { q.keep(holding) })
	defer kept.Wait()
	defer end()
	parallel := cmp.Or(q.options.Parallel, DefaultParallel)
	d := &drainer{
		queue: q, parallel: parallel, ahead: lookahead(parallel, q.options.Rate),
		answers: make(chan answer), freed: make(chan struct{}), settled: make(chan bool), remover: &remover{queue: q},
		over: ctx.Done(), halted: q.halted,
	}
	d.run(ctx)
	d.remover.wait()
	q.cut = ctx.Err() != nil && !d.ended
	return cmp.Or(q.stopped(), d.failed)
}

// lookahead is how many dead letters to receive ahead of so many functions: as many as
// they work on, twice. A receive takes no longer than an invocation, as both go to the
// same Region. Of what a rate lets pass it is a second's dead letters: no more are kept
// from others for a run that is slow on purpose.
func lookahead(parallel int, rate float64) int {
	ahead := max(2, (2*parallel+batch-1)/batch) * batch
	if rate > 0 {
		ahead = int(min(float64(ahead), rate))
	}
	return ahead
}

// run receives and hands out until there is nothing more to do. A watch receives one
// batch at a time while few dead letters come, and so does every other run.
func (d *drainer) run(ctx context.Context) {
	for {
		for len(d.waiting) > 0 && d.mayStart() {
			j := d.waiting[0]
			d.waiting = d.waiting[1:]
			d.running++
			d.open++
			go d.do(ctx, j)
		}
		d.receiveMore(ctx)
		if d.asking == 0 && len(d.waiting) == 0 && d.running == 0 && d.open == 0 {
			return
		}
		select {
		case <-d.freed:
			d.running--
		case ok := <-d.settled:
			d.open--
			d.deletes = d.deletes || ok
		case a := <-d.answers:
			d.digest(ctx, a)
		case <-d.over:
			d.over = nil
			d.drop(ctx)
		case <-d.halted:
			d.halted = nil
			d.drop(ctx)
		}
	}
}

// mayStart reports whether another dead letter may be tried now. Before it is known
// that dead letters can be deleted, no more are than run at once; and after that no
// more wait for it than were received ahead.
func (d *drainer) mayStart() bool {
	most := d.parallel
	if d.deletes {
		most += d.ahead
	}
	return d.running < d.parallel && d.open < most
}

// done reports that no more dead letters are to be received, nor tried.
func (d *drainer) done(ctx context.Context) bool { return ctx.Err() != nil || d.stopped() != nil }

// receiveMore asks for dead letters while there is room for a batch of them, or for one
// where none are received ahead.
func (d *drainer) receiveMore(ctx context.Context) {
	for !d.ended && !d.pause && d.failed == nil && !d.done(ctx) {
		room := d.parallel - d.running + d.ahead - len(d.waiting) - d.expected
		if room < max(1, min(batch, d.ahead)) || d.asking > 0 && !d.full {
			return
		}
		want := min(batch, room)
		switch most := d.limits.most(d.expected + want); {
		case most == d.expected+want: // more may be tried than come
		case most == 0 || d.options.Filter == (Filter{}) && d.foreign == 0:
			want = most - d.expected
		case d.options.Filter != (Filter{}): // most of what comes may not be chosen
		case d.expected > 0:
			return // one batch at a time: what comes may be foreign, which no limit counts
		default:
			want = min(want, most+d.foreign)
		}
		if want <= 0 {
			d.limited = d.limited || d.expected == 0
			return
		}
		d.asking++
		d.expected += want
		a := answer{want: want, started: time.Now(), asked: d.ask()}
		go func() {
			a.messages, a.err = d.receive(ctx, want)
			d.answers <- a
		}()
	}
}

// digest takes in what a receive has brought.
func (d *drainer) digest(ctx context.Context, a answer) {
	d.asking--
	d.expected -= a.want
	if a.asked == nil {
		d.pause = false
		if !a.goesOn && ctx.Err() == nil {
			d.failed = a.err
		}
		return
	}
	fresh, back, again := d.take(a.messages, a.asked)
	if a.err != nil {
		d.fail(ctx, a.err)
		return
	}
	if d.failures > 0 {
		d.failures = 0
		d.observer.Trouble(d.region, nil)
	}
	d.full = len(a.messages) == a.want
	for _, m := range fresh {
		j, r := d.plan(m)
		d.foreign++
		if r.Outcome != NotUnderstood && r.Outcome != NotOurs {
			d.foreign = 0
		}
		if j == nil {
			d.finish(r, m)
			continue
		}
		d.waiting = append(d.waiting, j)
	}
	if d.done(ctx) {
		d.drop(ctx)
	}
	for _, m := range back {
		// If that fails, the dead letter stays for the next run, and is replayed twice,
		// which is harmless.
		d.remover.add(ctx, m, func(error) {})
	}
	held, deleted := d.standing()
	nothing := d.returns.nothingNew(len(fresh), again, held, deleted)
	switch {
	case len(fresh) > 0:
	case d.options.Watch:
		// An endpoint that does not wait, as AWS does, is not pressed.
		if left := pollTime - time.Since(a.started); left > 0 {
			d.sleep(func() answer { return answer{goesOn: smithytime.SleepWithContext(ctx, left) == nil} })
		}
	case len(a.messages) == 0 || nothing:
		d.ended = true
	}
}

// fail decides what becomes of the run after a receive that failed.
func (d *drainer) fail(ctx context.Context, err error) {
	if ctx.Err() != nil || d.failed != nil {
		return
	}
	d.failures++
	d.full = false
	failures := d.failures
	d.sleep(func() answer { return answer{err: err, goesOn: d.endure(ctx, err, failures)} })
}

// sleep receives nothing more until a pause is over.
func (d *drainer) sleep(pause func() answer) {
	if d.pause {
		return
	}
	d.pause = true
	d.asking++
	go func() { d.answers <- pause() }()
}

// drop gives dead letters up that nobody has begun with: they are left, interrupted or
// for the reason that the run ends for.
func (d *drainer) drop(ctx context.Context) {
	for _, j := range d.waiting {
		d.limits.giveBack()
		if err := d.stopped(); err != nil && ctx.Err() == nil {
			d.finish(j.result.ended(NotInvoked, "not tried: "+err.Error(), err), j.message)
		} else if !d.leave(j.message) {
			d.finish(j.result.ended(Interrupted, interrupted, nil), j.message)
		}
	}
	d.waiting = nil
	if d.options.Watch && ctx.Err() != nil {
		d.surrender(ctx)
	}
}

// do does a job, and has the dead letter deleted after it.
func (d *drainer) do(ctx context.Context, j *job) {
	r := d.replay(ctx, j)
	if r.Outcome != Replayed {
		d.finish(r, j.message)
	}
	d.freed <- struct{}{}
	if r.Outcome != Replayed {
		d.settle(ctx, false)
		return
	}
	d.remover.add(ctx, j.message, func(err error) {
		if err != nil {
			r = r.ended(NotDeleted, err.Error(), err)
		}
		d.finish(r, j.message)
		d.settle(ctx, err == nil)
	})
}

// settle ends the work on a dead letter.
func (d *drainer) settle(ctx context.Context, deleted bool) {
	if d.options.Watch && ctx.Err() != nil {
		d.surrender(ctx)
	}
	d.settled <- deleted
}
