// Package replicator is what the function does in an invocation: it reads what
// SNS, S3 Batch Operations or the function itself asks for, checks that the
// sources belong to the replica set, has the Copier copy, or the Follower follow a
// change, hands over what the time does not suffice for, and answers.
//
// It guarantees that every record ends as one of the Copier's outcomes, or in
// the error of the invocation; see Handler.Invoke. Everything that it does to
// the world goes through Handler's fields, so that package sim can run it
// against a model of AWS. It keeps no state between invocations.
package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/policy"
)

// Parallel bounds the copies under way in one invocation. A message has one
// record in practice, so it matters for replays and rare bursts only.
const Parallel = 8

// Excluded is the outcome of a record whose key the configuration leaves out.
// Nothing was asked or done.
const Excluded copier.Outcome = "Excluded"

// errSource marks a record whose bucket is no source of this function.
var errSource = errors.New("not a source of this function")

// Copier is what the Handler needs of *copier.Copier.
type Copier interface {
	Copy(context.Context, copier.Request) (copier.Result, error)
}

// Invoker invokes the function itself, asynchronously, and returns once that is
// queued. A refusal is an *InvokeError; after any other error the invocation
// may have been queued all the same.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) error
}

// Caller invokes the function in another Region and returns its answer. Errors
// are as Invoker's; the function's own failure is an *InvokeError with the
// status 200.
type Caller interface {
	Call(ctx context.Context, payload []byte) ([]byte, error)
}

// Follower is what the Handler needs of *follow.Follower.
type Follower interface {
	Follow(context.Context, follow.Request) (copier.Result, error)
}

// Handler dispatches invocations. All its fields are required, and have to be
// safe for concurrent use; then it is, too.
type Handler struct {
	Config functionenv.Config
	Copier Copier // to Config.Target.Bucket
	// Follower, to Config.Target.Bucket, may be nil where Config follows nothing.
	Follower Follower
	Self     Invoker
	Twin     func(region string) (Caller, error)
	// Abort gives an upload to Config.Target.Bucket up.
	Abort func(context.Context, copier.Upload) error
	// Announce sends an event of what is late. It may be nil.
	Announce func(context.Context, Late) error
	Log      *slog.Logger
	Now      func() time.Time
}

// summary is the function's answer to an invocation in which nothing failed.
type summary struct {
	Copied     int `json:"copied"`
	Exists     int `json:"exists"`
	Diverged   int `json:"diverged"`
	SourceGone int `json:"sourceGone"`
	// Unfinished copies go on in other invocations.
	Unfinished int `json:"unfinished"`
	TestEvents int `json:"testEvents"`
	Excluded   int `json:"excluded,omitempty"`
	// What was followed; left out where nothing was.
	Replaced   int `json:"replaced,omitempty"`
	Superseded int `json:"superseded,omitempty"`
	Deleted    int `json:"deleted,omitempty"`
	Retagged   int `json:"retagged,omitempty"`
}

// Invoke handles the payload of one invocation: all records of all messages,
// in no order. The answer is a summary as JSON. If anything failed, the error
// is a *ReplicationError with all of it, and the rest has been done. A batch
// has an answer of its own, with a result for each task; a task that failed is
// no error.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	log, times := h.Log, budgetOf(ctx, h.Now())
	in, err := event.ParseInvocation(payload)
	if err != nil {
		traced(ctx, log).Error("event not understood", "error", err.Error())
		return nil, &ReplicationError{Parts: 1, Failures: []error{err}}
	}
	if in.Batch != nil {
		return h.batch(ctx, log, times, *in.Batch, payload)
	}
	var (
		sum      summary
		jobs     []job
		failures []error
	)
	if in.Continuation != nil {
		jobs = append(jobs, jobOf(*in.Continuation))
	}
	unread := complaints{log: traced(ctx, log), text: "event not understood"}
	for _, m := range in.Messages {
		if m.TestEvent {
			sum.TestEvents++
			log.Info("test event acknowledged", "bucket", m.TestBucket, "messageId", m.ID)
		}
		for _, err := range m.Errs {
			unread.add(err, "messageId", m.ID)
			failures = append(failures, err)
		}
		for _, r := range m.Records {
			jobs = append(jobs, job{record: r})
		}
	}
	unread.end()
	parts := sum.TestEvents + len(failures) + len(jobs)
	outcomes, errs := h.replicateAll(ctx, log, times, jobs)
	for i, err := range errs {
		if err != nil {
			failures = append(failures, err)
			continue
		}
		sum.count(outcomes[i])
	}
	if len(failures) > 0 {
		return nil, &ReplicationError{Parts: parts, Failures: failures}
	}
	return json.Marshal(sum)
}

