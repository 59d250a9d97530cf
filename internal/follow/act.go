package follow

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/marker"
	"s3fanout/internal/policy"
)

// copy has the source's version copied. It reports whether to look again.
func (t *task) copy(ctx context.Context, step policy.Step) (again bool, err error) {
	if err := t.checkVersioning(ctx); err != nil {
		return false, err
	}
	current := t.seen.known.Source.Current
	source := t.req.Source
	source.VersionID, source.ETag, source.Size = current.ID, current.ETag, current.Size
	request := copier.Request{Source: source, Replace: &copier.Replacement{
		Write: step.Write, Condition: step.Condition, Made: t.second(), Head: t.seen.head,
	}}
	resumed := t.resume != nil && resumes(*t.resume, source, step.Condition)
	if resumed {
		request.Resume, t.resume = t.resume, nil
	} else if t.resume != nil {
		// What it was begun for is not what is to be done any more.
		if err := t.abandon(ctx); err != nil {
			return false, err
		}
	}
	result, err := t.copier.Copy(ctx, request)
	before := t.result
	t.result = result
	t.result.Requests.Add(before.Requests)
	t.result.Waited, t.result.Bytes = before.Waited, before.Bytes+result.Bytes
	switch {
	case err != nil && result.PartsTotal > 0:
		return false, err // its parts have been tried again
	case err != nil:
		return t.tryAgain(err)
	}
	overNothing := step.Condition.IfMatch == ""
	switch result.Outcome {
	case copier.Changed:
		return true, nil
	case copier.Copied:
		t.did = copier.Replaced
		if overNothing {
			t.did = copier.Copied
		}
		t.end(t.did)
		if !keepsVersion(result.VersionID) {
			t.forgetVersioning()
		}
		inParts := result.PartsTotal > 0
		if inParts && t.req.Tags {
			t.kind = Retagged // they may have changed since the copy began
		}
		// An upload in parts may be beneath what was written since it began.
		return inParts || overNothing && t.now().Sub(t.seen.asked) > slowCopy, nil
	}
	return false, nil
}

// resumes says that an upload is of what is to be copied now.
func resumes(u copier.Upload, source copier.Object, condition policy.Condition) bool {
	s := u.Source
	return s.Region == source.Region && s.Bucket == source.Bucket && s.Key == source.Key && s.VersionID == source.VersionID &&
		s.ETag == source.ETag && s.Size == source.Size && u.Condition == condition
}

// delete hides what the target shows. It reports whether to look again.
func (t *task) delete(ctx context.Context, step policy.Step) (again bool, err error) {
	if err := t.checkVersioning(ctx); err != nil {
		return false, err
	}
	t.result.Requests.Delete++
	version, made, err := marker.Put(ctx, t.client, t.target, t.req.Source, step.Condition.IfMatch)
	switch {
	case err != nil:
		return t.tryAgain(err)
	case !made:
		return true, nil
	case !keepsVersion(version):
		t.forgetVersioning()
	}
	t.result.VersionID, t.result.ETag, t.result.Bytes = version, "", 0
	t.did = copier.Deleted
	t.end(t.did)
	return false, nil
}

// tryAgain says that a write whose failure may pass is tried again, after other
// looks: what failed may have been done all the same.
func (t *task) tryAgain(err error) (bool, error) {
	var failed *copier.Error
	if t.failures++; t.failures == maxFailures || !errors.As(err, &failed) || failed.Class != copier.Retryable || failed.Upload != nil ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false, err
	}
	return true, nil
}

// retag gives the replica the write's tags. Of two that do so at once one may read
// before and write after the other: so the source is read again, until its tags are
// those that were written.
func (t *task) retag(ctx context.Context) (again bool, err error) {
	source, target := t.seen.known.Source.Current.ID, t.seen.known.Target.Current.ID
	want, again, err := t.tags(ctx, t.source(), source)
	if err != nil || again {
		return again, err
	}
	has, again, err := t.tags(ctx, t.targetLocation(), target)
	if err != nil || again {
		return again, err
	}
	if sameTags(want, has) {
		t.end(copier.Exists)
		return false, nil
	}
	for range maxRounds {
		t.result.Requests.PutTags++
		_, err := t.client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
			Bucket: &t.target.Bucket, Key: &t.req.Source.Key, VersionId: &target, Tagging: &types.Tagging{TagSet: want},
		}, inRegion(t.target.Region))
		switch {
		case missing(err):
			return true, nil
		case err != nil:
			return false, t.failure("put tags on the replica of", err)
		}
		now, again, err := t.tags(ctx, t.source(), source)
		switch {
		case err != nil || again:
			return again, err
		case sameTags(now, want):
			t.end(copier.Retagged)
			return false, nil
		}
		want = now
	}
	return false, t.failure(opFollow, copier.Passing(fmt.Errorf("the tags changed %d times while they were copied", maxRounds)))
}

// tags reads a version's; gone says that it does not exist any more.
func (t *task) tags(ctx context.Context, at location, version string) (set []types.Tag, gone bool, err error) {
	t.result.Requests.Tags++
	out, err := t.client.GetObjectTagging(
		ctx, &s3.GetObjectTaggingInput{Bucket: &at.bucket, Key: &t.req.Source.Key, VersionId: &version},
		inRegion(at.region),
	)
	switch {
	case missing(err):
		return nil, true, nil
	case err != nil:
		return nil, false, t.failure("read tags in "+at.region+" of", err)
	}
	if out.TagSet == nil {
		return []types.Tag{}, false, nil
	}
	return out.TagSet, false, nil
}

// sameTags compares sets, whose order means nothing.
func sameTags(a, b []types.Tag) bool {
	values := make(map[string]string, len(a))
	for _, tag := range a {
		values[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	for _, tag := range b {
		if value, ok := values[aws.ToString(tag.Key)]; !ok || value != aws.ToString(tag.Value) {
			return false
		}
	}
	return len(a) == len(b)
}
