package backfill

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/registers"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/policy"
)

// mostLooks is how many keys that are followed are looked at at once.
const mostLooks = 128

// follows says whether a key is followed, and its deletions with it.
func (r *run) follows(key string) (deletions, follows bool) {
	if r.options.Follow == nil {
		return false, false
	}
	follows, deletions = r.options.Follow(key)
	return deletions, follows
}

// follow looks at keys that are followed, and hands what targets are to be brought
// up to to them. What is decided here is where to send whom: whoever writes looks
// again, and decides itself.
func (r *run) follow(work context.Context, keys []string) error {
	group, ctx := errgroup.WithContext(work)
	for _, key := range keys {
		select {
		case r.looks <- struct{}{}:
		case <-ctx.Done():
			if err := group.Wait(); err != nil {
				return err
			}
			return context.Cause(ctx)
		}
		group.Go(func() error {
			goals, err := r.look(ctx, key)
			<-r.looks
			if err != nil || r.options.DryRun {
				return err
			}
			for _, g := range goals {
				if err := r.targets[slices.Index(r.places.to, g.place)].take(work, g); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// standing is how a key stands, with what was seen of it.
type standing struct {
	policy.Standing
	policy.Orders
	sights []registers.Sight
}

// greatest is the latest write.
func (s standing) greatest() policy.Version {
	register, _ := s.sights[s.Greatest].Register()
	return register.Write
}

// look asks all members about a key, counts how it stands at the targets, and
// returns what is to be done about that.
func (r *run) look(ctx context.Context, key string) ([]*goal, error) {
	deletions, _ := r.follows(key)
	s, err := r.stand(ctx, key, deletions)
	if err != nil || s.Greatest < 0 {
		return nil, err
	}
	greatest := s.greatest()
	source := r.options.Members[s.Greatest]
	object := newObject(source, key, greatest.Figures)
	request := &follow.Request{
		Source:    copier.Object{Region: source.Region, Bucket: source.Bucket, Key: key, Size: greatest.Size},
		Deletions: deletions, Replicas: true,
	}
	if s.Deleted {
		request.Kind = follow.Deleted
	}
	var goals []*goal
	conflict := Conflict{Key: key, Wins: greatest.Write.Region, Written: time.Unix(greatest.Write.Seconds, 0).UTC(), Deleted: s.Deleted}
	for _, place := range r.places.to {
		is, todo := s.at(place, r.options.HideDeleted)
		r.tally.stands(place, s.Greatest, is, greatest.Size, s.Deleted)
		if is == stale || is == undeletedOther {
			conflict.Loses = append(conflict.Loses, r.options.Members[place].Region)
		}
		if todo {
			goals = append(goals, &goal{object: object, place: place, follow: request})
		}
	}
	r.tally.conflict(conflict)
	return goals, nil
}

// at says how a place stands, and whether anything is to be done about that.
func (s standing) at(place int, hides bool) (is status, todo bool) {
	in := func(places []int) bool { return slices.Contains(places, place) }
	switch {
	case in(s.Undeleted):
		is = undeleted
		if s.Of(s.sights[place].Current, s.greatest()) != policy.SameWrite {
			is = undeletedOther
		}
		return is, hides
	case !in(s.Missing) && !in(s.Stale):
		return converged, false
	case s.Destroyed && in(s.Stale):
		return destroyedStale, false
	case s.Destroyed:
		return destroyed, false
	case in(s.Stale):
		return stale, true
	}
	if register, ok := s.sights[place].Register(); ok && register.Deleted {
		if order := s.Of(register.Write, s.greatest()); order == policy.SameWrite || order == policy.Greater {
			return leftDeleted, false // it was deleted there, and deletions do not travel
		}
	}
	return missing, true
}

// status is how a place stands.
type status int

const (
	converged status = iota
	missing
	stale
	undeleted      // it shows what is deleted
	undeletedOther // it shows a write that the deleted one has replaced
	destroyed      // it lacks what the origin has destroyed
	destroyedStale // it shows an older write than what the origin has destroyed
	leftDeleted
)

// stand asks all members about a key.
func (r *run) stand(ctx context.Context, key string, deletions bool) (standing, error) {
	s := standing{sights: make([]registers.Sight, len(r.options.Members))}
	buckets := make([]registers.Bucket, len(r.options.Members))
	heads, lists := 0, 0
	group, asking := errgroup.WithContext(ctx)
	for i, m := range r.options.Members {
		buckets[i] = registers.Bucket{Region: m.Region, Name: m.Bucket, Client: m.S3}
		group.Go(func() (err error) {
			s.sights[i], err = registers.Look(asking, buckets[i], key)
			return err
		})
	}
	err := group.Wait()
	for _, sight := range s.sights {
		heads, lists = heads+sight.Heads, lists+sight.Lists
	}
	if err == nil {
		n := 0
		s.Standing, s.Orders, n, err = registers.Stand(ctx, buckets, s.sights, key, r.options.FollowSince, deletions)
		lists += n
	}
	if err == nil && len(s.Missing)+len(s.Stale) > 0 && s.greatest().Replica {
		n := 0
		s.Destroyed, n, err = registers.Destroyed(ctx, buckets, key, s.greatest().Write)
		heads += n
	}
	r.tally.looked(heads, lists)
	return s, err
}
