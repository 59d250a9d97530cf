package console

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turn is whose dead letters are: what one reader has received, SQS gives to no other,
// who would take it for another's. A run, which somebody started, waits for all others;
// the page about a key waits for what ends soon; and a reading that nobody asked for
// makes way for both.
type turn struct {
	one  chan struct{} // has one while somebody holds dead letters
	keys chan struct{} // has one while the page about a key does, or wants to

	mu    sync.Mutex
	quiet *quietly // has the turn, if it is not nil
	runs  int      // that wait for it, and that no quiet reading comes before
}

// quietly is a reading that nobody asked for.
type quietly struct {
	stop  context.CancelFunc
	ended chan struct{}
}

func newTurn() *turn { return &turn{one: make(chan struct{}, 1), keys: make(chan struct{}, 1)} }

// errHeld is why the page about a key reads no dead letters.
var errHeld = errors.New("a run of the console has the dead letters")

// run takes the turn, and calls waiting if somebody has it who does not end soon.
func (t *turn) run(ctx context.Context, waiting func()) (end func(), err error) {
	t.waits(1)
	defer t.waits(-1)
	t.interrupt()
	end = func() { <-t.one }
	select {
	case t.one <- struct{}{}:
		return end, nil
	default:
		waiting()
	}
	select {
	case t.one <- struct{}{}:
		return end, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// key takes the turn for the time that a page about a key reads dead letters. It waits
// for other such pages, but for no run.
func (t *turn) key(ctx context.Context) (end func(), err error) {
	select {
	case t.keys <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if ended := t.interrupt(); ended != nil {
		select {
		case <-ended: // soon
		case <-ctx.Done():
			<-t.keys
			return nil, ctx.Err()
		}
	}
	select {
	case t.one <- struct{}{}:
		return func() { <-t.one; <-t.keys }, nil
	default:
		<-t.keys
		return nil, errHeld
	}
}

// waits counts the runs that wait.
func (t *turn) waits(runs int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs += runs
}

// interrupt ends the reading that nobody asked for, and returns what is closed then; nil
// if there is none.
func (t *turn) interrupt() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet == nil {
		return nil
	}
	t.quiet.stop()
	return t.quiet.ended
}

// quietly takes the turn if nobody has it, for so long at most. The context ends when
// somebody else wants it.
func (t *turn) quietly(ctx context.Context, most time.Duration) (reading context.Context, end func(), ok bool) {
	reading, stop := context.WithTimeout(ctx, most)
	t.mu.Lock() // whoever has the turn can be interrupted
	defer t.mu.Unlock()
	if t.runs > 0 {
		stop()
		return nil, nil, false
	}
	select {
	case t.one <- struct{}{}:
	default:
		stop()
		return nil, nil, false
	}
	q := &quietly{stop, make(chan struct{})}
	t.quiet = q
	return reading, func() {
		t.mu.Lock()
		<-t.one // has what quietly put there; nobody finds it there without quiet
		t.quiet = nil
		t.mu.Unlock()
		close(q.ended)
		stop()
	}, true
}
