package listing

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// WalkKeys is WalkStretches for a few keys that are known: it visits each of them
// that any of the buckets has, in a stretch of its own, at one request for each
// bucket, however many other keys begin like it; with Options.Deleted more while it
// shows delete markers alone. Keys that are named twice are asked for twice.
// Options.Prefix and PageSize are not used.
func WalkKeys(ctx context.Context, buckets []Bucket, keys []string, o Options, visit func(context.Context, Stretch) error) error {
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for _, key := range keys {
		group.Go(func() error {
			if err := work.Err(); err != nil {
				return err
			}
			row, err := lookup(work, buckets, key, o)
			if err != nil || row.Key == "" || o.Match != nil && !o.Match(key) {
				return err
			}
			return visit(work, Stretch{Rows: func(yield func(Row) bool) { yield(row) }})
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// lookup asks all buckets for a key. The row has no key if none has it.
func lookup(ctx context.Context, buckets []Bucket, key string, o Options) (Row, error) {
	row := Row{Objects: make([]*Object, len(buckets))}
	// Of the keys that begin with it, it is the first.
	w, size := walk{options: Options{Prefix: key, Deleted: o.Deleted}}, int32(1)
	if o.Deleted {
		size = maxPage // of its versions
	}
	pages := make([]page, len(buckets))
	group, asking := errgroup.WithContext(ctx)
	for i := range buckets {
		group.Go(func() error {
			pages[i] = w.list(asking, &buckets[i], "", nil, size, false)
			if p := pages[i]; p.err == nil && o.Listed != nil {
				o.Listed(len(p.entries), 1+p.extra)
			}
			return pages[i].err
		})
	}
	if err := group.Wait(); err != nil {
		return Row{}, err
	}
	for i, p := range pages {
		if len(p.entries) > 0 && p.entries[0].key == key {
			row.Key, row.Objects[i] = key, &p.entries[0].object
		}
	}
	return row, nil
}
