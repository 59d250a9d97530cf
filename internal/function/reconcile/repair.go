package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/registers"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/policy"
)

// Why a key that differs stays as it is.
const (
	whyCheckOnly = "differences are only counted: reconcile.copy is not set"
	whyDiverged  = "the first write wins, and this Region had another one first"
	whyDestroyed = "the Region that wrote it has destroyed it since"
	whyRuleHid   = "a lifecycle rule may have deleted it elsewhere, and deletions by rules are not followed"
	whyForgotten = "it may have been deleted here, so long ago that the bucket's lifecycle rules have left no trace"
	whyBusy      = "a copy has been under way for long, and the next comparison looks again"
	whyLeft      = "the rules of follow mode left it as it is, twice"
)

// head asks what a bucket has under a key.
func (w *work) head(ctx context.Context, index int, key string) (policy.State, error) {
	m := w.members[index]
	out, _, err := contents.Head(ctx, w.Read(m.Region), m.Bucket, key, "")
	s := contents.StateOf(out, err)
	if s.Presence == policy.Unknown {
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		return s, awsapi.Explain(m.Region, "bucket "+m.Bucket, err)
	}
	s.Opaque = s.Opaque || w.Config.OpaqueETags
	return s, nil
}

// nameDifferent names a key of which the own bucket certainly has something else
// than was written first.
func (w *work) nameDifferent(ctx context.Context, s suspect) (Counts, error) {
	one := Counts{Compared: 1}
	states := slices.Clone(s.states)
	for i := range states {
		if !states[i].Here() {
			continue
		}
		var err error
		// A listing does not tell whether a digest is of the contents.
		if states[i], err = w.head(ctx, i, s.key); err != nil {
			return w.failed(ctx, s.key, i, one, err)
		}
	}
	if !slices.Contains(policy.Judge(states).Different, w.own) {
		return one, nil
	}
	w.name(s.key, policy.Original(states), whyDiverged)
	one.Different = 1
	return one, nil
}

// followGreatest brings the own bucket up to the greatest write of a key that is
// followed, or to its deletion.
func (w *work) followGreatest(ctx context.Context, s suspect) (Counts, error) {
	one := Counts{Compared: 1}
	for round := 1; ; round++ {
		seen, err := registers.Ask(ctx, w.buckets(), s.key, w.Config.Follow.Since, s.follow.Deletions)
		if err != nil {
			return w.failed(ctx, s.key, w.own, one, err)
		}
		is := seen.At(w.own)
		switch {
		case is == policy.StatusConverged:
			return one, nil
		case is == policy.StatusLeftDeleted:
			one.Deleted = 1
			return one, nil
		case w.unsettled(seen):
			one.Young = 1
			return one, nil
		}
		off := Counts{Compared: 1, Different: 1}
		if is == policy.StatusMissing || is == policy.StatusDestroyed {
			off = Counts{Compared: 1, Missing: 1}
		}
		why, err := w.stays(ctx, s.key, seen, is)
		switch {
		case err != nil:
			return one, err
		case why != "":
			if why == whyForgotten {
				return w.left(s.key, seen.Greatest, off, why), nil
			}
			w.name(s.key, seen.Greatest, why)
			return off, nil
		case !w.Config.Copy:
			return w.left(s.key, seen.Greatest, off, whyCheckOnly), nil
		case round > 1:
			// It was not the key that changed meanwhile.
			return w.left(s.key, seen.Greatest, off, whyLeft), nil
		}
		write := seen.Write()
		upload := w.unfinished(s.key)
		if upload == nil && !seen.Deleted && w.beingCopied(ctx, s.key, write.Size) {
			return w.waits(s.key, seen.Greatest, off)
		}
		from := w.members[seen.Greatest]
		request := follow.Request{
			Source:    copier.Object{Region: from.Region, Bucket: from.Bucket, Key: s.key, Size: write.Size},
			Deletions: s.follow.Deletions, Replicas: true, Contents: seen.Contents, Resume: upload,
		}
		if seen.Deleted {
			request.Kind = follow.Deleted
		}
		size := write.Size
		if seen.Deleted {
			size = 0
		}
		c, err := w.repair(ctx, s.key, size, seen.Greatest, off, func(ctx context.Context) (copier.Result, error) {
			return w.Follower.Follow(ctx, request)
		})
		if err != nil || c.Repaired+c.Unrepaired > 0 {
			return c, err
		}
	}
}

// unsettled says that what is right of a key came about within the grace: its events
// may be on the way. Of a deletion the oldest marker counts, and of a write when it was
// made: the others may be what another Region's function has repaired just now.
func (w *work) unsettled(seen registers.Seen) bool {
	write := seen.Write()
	if !seen.Deleted {
		return w.young(time.Unix(write.Write.Seconds, 0))
	}
	return !slices.ContainsFunc(seen.Sights, func(sight registers.Sight) bool {
		register, ok := sight.Register()
		return ok && register.Deleted && seen.Of(register.Write, write) == policy.SameWrite && !w.young(sight.Modified)
	})
}

