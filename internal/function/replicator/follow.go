package replicator

import (
	"context"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
)

// follow has a change of a key followed. The record says no more than where to
// look.
func (h *Handler) follow(ctx context.Context, j job) (copier.Result, error) {
	r := j.record
	followed := h.Config.FollowFor(r.Key)
	switch {
	case r.Removal() && !followed.Deletions, r.Retagging() && !followed.Tags:
		return copier.Result{}, r.Unfollowed()
	case r.Destruction():
		// It stays where it is: what others have, they keep.
		return copier.Result{Outcome: copier.Superseded}, nil
	}
	request := follow.Request{
		Source: objectOf(r), At: r.EventTime, Deletions: followed.Deletions, Tags: followed.Tags,
		// A task asks for what its Region shows, whoever wrote it.
		Replicas: j.task, Resume: j.resume,
	}
	switch {
	case r.Removal():
		request.Kind = follow.Deleted
	case r.Retagging():
		request.Kind = follow.Retagged
	}
	return h.Follower.Follow(ctx, request)
}