func (s *summary) count(o copier.Outcome) {
	switch o {
	case copier.Copied:
		s.Copied++
	case copier.Exists:
		s.Exists++
	case copier.Diverged:
		s.Diverged++
	case copier.SourceGone:
		s.SourceGone++
	case copier.Unfinished:
		s.Unfinished++
	case Excluded:
		s.Excluded++
	case copier.Replaced:
		s.Replaced++
	case copier.Superseded:
		s.Superseded++
	case copier.Deleted:
		s.Deleted++
	case copier.Retagged:
		s.Retagged++
	}
}

// replicateAll works on the jobs in parallel; one's failure stops no other.
// Outcomes and errors have the jobs' places.
func (h *Handler) replicateAll(ctx context.Context, log *slog.Logger, times budget, jobs []job) ([]copier.Outcome, []error) {
	outcomes, errs := make([]copier.Outcome, len(jobs)), make([]error, len(jobs))
	if len(jobs) == 1 {
		// The rule. A new goroutine would grow its stack by copying it again and
		// again on its way through the SDK; this one's has been grown before.
		outcomes[0], errs[0] = h.replicate(ctx, log, times, jobs[0])
		return outcomes, errs
	}
	var group errgroup.Group
	group.SetLimit(Parallel)
	for i, j := range jobs {
		group.Go(func() error {
			outcomes[i], errs[i] = h.replicate(ctx, log, times, j)
			return nil
		})
	}
	_ = group.Wait() // every error is in errs
	return outcomes, errs
}

// replicate copies one record's object, or hands the rest of it over, and logs
// its end.
func (h *Handler) replicate(ctx context.Context, log *slog.Logger, times budget, j job) (copier.Outcome, error) {
	start, r := h.Now(), j.record
	var result copier.Result
	err := checkSource(h.Config, r)
	if err == nil {
		result, err = h.copy(ctx, times, j)
	}
	end := h.Now()
	attributes := append(recordMetrics(h.Config, j, result, err, end), "key", r.Key, "versionId", r.VersionID)
	if sourceRegion(h.Config, r) == noMember { // else its Region says which bucket
		attributes = append(attributes, "region", r.Region, "bucket", r.Bucket)
	}
	attributes = append(attributes, "bytes", result.Bytes, "durationMs", end.Sub(start).Milliseconds())
	if !r.EventTime.IsZero() {
		if result.Outcome != copier.Copied && result.Outcome != copier.Replaced { // of which the metric says it
			attributes = append(attributes, "lagMs", lag(r, end).Milliseconds())
		}
		if late := replicationTime(lag(r, end), h.Config.LateAfter(), result.Outcome, err); late != "" {
			attributes = append(attributes, "replicationTime", late)
			h.announce(ctx, traced(ctx, log), late, r, end)
		}
	}
	if result.Waited > 0 {
		attributes = append(attributes, "waitedMs", result.Waited.Milliseconds())
	}
	attributes = append(attributes, uploadAttributes(j, result, err)...)
	if err != nil {
		traced(ctx, log).Error("record", append(attributes, "outcome", "Failed", "class", classOf(err), "error", err.Error())...)
		return "", err
	}
	log.Info("record", append(attributes, "outcome", result.Outcome)...)
	return result.Outcome, nil
}

