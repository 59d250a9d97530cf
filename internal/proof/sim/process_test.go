package sim

import (
	"context"
	"strconv"
	"sync"
	"time"

	"s3fanout/internal/copier"
)

// process is a function's invocation or a run of a command: what can be killed.
type process struct {
	w      *world
	id     string
	region string // where its calls go unless they say otherwise
	// named are the IDs of the versions that it was asked for; nil: any.
	named []string
	// chain is how many invocations led to this one.
	chain int
	// reliable processes meet no faults and die from nothing.
	reliable bool
	// person is set for a command that sends requests as whoever runs it, so that
	// what it writes is a user's. readOnly says that it is to write nothing.
	person, readOnly bool
	began            time.Time
	sessionName      string // of the role, if not the function's name
	// lastPart is the part of whose copy it dies, counted from 1; zero for none. end is
	// called then.
	lastPart int
	end      func()

	dead chan struct{}
	once sync.Once

	mu    sync.Mutex
	calls map[deed]int // how often each was made, for its identity
	parts int          // that it has asked to be copied
}

// deed is a call for a copy, or for none in particular.
type deed struct{ of, call string }

func (w *world) newProcess(id, region string) *process {
	return &process{w: w, id: id, region: region, began: time.Now(), dead: make(chan struct{}), calls: map[deed]int{}}
}

func (p *process) kill() { p.once.Do(func() { close(p.dead) }) }

func (p *process) killed() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// isLastPart counts a part, and says whether the process dies of it.
func (p *process) isLastPart() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts++
	return p.parts == p.lastPart
}

// copyKey is where a context says which copy its calls are for.
type copyKey struct{}

// labelled is a Copier whose calls are told apart, although it copies several
// objects at once.
type labelled struct {
	*copier.Copier
	p *process
}

func (l labelled) Copy(ctx context.Context, r copier.Request) (copier.Result, error) {
	ctx = context.WithValue(ctx, copyKey{}, l.p.identity(ctx, "copy "+r.Source.VersionID))
	result, err := l.Copier.Copy(ctx, r)
	if err == nil && l.p.w.follow == nil {
		l.p.w.checkOutcome(l.p, r, result.Outcome)
	}
	return result, err
}

// identity names a call: it is the n-th of its kind by the process, or for one
// of its copies.
func (p *process) identity(ctx context.Context, call string) string {
	of, copying := ctx.Value(copyKey{}).(string)
	p.mu.Lock()
	n := p.calls[deed{of, call}] + 1
	p.calls[deed{of, call}] = n
	p.mu.Unlock()
	if copying {
		return of + ": " + call + " #" + strconv.Itoa(n)
	}
	return p.id + " " + call + " #" + strconv.Itoa(n)
}

// pause waits. It is cut short if the context ends or the process dies first.
func (p *process) pause(ctx context.Context, d time.Duration) (cut bool) {
	t := p.w.alarms.set(d)
	select {
	case <-t.C:
	case <-p.dead:
		cut = true
	case <-ctx.Done():
		cut = true
	}
	if cut {
		t.Stop()
	}
	p.w.alarms.free(t)
	return cut
}

// cutOff is why a call ends early. It waits a little, each call for a time of its
// own: otherwise all that one cancellation wakes would continue at the same
// moment, in an order that does not follow from the seed. What a dead process
// does shows nowhere, so it need not wait.
func (p *process) cutOff(ctx context.Context, id string) error {
	if p.killed() {
		return errKilled
	}
	p.w.wait(p.w.seed.between(time.Nanosecond, time.Millisecond, id, "cut off"))
	if p.killed() {
		return errKilled
	}
	return ctx.Err()
}

// call makes a request, up to so many times, as the SDK does. effect runs
// alone, and answers as AWS does.
func call[T any](
	ctx context.Context, p *process, region, op, what string, attempts int, effect func(identity string) (T, error),
) (T, error) {
	id := p.identity(ctx, op+" "+what)
	for attempt := 1; ; attempt++ {
		this := id
		if attempt > 1 {
			this += " try " + strconv.Itoa(attempt)
		}
		out, err := request(ctx, p, region, op, this, effect)
		if err == nil || attempt >= attempts || !retryable(err) {
			return out, err
		}
		if cut := p.pause(ctx, p.w.seed.between(10*time.Millisecond, time.Second, this, "backoff")); cut {
			return out, canceled(op, p.cutOff(ctx, this))
		}
	}
}

// request is one attempt.
func request[T any](ctx context.Context, p *process, region, op, id string, effect func(identity string) (T, error)) (lost T, err error) {
	w := p.w
	if p.killed() {
		return lost, canceled(op, errKilled)
	}
	roll := w.seed.of(id)
	f := w.faultOf(p, op, id, roll)
	there, back := w.latency(op, roll)
	begun := time.Now()
	if cut := p.pause(ctx, there); cut {
		// What is canceled in the moment in which it begins was never sent,
		// whichever of the two came first. Anything else is on its way, and nobody
		// waits for the answer.
		sent := time.Since(begun) > 0
		ended := p.cutOff(ctx, id)
		if sent && w.seed.chance(500, id, "arrives") {
			w.after(w.seed.between(time.Millisecond, 2*time.Second, id, "arrives when"), func() {
				if !w.isAway(region) {
					_, _ = do(w, op, id, effect)
				}
			})
		}
		return lost, canceled(op, ended)
	}
	if op == opPart && p.isLastPart() {
		if w.seed.chance(500, id, "is done") {
			_, _ = do(w, op, id, effect)
		}
		w.note(id, killed)
		p.kill()
		p.end()
		return lost, canceled(op, errKilled)
	}
	if w.isAway(region) {
		w.note(id, unreachable)
		return lost, unreachable.err(op)
	}
	if f != none && !f.takesEffect() {
		w.note(id, f)
		return lost, f.err(op)
	}
	out, err := do(w, op, id, effect)
	if cut := p.pause(ctx, back); cut {
		return lost, canceled(op, p.cutOff(ctx, id))
	}
	if f != none {
		w.note(id, f)
		return lost, f.err(op)
	}
	return out, err
}
