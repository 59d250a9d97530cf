package undelete

import (
	"context"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/registers"
	"s3fanout/internal/policy"
)

// latest decides about a key that is followed and not the same in all Regions: it
// comes back if its latest write is deleted, and that within the span.
func (r *run) latest(ctx context.Context, key string, objects []*listing.Object) (verdict, int, error) {
	buckets, sights := make([]registers.Bucket, len(objects)), make([]registers.Sight, len(objects))
	group, asking := errgroup.WithContext(ctx)
	for i, m := range r.options.Members {
		buckets[i] = registers.Bucket{Region: m.Region, Name: m.Bucket, Client: m.S3}
		group.Go(func() (err error) {
			sights[i], err = registers.Look(asking, buckets[i], key)
			return err
		})
	}
	err := group.Wait()
	var standing policy.Standing
	var orders policy.Orders
	lists := 0
	if err == nil {
		standing, orders, lists, err = registers.Stand(ctx, buckets, sights, key, r.options.FollowSince, true)
	}
	r.looked(sights, lists)
	switch {
	case err != nil:
		return untouched, -1, err
	case standing.Greatest < 0:
		return lost, -1, nil
	case !standing.Deleted:
		return recreated, -1, nil
	}
	greatest, _ := sights[standing.Greatest].Register()
	v, source := later, -1
	for i, o := range objects {
		register, ok := sights[i].Register()
		if !ok || !register.Deleted || o == nil || o.Deletion == nil || orders.Of(register.Write, greatest.Write) != policy.SameWrite {
			continue
		}
		switch {
		case r.options.Span.before(o.Deletion.First):
			return earlier, -1, nil
		case r.options.Span.after(o.Deletion.Last):
		case source < 0 || !register.Write.Replica:
			v, source = restore, i
		}
	}
	return v, source, nil
}

// looked counts the requests of looks.
func (r *run) looked(sights []registers.Sight, lists int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Lists += lists
	for _, s := range sights {
		r.report.Lists += s.Lists
		r.report.Heads += s.Heads
	}
}
