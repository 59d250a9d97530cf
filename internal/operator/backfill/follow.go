package backfill

import (
	"context"
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
			if err := r.bounded(); err != nil {
				return err
			}
			for _, g := range goals {
				if err := r.give(work, g); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// look asks all members about a key, counts how it stands at the targets, and
// returns what is to be done about that.
func (r *run) look(ctx context.Context, key string) ([]*goal, error) {
	deletions, _ := r.follows(key)
	s, err := r.stand(ctx, key, deletions)
	if err != nil || s.Greatest < 0 {
		return nil, err
	}
	greatest := s.Write()
	source := r.options.Members[s.Greatest]
	object := newObject(source, key, greatest.Figures)
	request := &follow.Request{
		Source:    copier.Object{Region: source.Region, Bucket: source.Bucket, Key: key, Size: greatest.Size},
		Deletions: deletions, Replicas: true, Contents: s.Contents,
	}
	if s.Deleted {
		request.Kind = follow.Deleted
	}
	var goals []*goal
	conflict := Conflict{Key: key, Wins: greatest.Write.Region, Written: time.Unix(greatest.Write.Seconds, 0).UTC(), Deleted: s.Deleted}
	for _, index := range r.chosen.to {
		is := s.At(index)
		r.tally.stands(index, s.Greatest, is, greatest.Size, s.Deleted)
		if is == policy.StatusStale || is == policy.StatusUndeletedOther {
			conflict.Loses = append(conflict.Loses, r.options.Members[index].Region)
		}
		if todo(is, r.options.HideDeleted) {
			goals = append(goals, &goal{object: object, target: index, follow: request})
		}
	}
	r.tally.conflict(conflict)
	return goals, nil
}

// todo says whether anything is to be done about a place that stands so.
func todo(is policy.KeyStatus, hides bool) bool {
	switch is {
	case policy.StatusMissing, policy.StatusStale:
		return true
	case policy.StatusUndeleted, policy.StatusUndeletedOther:
		return hides
	}
	return false
}

// stand asks all members about a key.
func (r *run) stand(ctx context.Context, key string, deletions bool) (registers.Seen, error) {
	members := make([]registers.Bucket, len(r.options.Members))
	for i, m := range r.options.Members {
		members[i] = registers.Bucket{Region: m.Region, Name: m.Bucket, Client: m.S3}
	}
	s, err := registers.Ask(ctx, members, key, r.options.FollowSince, deletions)
	r.tally.looked(s.Heads, s.Lists)
	return s, err
}
