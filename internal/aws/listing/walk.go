package listing

import (
	"context"
	"iter"
	"sync"
	"time"
)

// walk is one call of Walk.
type walk struct {
	buckets  []Bucket
	options  Options
	visit    func(context.Context, Stretch) error
	requests sync.WaitGroup
	fail     context.CancelCauseFunc

	mu       sync.Mutex
	changed  *sync.Cond // a page arrived, or a range is new or done
	spans    map[*span]struct{}
	waiting  []*span // those that nobody walks through yet
	idle     int     // who waits for something to do
	spelling *spelling
	budget   budget
	answers  []time.Duration // how long each bucket takes to answer, about
}

// span is a range of keys that one goroutine walks through: those after from
// up to and including to. Its fields, apart from from, are walk.mu's.
type span struct {
	from    string
	to      string
	bounded bool // else it has no end
	claimed string
	whole   bool // claimed to the end

	buckets []progress

	// hint is a key after which there is little in this range, as far as known.
	// It guides where to split, and bounds nothing.
	hint     string
	hinted   bool
	stealing bool
	doubted  bool // the bucket that answers fastest was no good guide
	pages    int
	retry    int // how many pages have to be there before the next attempt to split
	retries  int
	tried    int // the guide of the last attempt
	// claimedWhole ends the search for a place to split it.
	claimedWhole context.CancelFunc
}

// progress is how far a bucket's listing of a range has come.
type progress struct {
	first    string // the first key of the last page that has arrived
	last     string // the last one
	keys     int    // of that page
	pages    int    // that have arrived
	begun    string // the first key of the first page, unless that is the only one
	reached  string // the last key of that page
	more     bool
	answered bool
}

func newWalk(buckets []Bucket, o Options, visit func(context.Context, Stretch) error) *walk {
	w := &walk{buckets: buckets, options: o, visit: visit, spans: map[*span]struct{}{}, spelling: newSpelling(),
		answers: make([]time.Duration, len(buckets))}
	w.budget.buckets, w.budget.ranges = len(buckets), o.Parallel
	w.changed = sync.NewCond(&w.mu)
	whole := w.newSpan(o.After)
	whole.to, whole.bounded = o.Through, o.Through != ""
	w.spans[whole] = struct{}{}
	return w
}

func (w *walk) newSpan(from string) *span {
	return &span{from: from, claimed: from, buckets: make([]progress, len(w.buckets))}
}

func (w *walk) run(ctx context.Context) error {
	// Unlike that of an errgroup, this context does not end with success: what a
	// visit started with it goes on.
	ctx, w.fail = context.WithCancelCause(ctx)
	// Who waits for a range to split has to notice the end.
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	var whole *span
	for s := range w.spans {
		whole = s
	}
	var workers sync.WaitGroup
	for i := range w.options.Parallel {
		workers.Go(func() {
			var err error
			if i == 0 {
				err = w.walkSpan(ctx, whole)
			}
			if err == nil {
				err = w.help(ctx)
			}
			if err != nil {
				w.fail(err) // the first one stays
			}
		})
	}
	workers.Wait()
	w.requests.Wait()
	return context.Cause(ctx)
}

// help takes parts of others' ranges until all are done.
func (w *walk) help(ctx context.Context) error {
	for {
		s, isNew := w.choose(ctx)
		if s == nil {
			return ctx.Err()
		}
		if !isNew {
			var err error
			if s, err = w.split(ctx, s); err != nil {
				return err
			}
			if s == nil {
				continue
			}
		}
		if err := w.walkSpan(ctx, s); err != nil {
			return err
		}
	}
}

