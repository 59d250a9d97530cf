package listing

import (
	"context"
	"math"
)

const (
	// smallPages is how many pages of a bucket are worth nothing but to be read
	// one after the other.
	smallPages = 8
	// probesAhead and pagesPerProbe bound the probes by the pages that were read.
	probesAhead   = 4
	pagesPerProbe = 4
	// worthPages is how many pages a range has to have left, about, to be
	// split: each split costs a page that is not full for each bucket.
	worthPages = 6
	// worthKeys is how many keys have to come after a place for it to be worth a
	// split.
	worthKeys = 100
)

// choose waits for a range that is worth splitting and reserves it; nil means
// that there is nothing left to do, or ctx ended.
func (w *walk) choose(ctx context.Context) *span {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil && len(w.spans) > 0 {
		var best *span
		most := worthPages * float64(w.options.PageSize)
		for s := range w.spans {
			if left := w.left(s); left >= most {
				best, most = s, left
			}
		}
		if best != nil {
			best.stealing = true
			return best
		}
		w.changed.Wait()
	}
	return nil
}

// left guesses how many keys of the densest bucket are left in a range that
// can be split, from how far the last page of them came; 0 means that it cannot.
func (w *walk) left(s *span) float64 {
	bucket := s.densest()
	if s.whole || s.stealing || bucket < 0 || s.pages < s.retry || !w.mayProbe() {
		return 0
	}
	end, bounded := s.end()
	if !bounded {
		return math.Inf(1)
	}
	b := s.buckets[bucket]
	return float64(b.keys) * w.runes.ratio(b.first, b.last, end)
}

func (w *walk) mayProbe() bool {
	return w.probes < max(w.mostProbes, probesAhead+w.pages/pagesPerProbe)
}

// densest is the bucket whose listing has come least far, as its keys lie
// closest together; -1 if one has not answered, or all have come to an end.
func (s *span) densest() int {
	best := -1
	for i, b := range s.buckets {
		switch {
		case !b.answered:
			return -1
		case b.more && b.keys > 0 && (best < 0 || b.last < s.buckets[best].last):
			best = i
		}
	}
	return best
}

// end is where the range ends, as far as known.
func (s *span) end() (string, bool) {
	if s.hinted {
		return s.hint, true
	}
	return s.to, s.bounded
}

// split takes the upper part of a range that is reserved. It returns nil if it
// found none that is worth it.
func (w *walk) split(ctx context.Context, victim *span) (*span, error) {
	w.mu.Lock()
	bucket := victim.densest()
	if bucket < 0 { // its listings ended since it was reserved
		victim.stealing = false
		w.changed.Broadcast()
		w.mu.Unlock()
		return nil, nil
	}
	end, bounded := victim.end()
	points := w.runes.between(len(w.options.Prefix), victim.buckets[bucket].last, end, bounded)
	w.mu.Unlock()

	chosen, err := w.search(ctx, victim, bucket, points, bounded)
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed.Broadcast()
	victim.stealing = false
	if err != nil {
		return nil, err
	}
	if chosen == nil || victim.whole || *chosen <= victim.claimed || victim.bounded && *chosen >= victim.to {
		victim.retry = victim.pages + pagesPerProbe*len(w.buckets)
		return nil, nil
	}
	s := w.newSpan(*chosen, 1)
	s.to, s.bounded, s.hint, s.hinted = victim.to, victim.bounded, victim.hint, victim.hinted
	victim.to, victim.bounded, victim.hinted = *chosen, true, false
	w.spans[s] = struct{}{}
	return s, nil
}

// search looks for the last of the places that enough keys come after, as far
// as there are probes, and returns one that is about in the middle before it;
// nil if there is none.
func (w *walk) search(ctx context.Context, victim *span, bucket int, points splitPoints, bounded bool) (*string, error) {
	low, high := -1, points.len() // after low there is enough, after high there is not
	try := (low + high) / 2
	if bounded {
		try = high - 1 // it is known already where the keys end, about
	}
	for high-low > 1 {
		enough, ok, err := w.probe(ctx, victim, bucket, points.key(try))
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if enough {
			low = try
		} else {
			high = try
		}
		try = (low + high) / 2
	}
	if low < 0 {
		return nil, nil
	}
	middle := points.key(points.middle(low))
	return &middle, nil
}

// probe asks whether enough keys of a bucket come after a place and up to the
// end of the range. ok says whether there was a probe left to ask.
func (w *walk) probe(ctx context.Context, victim *span, bucket int, after string) (enough, ok bool, err error) {
	w.mu.Lock()
	ok = w.mayProbe()
	if ok {
		w.probes++
	}
	w.mu.Unlock()
	if !ok {
		return false, false, nil
	}
	want := min(worthKeys, w.options.PageSize)
	p := w.list(ctx, &w.buckets[bucket], after, nil, want)
	if p.err != nil {
		return false, false, p.err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p.entries)
	// Versions of few keys may fill the page.
	enough = (n >= int(want) || n > 0 && p.token != nil && w.options.Deleted) && (!victim.bounded || p.entries[n-1].key <= victim.to)
	if end, bounded := victim.end(); !enough && (!bounded || after < end) {
		victim.hint, victim.hinted = after, true
	}
	return enough, true, nil
}
