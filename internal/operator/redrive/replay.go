package redrive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/function/event"
	"s3fanout/internal/operator/deadletter"
)

// errFunction marks a function that was invoked and failed.
var errFunction = errors.New("the function failed again")

// What a Result says of dead letters that were left alone.
const (
	notChosen   = "not selected"
	interrupted = "interrupted before it was done"
)

// job is a dead letter that is to be replayed.
type job struct {
	message   types.Message
	payload   []byte
	result    Result // as far as it is known
	needTopic bool   // the functions are the subscription's
}

// plan decides what to do with a message, without asking anybody. Where there is
// nothing to do, the job is nil and the result final.
func (q *queue) plan(m types.Message) (*job, Result) {
	r := Result{Region: q.region, MessageID: aws.ToString(m.MessageId), SentAt: sentAt(m)}
	letter, err := deadletter.Decode(aws.ToString(m.Body), attributes(m))
	if err != nil {
		if !q.chooses(r, deadletter.Line(err.Error())) {
			return nil, r.ended(Skipped, notChosen, nil)
		}
		return nil, r.ended(NotUnderstood, err.Error(), nil)
	}
	// Each invocation from here begins a chain of its own, so a copy that was
	// handed over as often as one chain allows can go on.
	payload := event.Restart(letter.Payload)
	letter.Payload = nil
	r.Letter = letter
	if !q.chooses(r, letter.Reason) {
		return nil, r.ended(Skipped, notChosen, nil)
	}
	functions, needTopic, err := route(letter, q.queueLocation, q.options.Config)
	switch {
	case err != nil:
		return nil, r.ended(NotOurs, err.Error(), nil)
	case !q.limits.take():
		return nil, r.ended(Skipped, "not tried: --max was reached", nil)
	}
	r.Functions = functions
	if q.options.DryRun {
		return nil, r.ended(Waiting, "", nil)
	}
	return &job{message: m, payload: payload, result: r, needTopic: needTopic}, Result{}
}

// replay invokes the functions that a dead letter is for. The outcome is Replayed where
// they all succeeded; the dead letter is still in the queue then.
func (q *queue) replay(ctx context.Context, j *job) Result {
	r := j.result
	if j.needTopic {
		r.Functions = nil
		endpoints, err := q.topic.endpoints(ctx, q.clients.SNS, r.Letter.TopicARN, q.options.Watch)
		if err != nil {
			return q.requestFailed(ctx, r, NotInvoked, awsapi.Explain(q.region, "topic "+q.options.Config.TopicName(), err))
		}
		if r.Functions, err = routeSubscription(r.Letter, endpoints, q.queueLocation, q.options.Config); err != nil {
			return r.ended(NotOurs, err.Error(), nil)
		}
	}
	functions := r.Functions
	r.Functions = nil // until they are invoked
	if q.limits.wait(ctx) != nil {
		return r.ended(Interrupted, interrupted, nil)
	}
	r.Functions = functions
	did, err := q.invokeAll(ctx, functions, j.payload)
	switch {
	case errors.Is(err, errFunction):
		return r.ended(Failed, err.Error(), nil)
	case err != nil:
		return q.requestFailed(ctx, r, NotInvoked, err)
	}
	r.Did = did
	return r.ended(Replayed, "", nil)
}

// chooses asks the filter about what was read of a dead letter, whose reason is what is
// wrong with it where it was not understood. There is one message of an ID: nothing is
// read after it.
func (q *queue) chooses(r Result, reason string) bool {
	f := q.options.Filter
	chosen := f.Chooses(Candidate{MessageID: r.MessageID, SentAt: r.SentAt, Reason: reason, Objects: r.Letter.Objects}, time.Now())
	if chosen && f.MessageID != "" {
		q.limits.end()
	}
	return chosen
}

func (r Result) ended(outcome Outcome, detail string, err error) Result {
	r.Outcome, r.Detail, r.Err = outcome, deadletter.Line(detail), err
	return r
}

// requestFailed tells an interruption from a failure.
func (q *queue) requestFailed(ctx context.Context, r Result, outcome Outcome, err error) Result {
	if ctx.Err() != nil {
		return r.ended(Interrupted, interrupted, nil)
	}
	return r.ended(outcome, err.Error(), err)
}

// invokeAll invokes all functions at once. A request that failed takes
// precedence over a function that failed: it is what has to be fixed first. It
// returns what the functions say that they did, all together.
func (q *queue) invokeAll(ctx context.Context, functions []Function, payload []byte) (map[string]int, error) {
	errs, answers := make([]error, len(functions)), make([][]byte, len(functions))
	var wg sync.WaitGroup
	for i, f := range functions {
		wg.Go(func() { answers[i], errs[i] = q.try(ctx, f, payload) })
	}
	wg.Wait()
	var failed error
	did := map[string]int{}
	for i, err := range errs {
		switch {
		case err == nil:
			addDid(did, answers[i])
		case !errors.Is(err, errFunction):
			return nil, err
		default:
			failed = cmp.Or(failed, err)
		}
	}
	return did, failed
}

// addDid adds what a function's answer counts. An answer without counts, such as
// that of an older function, adds nothing.
func addDid(did map[string]int, answer []byte) {
	var counts map[string]int
	if json.Unmarshal(answer, &counts) != nil {
		return
	}
	for outcome, n := range counts {
		if n > 0 {
			did[outcome] += n
		}
	}
}

// invoke runs one function, waits for its end, and returns its answer.
func (q *queue) invoke(ctx context.Context, f Function, payload []byte) ([]byte, error) {
	out, err := q.options.Clients[f.Region].Lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName:   aws.String(f.Name),
		InvocationType: lambdatypes.InvocationTypeRequestResponse,
		Payload:        payload,
	})
	if err != nil {
		return nil, awsapi.Explain(f.Region, "function "+f.Name, err)
	}
	if out.FunctionError != nil {
		where := ""
		if f.Region != q.region {
			where = f.Region + ": "
		}
		return nil, fmt.Errorf("%w: %s%s", errFunction, where, functionReason(*out.FunctionError, out.Payload))
	}
	return out.Payload, nil
}

// functionReason reads the error object that Lambda makes of a function's
// error (https://docs.aws.amazon.com/lambda/latest/dg/golang-exceptions.html).
func functionReason(kind string, payload []byte) string {
	var e struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return kind
	}
	return cmp.Or(e.Message, e.Type, kind)
}

func attributes(m types.Message) map[string]string {
	values := make(map[string]string, len(m.MessageAttributes))
	for name, v := range m.MessageAttributes {
		values[name] = aws.ToString(v.StringValue)
	}
	return values
}

// sentAt reads SQS's time in milliseconds.
func sentAt(m types.Message) time.Time {
	ms, err := strconv.ParseInt(strings.TrimSpace(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)]), 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
