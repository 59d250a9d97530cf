package reconcile

import (
	"context"
	"errors"
	"slices"

	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// errSourceGone says that the version that was to be copied is gone where it was.
var errSourceGone = errors.New("each time it was looked up, the source of the copy was gone")

// copyMissing copies a key that the own bucket lacks, where the first write wins. A
// Region that has it no longer leaves it to the next one.
func (w *work) copyMissing(ctx context.Context, s suspect) (Counts, error) {
	states := slices.Clone(s.states)
	one, missing := Counts{Compared: 1}, Counts{Compared: 1, Missing: 1}
	for try := 1; ; try++ {
		index := policy.Original(states)
		here, err := w.head(ctx, w.own, s.key)
		if err != nil {
			return w.failed(ctx, s.key, index, missing, err)
		}
		switch policy.Decide(policy.Known{Source: states[max(index, 0)], Target: here, KeepDeleted: true}).Action {
		case policy.Copy:
		case policy.LeaveDeleted:
			one.Deleted = 1
			return one, nil
		default: // somebody was faster, or nobody has it any more
			return one, nil
		}
		if index, err = w.oldest(ctx, s.key, states); err != nil {
			return w.failed(ctx, s.key, index, missing, err)
		}
		if index < 0 {
			return one, nil
		}
		c, err := w.copyFrom(ctx, s.key, states[index], index)
		switch {
		case !errors.Is(err, errSourceGone):
			return c, err
		case try == mostTries:
			return w.failed(ctx, s.key, index, missing, err)
		}
	}
}

// oldest asks the Regions that have a key, the oldest first, until the oldest is one
// that has been asked, and has it. It is -1 if none has it.
func (w *work) oldest(ctx context.Context, key string, states []policy.State) (int, error) {
	asked := make([]bool, len(states))
	for {
		index := policy.Original(states)
		if index < 0 || asked[index] {
			return index, nil
		}
		asked[index] = true
		var err error
		if states[index], err = w.head(ctx, index, key); err != nil {
			return index, err
		}
	}
}

// copyFrom copies a missing key from a Region. The error is errSourceGone if it is
// gone there.
func (w *work) copyFrom(ctx context.Context, key string, source policy.State, index int) (Counts, error) {
	one, missing := Counts{Compared: 1}, Counts{Compared: 1, Missing: 1}
	if w.young(source.Modified) {
		one.Young = 1
		return one, nil
	}
	mine, err := w.rules.of(ctx, w.own)
	if err != nil {
		return one, err
	}
	if mine.MayHaveForgotten(key, source.Size, source.Modified, w.Now()) {
		return w.left(key, index, missing, whyForgotten), nil
	}
	if !w.Config.Copy {
		return w.left(key, index, missing, whyCheckOnly), nil
	}
	upload := w.unfinished(key)
	if upload == nil && w.beingCopied(ctx, key, source.Size) {
		return w.waits(key, index, missing)
	}
	from := w.members[index]
	return w.repair(ctx, key, source.Size, index, missing, func(ctx context.Context) (copier.Result, error) {
		result, err := w.Copier.Copy(ctx, copier.Request{Resume: upload, Source: copier.Object{
			Region: from.Region, Bucket: from.Bucket, Key: key, VersionID: source.VersionID, Size: source.Size, ETag: source.ETag,
		}})
		if err == nil && result.Outcome == copier.SourceGone {
			err = errSourceGone
		}
		return result, err
	})
}
