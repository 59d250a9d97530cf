package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/policy"
)

// task is one call of Copy.
type task struct {
	*Copier
	req    Request
	result Result
	pace   pace
	// head is the source's HEAD, nil unless asked for.
	head *s3.HeadObjectOutput
	// condition is what the next copy is made on.
	condition policy.Condition
	// refused says that the target has the key by S3's word: a condition failed.
	refused bool
}

// single copies by one request, as the plan goes.
func (t *task) single(ctx context.Context) error {
	var (
		state progress
		err   error
	)
	first := policy.Decide(t.req.known())
	t.condition = first.Condition
	next := begin(first)
	for {
		if next.backoff > 0 {
			if ended := t.sleep(ctx, backoff(next.backoff, t.random())); ended != nil {
				return t.failure(opCopy, t.req, fmt.Errorf("%w while waiting to try again after: %w", ended, err))
			}
		}
		if next.move != headTarget && t.head == nil && t.storageClass == StorageClassOfSource {
			if done, err := t.lookFirst(ctx); done || err != nil {
				return err
			}
		}
		var got answer
		got, err = t.do(ctx, next.move)
		if got == unsupported {
			t.warnFallback(err)
		}
		did := next.move
		state, next = state.after(got)
		switch {
		case next.move == split && t.head == nil:
			// The event was wrong about the size.
			return t.multipart(ctx)
		case next.move != stop && next.move != split:
		case next.outcome == "":
			return t.failure(operation(did), t.req, err)
		default:
			t.result.Outcome = next.outcome
			if next.outcome == Copied {
				t.result.Bytes = t.req.Source.Size
			}
			return nil
		}
	}
}

// lookFirst asks for the source's properties before it is copied by one
// request, and reports whether that has ended the task.
func (t *task) lookFirst(ctx context.Context) (bool, error) {
	got, err := t.headSource(ctx)
	switch {
	case got == gone:
		t.result.Outcome = SourceGone
		return true, nil
	case got != done:
		return true, t.failure(opSource, t.req, err)
	case t.req.Source.Size > t.threshold:
		return true, t.multipart(ctx)
	}
	return false, nil
}

// conditionOf is what a move's request has to be sent with.
func (t *task) conditionOf(m move) policy.Condition {
	if m == copyOnCondition || m == completeOnCondition {
		return t.condition
	}
	return policy.Condition{}
}

// do makes one request and says what S3 answered. The error is S3's.
func (t *task) do(ctx context.Context, m move) (answer, error) {
	if m == headTarget {
		return t.look(ctx)
	}
	in := copyInput(t.conditionOf(m), t.req.Source, t.target, replicaClass(t.storageClass, t.head))
	options := []func(*s3.Options){inRegion(t.target.Region)}
	if t.restores {
		more, err := restore(in, t.head, t.leftOut)
		if err != nil {
			return failed, err
		}
		options = append(options, more...)
	}
	t.result.Requests.Copy++
	out, err := t.client.CopyObject(ctx, in, options...)
	switch {
	case err != nil:
	case out.CopyObjectResult == nil || deref(out.CopyObjectResult.ETag) == "":
		// S3 sends the status before it copies: a 200 says little without the
		// result after it.
		err = retryable{errors.New("the answer to the copy has no ETag")}
	default:
		t.result.VersionID, t.result.ETag = deref(out.VersionId), unquote(out.CopyObjectResult.ETag)
	}
	got := interpret(m, t.req.Source, err)
	t.refused = got == exists
	return got, err
}

// headSource asks for the source's properties and keeps them: the HEAD decides
// about the size, not the event. Answers are done, gone and failed.
//
// A HEAD has no body, so that its 404 does not say what is missing, the object
// or the bucket. Then the tags are asked for, whose 404 does.
func (t *task) headSource(ctx context.Context) (answer, error) {
	t.result.Requests.Head++
	out, err := t.client.HeadObject(ctx, sourceHeadInput(t.req.Source), inRegion(t.req.Source.Region))
	got := interpret(headSource, t.req.Source, err)
	if got == absent {
		if _, tagsErr := t.readTags(ctx); tagsErr != nil {
			return interpret(readTags, t.req.Source, tagsErr), tagsErr
		}
		return failed, retryable{fmt.Errorf("HEAD does not find the source, but its tags are there: %w", err)}
	}
	if got == done {
		t.head, t.req.Source.Size = out, size(out)
		if archived(out) {
			return failed, permanent{fmt.Errorf("the source is archived (%s), restore it first", archiveOf(out))}
		}
	}
	return got, err
}
