package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Objects are held back until they are approved of: so many, for so long. After
// that what was seen of them may no longer be true, and the buckets are listed
// once more.
const (
	maxHeld  = 10_000
	holdTime = time.Minute
)

// ErrGrown marks a run that ended because what is missing had become more than
// was approved of. What was copied until then stays.
var ErrGrown = errors.New("more is missing than was agreed to")

// held are objects that wait for Options.Approve.
type held struct {
	mu    sync.Mutex
	goals []*goal
	since time.Time // the first of them came
	over  bool      // they were too many, and are only counted
}

// counts says whether objects are only counted, not handed to targets later.
func (h *held) counts() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.over
}

func (h *held) add(g *goal, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.over:
		return
	case len(h.goals) == most:
		h.over, h.goals = true, nil
		return
	case h.goals == nil:
		h.since = time.Now()
	}
	h.goals = append(h.goals, g)
}

// give hands an object to its target, or holds it back for the time being.
func (r *run) give(work context.Context, g *goal) error {
	if r.held != nil {
		r.held.add(g, r.mostHeld)
		return nil
	}
	return r.targets[slices.Index(r.chosen.to, g.target)].take(work, g)
}

// approve plans everything, asks whether it is to be done, and does it.
func (r *run) approve(work context.Context) error {
	r.held = &held{}
	if err := r.walk(work); err != nil {
		return err
	}
	r.tally.listed()
	estimate := r.tally.estimate()
	upTo, err := r.options.Approve(work, estimate)
	if err != nil {
		r.refused = &estimate
		return err
	}
	waiting := r.held
	r.held = nil
	if waiting.over || len(waiting.goals) > 0 && time.Since(waiting.since) > holdTime {
		r.tally.restart()
		r.upTo = &upTo
		return r.walk(work)
	}
	for _, g := range waiting.goals {
		if err := r.give(work, g); err != nil {
			return err
		}
	}
	return nil
}

// bounded is an error once what a second listing has found costs more than was
// approved of. It is asked before anything of that is handed out.
func (r *run) bounded() error {
	if r.upTo == nil {
		return nil
	}
	if cost := r.tally.dollars(); cost > *r.upTo {
		return fmt.Errorf("%w: about $%.2f so far, of $%.2f", ErrGrown, cost, *r.upTo)
	}
	return nil
}
