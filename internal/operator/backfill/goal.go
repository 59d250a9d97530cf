package backfill

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/policy"
)

// goal is an object that a target lacks.
type goal struct {
	object *object
	target int // of the target among the members
	// hidden says that a delete marker hides the key at the target: it was
	// deleted there. clear says that none does, as of a moment ago.
	hidden, clear bool
	// follow is how the target is brought up to the object, or to its deletion, if
	// the key is followed; else nil.
	follow *follow.Request
}

// copying is the outcome, beside the Copier's, of what somebody is copying there
// just now.
const copying copier.Outcome = "Copying"

// decide is what the policy says once the target was looked at. What was deleted
// there stays so: where it is to come back, nobody looks.
func (g *goal) decide(current policy.State) policy.Action {
	return policy.Decide(policy.Known{Source: g.object.state(), Target: current, KeepDeleted: true}).Action
}

// lacking are the goals of one target in a stretch of keys, in their order.
type lacking struct {
	after string // a key of the listing before the first
	goals []*goal
}

// dryHeads is how many HEADs a dry run has under way for a stretch of keys.
const dryHeads = 32

// markers finds out which of the goals of a target were deleted there, as far as
// that is cheaper than a HEAD of each, and says how many pages it has read. The
// others are asked for by HEADs when they are copied, in a dry run at once. The
// error is ctx's, or that of a HEAD.
func (n *names) markers(ctx context.Context, index int, l lacking, heads func()) (pages int, err error) {
	if n.options.RestoreDeleted {
		return 0, nil
	}
	member, known := &n.options.Members[index], 0
	if !n.options.DryRun {
		// Large ones may wait for hours: they are asked for when they are copied.
		l.goals = slices.DeleteFunc(slices.Clone(l.goals), func(g *goal) bool { return g.object.size > n.options.Threshold })
	}
	if len(l.goals) >= n.options.VersionsWorth && !n.blind[index].Load() {
		keys := make([]string, len(l.goals))
		for i, g := range l.goals {
			keys[i] = g.object.key
		}
		var hidden []bool
		hidden, known, pages, err = listing.Markers(
			ctx, n.buckets[index], member.S3, n.options.Prefix, l.after, keys, n.options.VersionsWorth,
		)
		if err != nil {
			if ctx.Err() != nil {
				return pages, context.Cause(ctx)
			}
			if awsapi.Hopeless(err) {
				n.blind[index].Store(true)
			}
		}
		for i, g := range l.goals[:known] {
			state := policy.State{Presence: policy.Absent}
			if hidden[i] {
				state.Presence = policy.Deleted
			}
			g.hidden, g.clear = g.decide(state) == policy.LeaveDeleted, !hidden[i]
		}
	}
	if !n.options.DryRun {
		return pages, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dryHeads)
	for _, g := range l.goals[known:] {
		group.Go(func() error {
			heads()
			state, err := member.head(ctx, g.object.key)
			g.hidden = g.decide(state) == policy.LeaveDeleted
			return err
		})
	}
	return pages, group.Wait()
}

// head asks what a member has under a key.
func (m *Member) head(ctx context.Context, key string) (policy.State, error) {
	out, err := m.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(m.Bucket), Key: aws.String(key)})
	state := contents.StateOf(out, err)
	if state.Presence == policy.Unknown {
		return state, awsapi.Explain(m.Region, "bucket "+m.Bucket, err)
	}
	return state, nil
}

// check looks at the target before an object is copied there. It adds its requests to
// the result, and sets its outcome if there is nothing to copy.
func (t *target) check(ctx context.Context, g *goal, result *copier.Result) error {
	o, m := &t.run.options, t.member()
	large := g.object.size > o.Threshold
	if !o.RestoreDeleted && !g.clear && g.follow == nil {
		result.Requests.Head++
		state, err := m.head(ctx, g.object.key)
		if err != nil {
			return err
		}
		state.Opaque = state.Opaque || o.KMS
		switch g.decide(state) {
		case policy.LeaveDeleted:
			result.Outcome = copier.LeftDeleted
			return nil
		case policy.Exists:
			result.Outcome = copier.Exists
			return nil
		case policy.Diverged:
			result.Outcome = copier.Diverged
			return nil
		}
		g.clear = !large
	}
	if !large || t.blind.Load() {
		return nil
	}
	// A copy in parts takes minutes or hours, and nothing is at the target until
	// it is done: beginning another one would move all of its bytes again.
	found, err := uploads.Find(ctx, uploads.Bucket{Region: m.Region, Name: m.Bucket, RoleARN: m.RoleARN, Client: m.S3}, g.object.key)
	result.Requests.List += found.Requests
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.blind.Store(true)
		t.run.tally.unanswered(err)
		return nil
	}
	if _, busy := found.Copying(); busy {
		result.Outcome = copying
	}
	return nil
}