// traced adds the invocation's ID, by which a dead letter and Lambda's own lines
// name it. The line of a record that did not fail is written too often to have it.
func traced(ctx context.Context, log *slog.Logger) *slog.Logger {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return log.With("requestId", lc.AwsRequestID)
	}
	return log
}

// lag is how long ago the event was. S3's clock may be ahead of this one, by
// little; a lag below zero would make up for true ones in an average.
func lag(r event.Record, end time.Time) time.Duration { return max(0, end.Sub(r.EventTime)) }

// copy makes the copy as far as the time goes, and hands over what is left.
func (h *Handler) copy(ctx context.Context, times budget, j job) (copier.Result, error) {
	working, cancel := until(ctx, times.copying)
	defer cancel()
	var result copier.Result
	var err error
	switch {
	case h.Config.Exclude.Match(j.record.Key) && j.resume == nil:
		// S3's notifications cannot leave keys out. A copy that is under way is
		// finished, so that no upload is left behind.
		return copier.Result{Outcome: Excluded}, nil
	case h.Config.FollowFor(j.record.Key).Overwrites:
		result, err = h.follow(working, j)
	case j.record.Removal() || j.record.Retagging():
		return result, j.record.Unfollowed()
	default:
		result, err = h.Copier.Copy(working, requestFor(h.Config, j))
	}
	if err == nil && result.Outcome == copier.Unfinished {
		err = h.handOver(ctx, times, j, *result.Upload)
	}
	return result, err
}

// checkSource refuses a record from anywhere but another bucket of the set.
func checkSource(config functionenv.Config, r event.Record) error {
	source, member := config.Sources.WithBucket(r.Bucket)
	var why string
	switch {
	case r.Bucket == config.Target.Bucket:
		why = "it is the function's own bucket; remove the subscription to its own topic"
	case !member:
		why = fmt.Sprintf("replica set %s has no such bucket; deploy all Regions, or remove the subscription", config.Target.Set)
	case r.Region != source.Region:
		why = fmt.Sprintf("the replica set has the bucket in %s, the event says %q", source.Region, r.Region)
	default:
		return nil
	}
	return fmt.Errorf("replicate %s to s3://%s (%s): %w: bucket %q: %s",
		objectOf(r), config.Target.Bucket, config.Target.Region, errSource, r.Bucket, why)
}

func requestFor(config functionenv.Config, j job) copier.Request {
	return copier.Request{
		Source:       objectOf(j.record),
		Event:        policy.Event{Name: j.record.EventName},
		ProbableEcho: j.task || isReplicator(j.record.PrincipalID, config.FunctionName), Resume: j.resume,
		KeepDeleted: j.keepDeleted,
	}
}

func objectOf(r event.Record) copier.Object {
	return copier.Object{Region: r.Region, Bucket: r.Bucket, Key: r.Key, VersionID: r.VersionID, Size: r.Size, ETag: r.ETag}
}

// isReplicator reports whether a principal looks like a replication function or
// like what copies in its place, a backfill or a reconciliation: an assumed role,
// AWS:<role id>:<session>, whose session Lambda has named after the function,
// which has the same name in every Region, or the others after that. Anyone
// can name a session so; a wrong guess costs one HEAD.
func isReplicator(principalID, functionName string) bool {
	rest, ok := strings.CutPrefix(principalID, "AWS:")
	if !ok {
		return false
	}
	role, session, ok := strings.Cut(rest, ":")
	return ok && role != "" && (session == functionName || session == functionenv.OperatorSession(functionName) ||
		session == functionenv.ReconcileSession(functionName))
}

// classOf is the copier's class of an error. What fails before the copier is
// asked does not go away by itself.
func classOf(err error) copier.Class {
	var e *copier.Error
	var h *handoverError
	var p *passOnError
	switch {
	case errors.As(err, &p):
		return p.class()
	case errors.As(err, &h):
		return h.class
	case errors.As(err, &e):
		return e.Class
	}
	return copier.Permanent
}
