package replicator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
	"s3fanout/internal/policy"
)

// maxHandovers is how often one chain of invocations hands a copy over. Lambda
// stops a chain when a function has been invoked about 16 times in it
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html), and
// drops what it stops. 12 hand-overs make 13 invocations, three and a quarter
// hours; the rest is for "about" and for a replica's event that comes back.
const maxHandovers = 12

// errHandover marks a copy that was not finished and could not be handed over.
var errHandover = errors.New("the copy is unfinished and was not handed over")

// handoverError says why. Trying again helps unless it says otherwise.
type handoverError struct {
	class copier.Class
	err   error
}

func (e *handoverError) Error() string { return e.err.Error() }
func (e *handoverError) Unwrap() error { return e.err }

// job is one copy to make: of an event's record, or the rest of one that
// another invocation began.
type job struct {
	record event.Record
	resume *copier.Upload
	// task says that S3 Batch Operations asks for it: the target may well have
	// the key already, and the record has no size.
	task bool
	// keepDeleted leaves deleted what was deleted at the target.
	keepDeleted bool
}

func jobOf(c event.Continuation) job {
	return job{record: c.Source, resume: &copier.Upload{
		Source: objectOf(c.Source), UploadID: c.UploadID, PartSize: c.PartSize, Handovers: c.Handovers,
		Condition: policy.Condition{IfMatch: c.IfMatch, IfNoneMatch: c.IfNoneMatch},
	}}
}

// handovers is how often the copy was handed over before.
func (j job) handovers() int {
	if j.resume == nil {
		return 0
	}
	return j.resume.Handovers
}

// knows reports whether trying the invocation's payload again finds the
// upload. An event names none, and a continuation's may be gone and have been
// replaced.
func (j job) knows(u copier.Upload) bool { return j.resume != nil && j.resume.UploadID == u.UploadID }

// continuation decides what the next invocation is asked for, given how far
// this one came. It fails if the chain of invocations is as long as it may be.
func (j job) continuation(u copier.Upload) (event.Continuation, error) {
	if j.handovers() >= maxHandovers {
		how := "continues it"
		if !j.knows(u) {
			how = "starts it again"
		}
		return event.Continuation{}, fmt.Errorf(
			"%w: after %d hand-overs Lambda could mistake it for an endless loop: upload %s; run s3fanout redrive, which %s",
			errHandover, j.handovers(), u.UploadID, how,
		)
	}
	source := event.Record{
		Region: u.Source.Region, Bucket: u.Source.Bucket, Key: u.Source.Key, VersionID: u.Source.VersionID,
		ETag: u.Source.ETag, Size: u.Source.Size, EventTime: j.record.EventTime,
	}
	next := event.Continuation{Source: source, UploadID: u.UploadID, PartSize: u.PartSize, Handovers: j.handovers() + 1}
	next.IfMatch, next.IfNoneMatch = u.Condition.IfMatch, u.Condition.IfNoneMatch
	return next, nil
}

// handOver asks for an invocation that goes on with the upload. If that fails,
// what Lambda or a redrive tries again is this invocation's own payload: an
// upload that the payload knows is left open for it, any other is given up.
func (h *Handler) handOver(ctx context.Context, times budget, j job, u copier.Upload) error {
	next, err := j.continuation(u)
	asked := false
	var payload []byte
	if err == nil {
		payload, err = event.EncodeContinuation(next)
	}
	if err == nil {
		asked = true
		asking, cancel := until(ctx, times.handingOver)
		err = h.Self.Invoke(asking, payload)
		cancel()
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%w: invoke %s for upload %s: %w", errHandover, h.Config.FunctionName, u.UploadID, err)
	}
	failure := &handoverError{class: copier.Retryable, err: fmt.Errorf("replicate %s: %w", objectOf(j.record), err)}
	refused := (*InvokeError)(nil)
	if errors.As(err, &refused) && !refused.Retryable() {
		failure.class = copier.Denied
	}
	// Without an answer Lambda may have queued the invocation all the same, and
	// that one works on the upload. The bucket's lifecycle rule ends it if not.
	unanswered := asked && refused == nil
	if !j.knows(u) && !unanswered {
		if err := h.giveUp(ctx, times, u); err != nil {
			failure.err = fmt.Errorf("%w; abort the upload: %w", failure.err, err)
		}
	}
	return failure
}

// giveUp aborts an upload, also after a cancellation.
func (h *Handler) giveUp(ctx context.Context, times budget, u copier.Upload) error {
	end := times.givingUp
	if end.IsZero() {
		end = time.Now().Add(abortTime)
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	return h.Abort(ctx, u)
}

// uploadAttributes are what the log says of a copy in parts, beside what it
// says of every record.
func uploadAttributes(j job, result copier.Result, err error) []any {
	upload := j.resume
	var failed *copier.Error
	switch {
	case result.Upload != nil:
		upload = result.Upload
	case errors.As(err, &failed) && failed.Upload != nil:
		upload = failed.Upload
	}
	var attributes []any
	if result.PartsTotal > 0 {
		attributes = append(attributes, "partsDone", result.PartsDone, "partsTotal", result.PartsTotal)
	}
	if upload != nil {
		attributes = append(attributes, "uploadId", upload.UploadID, "handovers", j.handovers())
	}
	return attributes
}
