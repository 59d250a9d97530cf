// Package poll asks several again and again, as Regions are asked, and is held up by
// none of them: what has not answered in time is left out, and so is an answer that has
// become old.
package poll

import (
	"context"
	"sync"
	"time"
)

// Limits are the times that a Poller keeps to.
type Limits struct {
	// Question bounds a question: its context ends then.
	Question time.Duration
	// Pace is the least time between the starts of two questions to the same one.
	Pace time.Duration
	// Patience is how long Get waits for what has not answered yet.
	Patience time.Duration
}

// keep is how long an answer counts, from the start of its question: until the next one
// must have been answered.
func (l Limits) keep() time.Duration { return l.Pace + 2*l.Question }

// Poller has the newest answers. It is safe for concurrent use.
type Poller[T any] struct {
	limits Limits
	ask    func(name string) T

	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	asked    time.Time     // when the newest question was
	done     chan struct{} // closed by its answer; nil before the first question
	value    T
	answered time.Time // when the question of value was asked; zero: never
}

// New makes a Poller that asks until ctx ends. ask must return soon after its context
// has ended; it is called for several names at once, and once at a time for each.
func New[T any](ctx context.Context, limits Limits, ask func(ctx context.Context, name string) T) *Poller[T] {
	return &Poller[T]{limits: limits, entries: map[string]*entry[T]{}, ask: func(name string) T {
		ctx, cancel := context.WithTimeout(ctx, limits.Question)
		defer cancel()
		return ask(ctx, name)
	}}
}

// Get asks those whose turn it is, and returns the answers that count. pending says
// that some of the rest may come soon.
func (p *Poller[T]) Get(ctx context.Context, names ...string) (answers map[string]T, pending bool) {
	var questions []<-chan struct{}
	for _, name := range names {
		questions = append(questions, p.question(name))
	}
	ctx, cancel := context.WithTimeout(ctx, p.limits.Patience)
	defer cancel()
	for _, answered := range questions {
		select {
		case <-answered:
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	answers = map[string]T{}
	for _, name := range names {
		e := p.entries[name]
		if !e.answered.IsZero() && time.Since(e.answered) <= p.limits.keep() {
			answers[name] = e.value
		}
		select {
		case <-e.done:
		default:
			pending = true
		}
	}
	return answers, pending
}

// question is closed when the newest question has its answer.
func (p *Poller[T]) question(name string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[name]
	if e == nil {
		e = &entry[T]{}
		p.entries[name] = e
	}
	if e.done != nil {
		select {
		case <-e.done:
			if time.Since(e.asked) < p.limits.Pace {
				return e.done
			}
		default:
			return e.done
		}
	}
	done := make(chan struct{})
	e.asked, e.done = time.Now(), done
	go func() {
		value := p.ask(name)
		p.mu.Lock()
		defer p.mu.Unlock()
		e.value, e.answered = value, e.asked
		close(done)
	}()
	return done
}
