package listing

import (
	"context"
	"math"
	"sort"

	"golang.org/x/sync/errgroup"
)

const (
	// smallPages is how many pages of a bucket are read before a range is split, unless
	// keys come after manyPages as well.
	smallPages = 8
	manyPages  = 16
	// worthPages is how many pages a range has to have left, about, to be
	// split: each split costs a page that is not full for each bucket. Before about
	// knownPages of each bucket were read, it is worthAtFirst.
	worthPages   = 2
	worthAtFirst = 6
	knownPages   = 16
	// enoughPart is which part of a page has to come after a place for it to be worth
	// a split.
	enoughPart = 10
	// mostRetries bounds how the pages double that are read until a range that was
	// not split is looked at again.
	mostRetries = 3
)

// choose waits for a range that nobody walks through, or for one that is worth
// splitting, which it reserves; nil means that there is nothing left to do, or ctx ended.
func (w *walk) choose(ctx context.Context) (s *span, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle++
	defer func() { w.idle-- }()
	for ctx.Err() == nil && len(w.spans) > 0 {
		if n := len(w.waiting); n > 0 {
			s, w.waiting = w.waiting[0], w.waiting[1:]
			return s, true
		}
		var best *span
		most := w.worth()
		for s := range w.spans {
			if left := w.left(s); left >= most {
				best, most = s, left
			}
		}
		if best != nil {
			best.stealing = true
			return best, false
		}
		w.changed.Wait()
	}
	return nil, false
}

// worth is how many keys a range has to have left, about, to be split.
func (w *walk) worth() float64 {
	if w.known() {
		return w.keysOf(worthPages)
	}
	return w.keysOf(worthAtFirst)
}

// known says whether enough was read to trust guesses from it.
func (w *walk) known() bool { return w.budget.pages >= knownPages*len(w.buckets) }

func (w *walk) keysOf(pages int) float64 { return float64(pages) * float64(w.options.PageSize) }

// left guesses how many keys are left in a range that can be split; 0 means that it
// cannot.
func (w *walk) left(s *span) float64 {
	guide := w.guide(s)
	// A bucket that turned out to have few keys says nothing of the others.
	early := s.pages < s.retry && (guide == s.tried || !w.sparse(s, s.tried))
	if s.whole || s.stealing || guide < 0 || early || w.budget.left() == 0 || w.budget.splits() == 0 {
		return 0
	}
	end, bounded := s.end()
	if !bounded {
		return math.Inf(1)
	}
	return w.until(s, guide, end)
}

// until guesses how many keys a bucket has from the end of its last page up to a key,
// from how far that page came.
func (w *walk) until(s *span, bucket int, key string) float64 {
	b := s.buckets[bucket]
	return float64(b.keys) * w.spelling.ratio(b.first, b.last, key)
}

// guide is the bucket that shows where to split a range: the one that answers fastest,
// as buckets are about the same, unless another turned out to have many more keys; -1
// if there is none yet.
func (w *walk) guide(s *span) int {
	best := -1
	for i, b := range s.buckets {
		if b.more && b.keys > 0 && (best < 0 || w.answers[i] < w.answers[best]) {
			best = i
		}
	}
	if best < 0 || s.doubted || w.sparse(s, best) {
		return s.densest()
	}
	return best
}

