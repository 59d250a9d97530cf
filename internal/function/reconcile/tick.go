package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/copier"
)

const (
	// saveEvery is between two checkpoints.
	saveEvery = time.Minute
	// skew is how far the clocks of two invocations may be apart.
	skew = 30 * time.Second
	// longestRun is how long an invocation lives that does not say until when.
	longestRun = 15 * time.Minute
)

// load reads the state.
func (h *Handler) load(ctx context.Context, now time.Time) (s State, revision int64, err error) {
	document, revision, err := h.Checkpoints.Load(ctx)
	if err != nil {
		return s, 0, fmt.Errorf("load the checkpoint: %w", err)
	}
	if document != nil {
		if err := json.Unmarshal(document, &s); err != nil {
			return s, 0, fmt.Errorf(
				"load the checkpoint: it is not understood: %w; delete the item, and the next comparison starts from the beginning", err,
			)
		}
	}
	if s.First.IsZero() {
		s.First = now
	}
	return s, revision, nil
}

// save writes the state in the place of that of a revision.
func (h *Handler) save(ctx context.Context, s State, revision int64) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := h.Checkpoints.Save(ctx, document, revision); err != nil {
		return fmt.Errorf("save the checkpoint: %w", err)
	}
	return nil
}

// tick begins a comparison if one is due, or goes on with the one under way.
func (h *Handler) tick(ctx context.Context, log *slog.Logger, holder string) (Answer, error) {
	now := h.Now()
	s, revision, err := h.load(ctx, now)
	if err != nil {
		return Answer{}, err
	}
	status := Idle
	switch {
	case h.Config.KeyRanges > 0:
		status = Observed
	case s.held(now):
		status = Busy
	case s.due(now, h.Config.Every):
		status = ""
	}
	if status == "" {
		return h.run(ctx, log, holder, s, revision)
	}
	if revision == 0 { // so that the age of no proof is known
		if err := h.save(ctx, s, revision); err != nil && !errors.Is(err, ErrConflict) {
			return Answer{}, err
		}
	}
	h.report(log, status, s, now, Counts{})
	return Answer{Status: status, Done: status == Idle}, nil
}

// run compares, from the checkpoint on, until all is compared or the time is up.
func (h *Handler) run(ctx context.Context, log *slog.Logger, holder string, s State, revision int64) (Answer, error) {
	now := h.Now()
	until := now.Add(longestRun)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline
	}
	if s.Lease != nil {
		log.Info("an earlier invocation did not finish; its work is resumed", "holder", s.Lease.Holder, "after", s.After)
	}
	begun := s.begin(now, Lease{Holder: holder, Until: until.Add(skew)}, compared(h.Config))
	if !s.Began.IsZero() && !s.Began.Equal(begun.Began) {
		log.Info(
			"the configuration has changed, or a newer comparison is complete: this comparison starts from the beginning",
			"began", s.Began, "after", s.After,
		)
	}
	k := &keeper{h: h, log: log, state: begun, revision: revision, saved: now}
	if begun.Unfinished == nil {
		k.dropped = s.Unfinished // of the comparison that is begun anew
	}
	k.reported = k.state.Counts
	err := k.save(ctx)
	if err == nil {
		w := h.work(ctx, log, until, k)
		err = w.compare(ctx, Range{After: k.state.After})
		w.named.end()
	}
	status, done := Complete, err == nil
	switch {
	case errors.Is(err, ErrConflict):
		return k.lost(k.state.Counts, err)
	case done:
		counts := k.state.Counts
		began := k.state.Began
		if err := k.end(ctx, k.state.complete()); err != nil {
			return k.lost(counts, err)
		}
		end := h.Now()
		h.reportEnd(log, status, k.state, end, counts.minus(k.reported), counts.Unrepaired, end.Sub(began))
		return Answer{Status: status, Done: true, Began: began, Counts: counts}, nil
	}
	state := k.state
	state.Lease = nil
	if saveErr := k.end(ctx, state); saveErr != nil {
		if !errors.Is(err, errTimeUp) {
			saveErr = errors.Join(err, saveErr)
		}
		return k.lost(state.Counts, saveErr)
	}
	h.report(log, Paused, state, h.Now(), state.Counts.minus(k.reported))
	if !errors.Is(err, errTimeUp) {
		return Answer{}, err
	}
	return Answer{Status: Paused, Range: &Range{After: state.After}, Began: state.Began, Counts: state.Counts}, nil
}

// prove takes note that a comparison in ranges is complete, if it is.
func (h *Handler) prove(ctx context.Context, log *slog.Logger, p Prove) (Answer, error) {
	if failed := p.failed(); failed > 0 {
		log.Error(
			"ranges of keys could not be compared, so the comparison is not complete",
			"failed", failed, "ranges", len(p.Ranges), "began", p.Began,
		)
		return Answer{Status: Incomplete, Began: p.Began}, nil
	}
	began := p.Began
	for {
		now := h.Now()
		s, revision, err := h.load(ctx, now)
		if err != nil {
			return Answer{}, err
		}
		if began.After(s.Proof) {
			s.Proof = began
		}
		err = h.save(ctx, s, revision)
		if errors.Is(err, ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return Answer{}, err
		}
		h.reportEnd(log, Proved, s, now, Counts{}, p.unrepaired(), max(0, now.Sub(began)))
		return Answer{Status: Proved, Done: true, Began: began}, nil
	}
}

