package listing

import (
	"context"
	"slices"
)

// probesPerCut bounds the probes of Cuts.
const probesPerCut = 16

// Cuts guesses which keys divide those of a bucket that begin with prefix into so many
// ranges with about as many in each: each range is of the keys after one, up to and including the next. There
// are fewer where the bucket has too few keys. It reads a page of each range, and
// sends some small requests for each besides.
func Cuts(ctx context.Context, b Bucket, prefix string, ranges int) ([]string, error) {
	w := newWalk([]Bucket{b}, Options{Prefix: prefix, PageSize: maxPage}, nil)
	w.mostProbes = probesPerCut * ranges
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

// look reads the first page of a range.
func (w *walk) look(ctx context.Context, s *span) error {
	s.retry = 0
	p := w.list(ctx, &w.buckets[0], s.from, nil, w.options.PageSize)
	if p.err == nil {
		w.arrived(s, 0, p)
	}
	return p.err
}

// largest is the range that most keys seem to be in, nil if none is worth splitting.
func (w *walk) largest() *span {
	var best *span
	most := worthPages * float64(w.options.PageSize)
	for s := range w.spans {
		// Ranges in the order of the keys, so that the same buckets give the same.
		if left := w.left(s); left > most || left == most && (best == nil || s.from < best.from) {
			best, most = s, left
		}
	}
	return best
}