// stays says why a key stays as it is in the own bucket, though others have it
// otherwise; "" if it does not.
func (w *work) stays(ctx context.Context, key string, seen registers.Seen, is policy.KeyStatus) (string, error) {
	write := seen.Write()
	written := time.Unix(write.Write.Seconds, 0)
	switch is {
	case policy.StatusDestroyed, policy.StatusDestroyedStale:
		return whyDestroyed, nil
	case policy.StatusMissing:
		if seen.Sights[w.own].Presence == policy.Deleted {
			return "", nil // what is hidden here is a lesser write
		}
		mine, err := w.rules.of(ctx, w.own)
		if err != nil || !mine.MayHaveForgotten(key, write.Size, written, w.Now()) {
			return "", err
		}
		return whyForgotten, nil
	case policy.StatusUndeleted, policy.StatusUndeletedOther:
		theirs, err := w.rules.of(ctx, seen.Greatest)
		if err != nil {
			return "", err
		}
		// The marker right above the version has hidden it.
		stack := seen.Sights[seen.Greatest].Stack
		top := slices.IndexFunc(stack, func(v policy.Version) bool { return !v.Marker })
		version, marker := time.Unix(stack[top].Modified, 0), time.Unix(stack[top-1].Modified, 0)
		if theirs.MayHaveHidden(key, write.Size, version, marker) {
			return whyRuleHid, nil
		}
	}
	return "", nil
}

const (
	// mostWaits is how many ticks of a comparison end early because of a key that
	// somebody copies. After one or two it is known whether that copy still runs.
	mostWaits = 8
	// mostTries is how often a copy is tried whose failure may pass, each some
	// seconds after the one before.
	mostTries = 3
	retryWait = 2 * time.Second
	// mostFailures in a row end an invocation: the rest would fail as well.
	mostFailures = 10
)

// repair has a key copied or hidden, and says what became of it. One object is copied
// in parts at a time, so that an invocation leaves one unfinished at most.
func (w *work) repair(
	ctx context.Context, key string, size int64, index int, off Counts, do func(context.Context) (copier.Result, error),
) (Counts, error) {
	turn := w.copies
	if w.isLarge(size) {
		turn = w.large
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return Counts{}, ctx.Err()
	}
	for try := 1; ; try++ {
		// Others may have taken long.
		if w.timeIsUp() || w.keeper.isPaused() {
			return Counts{}, errTimeUp
		}
		if err := w.pace.wait(ctx); err != nil {
			return Counts{}, err
		}
		result, err := do(ctx)
		var failed *copier.Error
		switch {
		case err == nil:
			return w.repaired(off, result)
		case ctx.Err() != nil:
			return Counts{}, ctx.Err()
		case errors.Is(err, errSourceGone):
			return Counts{}, err
		}
		if errorcode.Throttled(err) {
			w.pace.slow()
		}
		if !errors.As(err, &failed) || failed.Class != copier.Retryable || try == mostTries {
			return w.failed(ctx, key, index, off, err)
		}
		if err := w.Sleep(ctx, time.Duration(try)*retryWait); err != nil {
			return Counts{}, err
		}
	}
}

// repaired is what an outcome comes to.
func (w *work) repaired(off Counts, result copier.Result) (Counts, error) {
	switch result.Outcome {
	case copier.Copied, copier.Replaced, copier.Deleted, copier.Retagged:
		off.Repaired = 1
		return off, nil
	case copier.Unfinished:
		w.keeper.pauseWith(*result.Upload)
		return Counts{}, errTimeUp
	}
	// Somebody was faster, or it changed meanwhile.
	return Counts{Compared: 1}, nil
}

// failed counts and names a key that could not be looked at or repaired. It is an
// error where the next key would fail as well.
func (w *work) failed(ctx context.Context, key string, index int, off Counts, err error) (Counts, error) {
	if ctx.Err() != nil {
		return Counts{}, ctx.Err()
	}
	if !ofTheObject(err) {
		if stop := w.failedAgain(err); stop != nil {
			return Counts{}, stop
		}
	}
	return w.left(key, index, off, err.Error()), nil
}

// ofTheObject says of a failure that another object need not have it: this one cannot
// be copied, as one that is archived, or nobody may look at it, as at one under the
// customer's own key.
func ofTheObject(err error) bool {
	var failed *copier.Error
	if errors.As(err, &failed) {
		return failed.Class == copier.Permanent
	}
	return errorcode.Status(err) == http.StatusBadRequest
}

// failedAgain takes note of a failure, and returns an error if it was one too many in
// a row.
func (w *work) failedAgain(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failures++; w.failures < mostFailures {
		return nil
	}
	return fmt.Errorf("%d keys in a row failed, and the rest waits for the next tick; the last one: %w", mostFailures, err)
}

func (w *work) succeeded() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = 0
}

// left counts and names a difference that is not repaired.
func (w *work) left(key string, index int, off Counts, why string) Counts {
	w.name(key, index, why)
	off.Unrepaired = 1
	return off
}

func (w *work) name(key string, index int, why string) {
	region := ""
	if index >= 0 {
		region = w.members[index].Region
	}
	w.named.add(key, region, why)
}