// sparse says whether another bucket's first page shows that it has more than twice as
// many keys in a range.
func (w *walk) sparse(s *span, bucket int) bool {
	b := s.buckets[bucket]
	for _, other := range s.buckets {
		if other.reached != "" && other.reached < b.reached && w.spelling.ratio(other.begun, other.reached, b.reached) > 1 {
			return true
		}
	}
	return false
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

// split takes the upper part of a range that is reserved, and leaves parts of it to others
// who are idle. It returns nil if it found none that is worth it.
func (w *walk) split(ctx context.Context, victim *span) (*span, error) {
	w.mu.Lock()
	guide := w.guide(victim)
	if guide < 0 { // its listings ended since it was reserved
		victim.stealing = false
		w.changed.Broadcast()
		w.mu.Unlock()
		return nil, nil
	}
	end, bounded := victim.end()
	points := w.spelling.between(len(w.options.Prefix), victim.buckets[guide].last, end, bounded)
	how := newSearch(points.len())
	if bounded && points.len() > 0 {
		how.last() // it is known already where the keys end, about
	} else if gate, few := w.gate(victim, guide, points); gate < points.len() {
		how.gate(gate)
		how.whole = few
	}
	ctx, victim.claimedWhole = context.WithCancel(ctx)
	defer victim.claimedWhole()
	w.mu.Unlock()

	err := w.search(ctx, victim, guide, points, &how)
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed.Broadcast()
	victim.stealing = false
	if victim.whole {
		return nil, nil // and so is whatever error its end has caused
	}
	if err != nil {
		return nil, err
	}
	helpers := 1
	w.budget.many = w.budget.many || how.many
	if how.many || w.known() {
		helpers += w.idle
	}
	places := w.places(victim, guide, points, how.low, min(helpers, w.budget.splits()))
	end, known := victim.end()
	if len(places) == 0 || !bounded && known && w.until(victim, guide, end) < w.worth() {
		victim.tried, victim.retry = guide, victim.pages+len(w.buckets)<<victim.retries
		victim.retries = min(victim.retries+1, mostRetries)
		if how.small {
			victim.retry = max(victim.retry, smallPages*len(w.buckets))
		}
		return nil, nil
	}
	last := victim
	w.budget.split(len(places))
	for _, place := range places {
		s := w.newSpan(place)
		s.to, s.bounded, s.hint, s.hinted, s.doubted = last.to, last.bounded, last.hint, last.hinted, last.doubted
		last.to, last.bounded, last.hinted = place, true, false
		w.spans[s] = struct{}{}
		w.waiting = append(w.waiting, s)
		last = s
	}
	s := w.waiting[0]
	w.waiting = w.waiting[1:]
	return s, nil
}

// places is where to split a range, among places up to one, so that so many helpers have as
// much to do as its owner, who has yet to come to where the guide is.
func (w *walk) places(s *span, guide int, points splitPoints, most, helpers int) []string {
	if most < 0 || helpers == 0 {
		return nil
	}
	lead, rest := 0, math.Inf(1)
	for _, b := range s.buckets {
		lead = max(lead, s.buckets[guide].pages-b.pages)
	}
	if end, bounded := s.end(); bounded {
		rest = w.until(s, guide, end)
	}
	var places []string
	all := w.spelling.upTo(points, most)
	for _, part := range shares(rest, w.keysOf(lead), w.worth(), helpers) {
		place := all[int(part*float64(len(all)))]
		if place > s.claimed && (!s.bounded || place < s.to) && (len(places) == 0 || place > places[len(places)-1]) {
			places = append(places, place)
		}
	}
	return places
}

// gate is the first place that comes after many keys, as far as the first pages tell. If
// they tell of few keys, it is the first one that comes after all of them; if of neither,
// one after the last.
func (w *walk) gate(s *span, bucket int, points splitPoints) (place int, few bool) {
	n := points.len()
	if n == 0 || w.budget.pages >= smallPages*len(w.buckets) {
		return n, false
	}
	first := func(most float64) int {
		return sort.Search(n, func(i int) bool { return w.until(s, bucket, points.key(i)) >= most })
	}
	place = first(w.keysOf(manyPages))
	if all := w.until(s, bucket, points.key(n-1)); place == n && !w.budget.many && all < w.keysOf(smallPages) {
		return first(all), true
	}
	return place, false
}

// search probes places, as far as the budget allows.
func (w *walk) search(ctx context.Context, victim *span, bucket int, points splitPoints, how *search) error {
	for {
		w.mu.Lock()
		tries := how.next(w.budget.left())
		w.budget.sent += len(tries)
		w.mu.Unlock()
		if len(tries) == 0 {
			return nil
		}
		want, enough := w.enough(), make([]bool, len(tries))
		if how.gated && how.whole {
			want = w.options.PageSize
		}
		group, probing := errgroup.WithContext(ctx)
		for i, place := range tries {
			group.Go(func() (err error) {
				enough[i], err = w.probe(probing, victim, bucket, points.key(place), want)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		how.learn(enough)
	}
}

// enough is how many keys have to come after a place for it to be worth a split.
func (w *walk) enough() int32 { return max(1, w.options.PageSize/enoughPart) }

// probe asks whether as many keys as wanted of a bucket come after a place and up to the
// end of the range.
func (w *walk) probe(ctx context.Context, victim *span, bucket int, after string, want int32) (enough bool, err error) {
	p := w.listTimed(ctx, bucket, after, nil, want, true)
	if p.err != nil {
		return false, p.err
	}
	if w.options.Listed != nil {
		w.options.Listed(0, 1)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p.entries)
	if n > 0 {
		w.spelling.add(p.entries[0].key)
		w.spelling.add(p.entries[n-1].key)
	}
	// Versions of few keys may fill the page.
	filled := n > 0 && p.token != nil && w.options.Deleted
	inside := n > 0 && (!victim.bounded || p.entries[n-1].key <= victim.to)
	enough = inside && (n >= int(want) || filled)
	some := inside && (n >= int(w.enough()) || filled)
	if end, bounded := victim.end(); !some && (!bounded || after < end) {
		victim.hint, victim.hinted = after, true
	}
	if enough {
		w.budget.found++
	}
	return enough, nil
}
