package sandbox

import (
	"cmp"
	"context"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/trace"
)

// notify hands a bucket's notification over to its topic, queue or function, as
// S3 does: as the service, on behalf of the bucket and its owner's account.
func (s *Sandbox) notify(ctx context.Context, n s3.Notification) (err error) {
	switch {
	case n.Queue():
		_, err = s.sqs.Send(ctx, s.bucketCaller(n), n.Destination, string(n.Body), nil)
	case n.Function():
		err = s.lambda.InvokeAsync(ctx, s.bucketCaller(n), n.Destination, n.Body)
	default:
		s.trace.Note(trace.Announced, "", n.Body, "")
		_, err = s.sns.Publish(ctx, s.bucketCaller(n), n.Destination, "Amazon S3 Notification", string(n.Body))
		if err != nil {
			s.trace.Note(trace.Lost, "", n.Body, "the topic did not take it: "+err.Error())
		}
	}
	return err
}

// noteChange remembers replicas, and what a user wrote without an event to any Region.
func (s *Sandbox) noteChange(c s3.Change) {
	if s.trace == nil {
		return
	}
	step := trace.Step{At: time.Now(), Source: c.Region, Bucket: c.Bucket, Key: c.Key, VersionID: c.VersionID}
	created := strings.HasPrefix(c.Event, "s3:ObjectCreated:")
	switch replica := c.Caller.Role != nil && s.lambda.RunsAs(c.Caller.Role); { // by a function, or a command in its session
	case replica && !created, !replica && !created && c.Rules == 0:
		return
	case replica:
		step.Stage, step.Source, step.Target = trace.Copied, "", c.Region
	case c.Rules == 0:
		step.Stage, step.Detail = trace.Unannounced, "the bucket's notifications leave this key or this kind of change out"
	case c.Lost:
		step.Stage, step.Detail = trace.Lost, "S3 announced nothing"
	default:
		return
	}
	s.trace.Add(step)
}

// notifyTest sends a bucket's test event. Functions get none: S3 looks only
// whether it may invoke them.
func (s *Sandbox) notifyTest(ctx context.Context, n s3.Notification) error {
	if n.Function() {
		return s.lambda.Authorize(s.bucketCaller(n), "lambda:InvokeFunction", n.Destination)
	}
	return s.notify(ctx, n)
}

func (s *Sandbox) bucketCaller(n s3.Notification) iam.Caller {
	return iam.Caller{Service: "s3.amazonaws.com", SourceARN: n.BucketARN, SourceAccount: cmp.Or(s.owner(n.Bucket), AccountID)}
}

// GiveBucket makes a bucket another account's, with all that is in it and with
// its policy: as if it had been deleted, and somebody else had taken its name.
func (s *Sandbox) GiveBucket(name, account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[name] = account
}

// owner is the account that a bucket was given to, empty if it was not.
func (s *Sandbox) owner(bucket string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.owners[bucket]
}
