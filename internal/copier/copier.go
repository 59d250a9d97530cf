// Package copier makes one object exist at one target. It is the only place
// that writes replicas, whoever asks: the function, a backfill or a repair.
//
// It guarantees that a copy is server side and of exactly the version named,
// that an existing key at the target is never replaced (the first write of a
// key wins), that copying again is harmless, and that every call ends as one
// Outcome or as an *Error that says what was copied where and whether trying
// again can help.
//
// The one exception is a server that does not implement conditional copies:
// there the target is looked at first, and a write between look and copy is
// replaced. That is said once in the log.
//
// It does not choose which objects to copy, does not delete, and does not copy
// annotations or access control lists. The storage class of a replica is
// STANDARD and its encryption the target bucket's default.
package copier

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// MaxSize is the largest object, in bytes, that one CopyObject copies
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
const MaxSize int64 = 5 << 30

// Object names what is copied.
type Object struct {
	Region, Bucket, Key string
	// VersionID names the version; empty means the current one.
	VersionID string
	// Size is in bytes, as the event or listing reported it.
	Size int64
	// ETag is opaque and informative.
	ETag string
}

// Target is where replicas are written.
type Target struct {
	Region, Bucket string
}

// Outcome is how a copy ended that did not fail.
type Outcome string

// The outcomes.
const (
	// Copied means that this call made the replica.
	Copied Outcome = "Copied"
	// Exists means that the target has the key already. It was left as it is.
	// A copy that succeeds but whose answer is lost, so that the SDK repeats
	// it, ends as Exists too.
	Exists Outcome = "Exists"
	// SourceGone means that the source, or the version named, does not exist
	// any more. There is nothing to copy.
	SourceGone Outcome = "SourceGone"
)

// Request asks for one object at the Copier's target, under the same key.
type Request struct {
	Source Object
	// ProbableEcho says that the target probably has the object already: then
	// a HEAD, which costs less than a refused copy, is sent first. It changes
	// the price, never the outcome.
	ProbableEcho bool
}

// Requests counts S3 operations. The SDK's own retries of an operation are
// not counted.
type Requests struct {
	Copy, Head int
}

// Result says how a copy ended and what it took.
type Result struct {
	Outcome Outcome // empty beside an error
	// Requests is set beside an error as well.
	Requests Requests
	// Bytes is the size of what was copied, zero unless Copied.
	Bytes int64
	// VersionID and ETag are the replica's, empty where S3 did not say.
	VersionID, ETag string
}

// S3 is what the Copier needs of *s3.Client.
type S3 interface {
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Copier copies objects to one target. It is safe for concurrent use.
type Copier struct {
	client S3
	target Target
	log    *slog.Logger
	sleep  func(context.Context, time.Duration) error
	random func() float64
	// fallbackSaid keeps the warning about unconditional copies to one.
	fallbackSaid sync.Once
}

// Option changes a Copier at its making.
type Option func(*Copier)

// WithLogger sets where warnings go; slog.Default unless given.
func WithLogger(log *slog.Logger) Option { return func(c *Copier) { c.log = log } }

// WithSleep replaces the wait between attempts. It must return the context's
// error as soon as the context ends.
func WithSleep(sleep func(context.Context, time.Duration) error) Option {
	return func(c *Copier) { c.sleep = sleep }
}

// WithRandom replaces the source of jitter: numbers in [0, 1). It must be safe
// for concurrent use.
func WithRandom(random func() float64) Option { return func(c *Copier) { c.random = random } }

// New returns a Copier to target. Requests are sent to the target's Region,
// whatever Region the client was made for.
func New(client S3, target Target, options ...Option) *Copier {
	c := &Copier{client: client, target: target, log: slog.Default(), sleep: sleep, random: rand.Float64}
	for _, option := range options {
		option(c)
	}
	return c
}

// Copy makes the object exist at the target. It is idempotent. The error is
// an *Error; if the context ended, errors.Is finds the context's error in it.
func (c *Copier) Copy(ctx context.Context, req Request) (Result, error) {
	var result Result
	if err := validate(req.Source, c.target); err != nil {
		return result, c.failure(opCopy, req, err)
	}
	var (
		state progress
		err   error
	)
	next := begin(req)
	for {
		if next.backoff > 0 {
			if ended := c.sleep(ctx, backoff(next.backoff, c.random())); ended != nil {
				return result, c.failure(opCopy, req, fmt.Errorf("%w while waiting to try again after: %w", ended, err))
			}
		}
		var got answer
		got, err = c.do(ctx, next.move, req, &result)
		if got == unsupported {
			c.warnFallback(err)
		}
		did := next.move
		state, next = state.after(did, got)
		switch {
		case next.move != stop:
		case next.outcome == "":
			return result, c.failure(operation(did), req, err)
		default:
			result.Outcome = next.outcome
			if next.outcome == Copied {
				result.Bytes = req.Source.Size
			}
			return result, nil
		}
	}
}

// do makes one request and says what S3 answered. The error is S3's.
func (c *Copier) do(ctx context.Context, m move, req Request, result *Result) (answer, error) {
	if m == headTarget {
		result.Requests.Head++
		out, err := c.client.HeadObject(ctx, headInput(req.Source.Key, c.target), c.inTargetRegion)
		if err == nil {
			result.VersionID, result.ETag = deref(out.VersionId), unquote(out.ETag)
		}
		return interpret(m, req.Source, err), err
	}
	result.Requests.Copy++
	out, err := c.client.CopyObject(ctx, copyInput(m, req.Source, c.target), c.inTargetRegion)
	if err == nil {
		result.VersionID = deref(out.VersionId)
		if out.CopyObjectResult != nil {
			result.ETag = unquote(out.CopyObjectResult.ETag)
		}
	}
	return interpret(m, req.Source, err), err
}

func (c *Copier) inTargetRegion(o *s3.Options) {
	if c.target.Region != "" {
		o.Region = c.target.Region
	}
}

func (c *Copier) warnFallback(err error) {
	c.fallbackSaid.Do(func() {
		c.log.Warn("the server does not implement conditional copies: looking before copying instead, "+
			"so a key that is written in between is replaced",
			"region", c.target.Region, "bucket", c.target.Bucket, "error", err.Error())
	})
}

// sleep waits for d or for the context's end, whichever comes first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