// walkSpan visits the keys of a range that is among w.spans.
func (w *walk) walkSpan(ctx context.Context, s *span) error {
	// Requests for what somebody else took are not waited for.
	requests, cancel := context.WithCancel(ctx)
	defer cancel()
	streams := make([]*stream, len(w.buckets))
	for i := range streams {
		streams[i] = &stream{w: w, span: s, bucket: i, last: s.from}
		streams[i].fetch(requests, s.from, nil)
	}
	defer func() { w.done(s, streams) }()
	row := Row{Objects: make([]*Object, len(streams))}
	for {
		// Up to the horizon, all keys are at hand.
		horizon, bounded, empty := "", false, true
		for _, st := range streams {
			if err := st.next(requests); err != nil {
				return err
			}
			empty = empty && len(st.at) == 0
			if st.more && (!bounded || st.last < horizon) {
				horizon, bounded = st.last, true
			}
		}
		if empty {
			w.claim(s, "", false)
			return nil
		}
		after := s.claimed // which the owner alone changes
		limit, limited, end := w.claim(s, horizon, bounded)
		rows := w.merge(streams, row, limit, limited)
		through := limit
		if !limited || limit == w.options.Through {
			through = ""
		}
		if err := w.visit(ctx, Stretch{After: after, Through: through, Rows: rows}); err != nil || end {
			return err
		}
		for range rows { // what was not read
		}
	}
}

// merge takes the keys up to limit, if there is one, out of the streams.
func (w *walk) merge(streams []*stream, row Row, limit string, limited bool) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for {
			found := false
			for i, st := range streams {
				row.Objects[i] = nil
				if len(st.at) == 0 {
					continue
				}
				switch key := st.at[0].key; {
				case !found || key < row.Key:
					clear(row.Objects[:i])
					row.Key, found = key, true
					fallthrough
				case key == row.Key:
					row.Objects[i] = &st.at[0].object
				}
			}
			if !found || limited && row.Key > limit {
				return
			}
			for i, st := range streams {
				if row.Objects[i] != nil {
					st.at = st.at[1:]
				}
			}
			if w.options.Match != nil && !w.options.Match(row.Key) {
				continue
			}
			if !yield(row) {
				return
			}
		}
	}
}

// claim makes the keys up to the horizon the owner's for good, and returns how
// far it may go: the horizon, or the end of the range if that comes first.
func (w *walk) claim(s *span, horizon string, bounded bool) (limit string, limited, end bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bounded && (!s.bounded || horizon < s.to) {
		s.claimed = horizon
		return horizon, true, false
	}
	s.whole = true
	if s.claimedWhole != nil {
		s.claimedWhole()
	}
	return s.to, s.bounded, true
}

// endsBefore says whether nothing of the range comes after key.
func (w *walk) endsBefore(s *span, key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.bounded && s.to <= key
}

func (w *walk) done(s *span, streams []*stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.bounded && s.to != w.options.Through {
		cost := 0
		for _, st := range streams {
			cost += st.cost()
		}
		w.budget.ended(cost)
	}
	delete(w.spans, s)
	w.changed.Broadcast()
}

// arrived notes what a page tells about the keys.
func (w *walk) arrived(s *span, bucket int, p page) {
	if w.options.Listed != nil {
		w.options.Listed(len(p.entries), 1+p.extra)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget.pages++
	s.pages++
	b := &s.buckets[bucket]
	b.pages++
	b.more, b.answered = p.token != nil, true
	if n := len(p.entries); n > 0 {
		if b.keys == 0 && b.more {
			b.begun, b.reached = p.entries[0].key, p.entries[n-1].key
		}
		if s.hinted && p.entries[0].key > s.hint && n >= int(w.enough()) {
			s.hinted, s.doubted = false, bucket != w.guide(s) // it was wrong
		}
		b.first, b.last, b.keys = p.entries[0].key, p.entries[n-1].key, n
		for i := 0; i < n; i += max(1, n/samples) {
			w.spelling.add(p.entries[i].key)
		}
	}
	w.changed.Broadcast()
}

// samples is about how many keys of a page tell which characters there are.
const samples = 10

// listTimed lists a page and notes how long the answer took.
func (w *walk) listTimed(ctx context.Context, bucket int, after string, token *string, keys int32, once bool) page {
	began := time.Now()
	p := w.list(ctx, &w.buckets[bucket], after, token, keys, once)
	if p.err != nil {
		return p
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Since(began)
	if w.answers[bucket] > 0 {
		took = (3*w.answers[bucket] + took) / 4
	}
	w.answers[bucket] = took
	return p
}
