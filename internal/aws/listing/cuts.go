package listing

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// probesPerCut bounds the probes of Cuts.
const probesPerCut = 16

// Cuts guesses which keys divide those of a bucket that begin with prefix into so many
// ranges with about as many in each: each range is of the keys after one, up to and
// including the next. There are fewer where the bucket has too few keys. It reads a page
// of each range, and sends some small requests for each besides.
func Cuts(ctx context.Context, b Bucket, prefix string, ranges int) ([]string, error) {
	w := newWalk([]Bucket{b}, Options{Prefix: prefix, PageSize: maxPage}, nil)
	w.budget.least, w.budget.ranges, w.budget.many = probesPerCut*ranges, ranges, true // many are to be found
	for s := range w.spans {
		if err := w.look(ctx, s); err != nil {
			return nil, err
		}
	}
	var cuts []string
	for len(cuts)+1 < ranges {
		victim := w.largest()
		if victim == nil {
			break
		}
		victim.stealing = true
		s, err := w.split(ctx, victim)
		switch {
		case err != nil:
			return nil, err
		case s == nil:
			victim.whole = true // there is no place to split it
			continue
		}
		cuts = append(cuts, s.from)
		if err := w.look(ctx, s); err != nil {
			return nil, err
		}
	}
	slices.Sort(cuts)
	return cuts, nil
}

const (
	// roughRanges are as many as show which bucket lacks many keys.
	roughRanges = 8
	// muchMore is how many times what the first bucket has another one has to have.
	muchMore = 1.1
)

// Fullest is the place of the bucket whose cuts divide the keys of all best: the first
// one, unless another has keys in many places where it has few or none. It divides each
// roughly, and reads a page of each bucket at each of these cuts; the buckets are asked
// side by side.
func Fullest(ctx context.Context, buckets []Bucket, prefix string) (int, error) {
	of := make([][]string, len(buckets))
	group, asking := errgroup.WithContext(ctx)
	for i, b := range buckets {
		group.Go(func() (err error) {
			of[i], err = Cuts(asking, b, prefix, roughRanges)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	cuts := slices.Concat(of...)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	keys := make([]int, len(buckets)) // a page of each range at most
	group, asking = errgroup.WithContext(ctx)
	for i, b := range buckets {
		w := newWalk([]Bucket{b}, Options{Prefix: prefix, PageSize: maxPage}, nil)
		group.Go(func() error {
			after := ""
			for at := range len(cuts) + 1 {
				p := w.list(asking, &w.buckets[0], after, nil, maxPage, false)
				if p.err != nil {
					return p.err
				}
				for _, e := range p.entries {
					if at == len(cuts) || e.key <= cuts[at] {
						keys[i]++
					}
				}
				if at < len(cuts) {
					after = cuts[at]
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	fullest := 0
	for i := range keys {
		if keys[i] > keys[fullest] {
			fullest = i
		}
	}
	if float64(keys[fullest]) <= muchMore*float64(keys[0]) {
		return 0, nil
	}
	return fullest, nil
}

// look reads the first page of a range.
func (w *walk) look(ctx context.Context, s *span) error {
	s.retry = 0
	p := w.list(ctx, &w.buckets[0], s.from, nil, w.options.PageSize, false)
	if p.err == nil {
		w.arrived(s, 0, p)
	}
	return p.err
}

// largest is the range that most keys seem to be in, nil if none is worth splitting.
func (w *walk) largest() *span {
	var best *span
	most := w.worth()
	for s := range w.spans {
		// Ranges in the order of the keys, so that the same buckets give the same.
		if left := w.left(s); left > most || left == most && (best == nil || s.from < best.from) {
			best, most = s, left
		}
	}
	return best
}