// keeper keeps the state of a comparison under way.
type keeper struct {
	h   *Handler
	log *slog.Logger
	// remembers says that whoever asked remembers the state, and nothing is saved.
	remembers bool

	mu     sync.Mutex // guards the next four
	state  State
	paused bool
	waits  bool
	// dropped are copies in parts that are not remembered any more: they are complete,
	// or nobody goes on with them.
	dropped []copier.Upload
	// The rest is for the goroutine that saves.
	revision int64
	saved    time.Time
	reported Counts // those that metrics were written of
	// unsure are documents of which nobody knows whether they were saved: each would
	// have replaced that of the revision.
	unsure [][]byte
}

// reached says that all keys up to one have been dealt with.
func (k *keeper) reached(after string, c Counts) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.After, k.state.Counts = after, k.state.Counts.plus(c)
	var rest []copier.Upload
	for _, u := range k.state.Unfinished {
		if u.Source.Key > after {
			rest = append(rest, u)
		} else {
			k.dropped = append(k.dropped, u)
		}
	}
	k.state.Unfinished = rest
}

// dropAll says that no key is left.
func (k *keeper) dropAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropped, k.state.Unfinished = append(k.dropped, k.state.Unfinished...), nil
}

// takeDropped are the copies that have been dropped since it was asked last.
func (k *keeper) takeDropped() (list []copier.Upload) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list, k.dropped = k.dropped, nil
	return list
}

func (k *keeper) now() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// pauseWith takes note of a copy in parts that has to be gone on with.
func (k *keeper) pauseWith(u copier.Upload) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rest := []copier.Upload{u}
	for _, other := range k.state.Unfinished {
		switch {
		case other.Source.Key != u.Source.Key:
			rest = append(rest, other)
		case other.UploadID != u.UploadID: // of another version of the source
			k.dropped = append(k.dropped, other)
		}
	}
	k.state.Unfinished, k.paused = rest, true
}

// isPaused says that a large copy has used the invocation's time up.
func (k *keeper) isPaused() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.paused
}

// mayWait says whether the invocation may end before a key that somebody copies. A
// state machine that has ranges compared asks again at once, so that there is no
// waiting then.
func (k *keeper) mayWait() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.waits && !k.remembers && k.state.Waits < mostWaits {
		k.state.Waits++
		k.waits = true
	}
	return k.waits
}

// maySave saves a checkpoint if the last one is some time ago. Only a conflict is
// an error: without a checkpoint less is remembered, and nothing is wrong.
func (k *keeper) maySave(ctx context.Context) error {
	now := k.h.Now()
	if k.remembers || now.Sub(k.saved) < saveEvery {
		return nil
	}
	k.saved = now
	err := k.save(ctx)
	if err != nil && !errors.Is(err, ErrConflict) && ctx.Err() == nil {
		k.log.Warn("the checkpoint was not saved; saving it is tried again later", "error", err.Error())
		return nil
	}
	return err
}

// save saves a checkpoint, and writes metrics of what it is about.
func (k *keeper) save(ctx context.Context) error {
	s := k.now()
	if err := k.put(ctx, s); err != nil {
		return err
	}
	if c := s.Counts.minus(k.reported); c != (Counts{}) {
		k.reported = s.Counts
		k.h.report(k.log, progress, s, k.h.Now(), c)
	}
	return nil
}

// end saves the last checkpoint, also when the invocation's time for work is up.
func (k *keeper) end(ctx context.Context, s State) error {
	k.mu.Lock()
	k.state = s
	k.mu.Unlock()
	return k.put(ctx, s)
}

// put saves a state. A save without an answer may have been done: then the keeper's
// own document is in the way of the next one, and nobody else's.
func (k *keeper) put(ctx context.Context, s State) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	for {
		err := k.h.Checkpoints.Save(ctx, document, k.revision)
		conflict := errors.Is(err, ErrConflict)
		switch {
		case err == nil:
			k.revision, k.unsure = k.revision+1, nil
			return nil
		case !conflict:
			k.unsure = append(k.unsure, document)
		}
		if len(k.unsure) == 0 {
			return fmt.Errorf("save the checkpoint: %w", err)
		}
		has, revision, loadErr := k.h.Checkpoints.Load(ctx)
		if loadErr != nil {
			if conflict {
				err = loadErr // it may be no conflict
			}
			return fmt.Errorf("save the checkpoint: %w", err)
		}
		if revision != k.revision+1 || !slices.ContainsFunc(k.unsure, func(d []byte) bool { return bytes.Equal(d, has) }) {
			return fmt.Errorf("save the checkpoint: %w", err)
		}
		k.revision, k.unsure = k.revision+1, nil
		if bytes.Equal(has, document) {
			return nil
		}
	}
}

// lost is the end of an invocation whose last checkpoint was not saved. What it has
// done is done, and metrics are written of it.
func (k *keeper) lost(counts Counts, err error) (Answer, error) {
	if c := counts.minus(k.reported); c != (Counts{}) {
		k.h.report(k.log, progress, k.now(), k.h.Now(), c)
	}
	if errors.Is(err, ErrConflict) {
		k.log.Info("another invocation is running; this one ends")
		return Answer{Status: Busy}, nil
	}
	return Answer{}, err
}
