package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
	"unicode/utf8"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
	"s3fanout/internal/printable"
)

// The result codes of a task
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html).
const (
	succeeded        = "Succeeded"
	temporaryFailure = "TemporaryFailure" // S3 tries it again
	permanentFailure = "PermanentFailure"
)

// maxResultChars bounds the text of a result, which goes into the job's report.
const maxResultChars = 1024

// batchMargin is kept of an invocation's time for the answer: another Region's
// function may be waiting for it, with a clock that began to run before ours.
const batchMargin = 30 * time.Second

// batchAnswer is the answer to S3 Batch Operations.
type batchAnswer struct {
	Schema         string       `json:"invocationSchemaVersion"`
	MissingKeysAre string       `json:"treatMissingKeysAs"`
	InvocationID   string       `json:"invocationId"`
	Results        []taskResult `json:"results"`
}

type taskResult struct {
	TaskID string `json:"taskId"`
	Code   string `json:"resultCode"`
	Text   string `json:"resultString"`
}

// batch answers S3 Batch Operations. A job has to run where its objects are,
// and a function writes into its own Region only; so a batch for another Region
// is passed on to the function there, whose answer becomes this one's.
func (h *Handler) batch(ctx context.Context, log *slog.Logger, times budget, b event.Batch, payload []byte) ([]byte, error) {
	log = log.With("jobId", b.JobID)
	target := b.Arguments[event.ArgumentTarget]
	if target == "" || target == h.Config.Target.Region {
		return json.Marshal(h.copyBatch(ctx, log, b))
	}
	answer, err := h.passOn(ctx, times, b, target, payload)
	if err == nil {
		return answer, nil
	}
	traced(ctx, log).Error("batch not passed on", "passedTo", target, "class", classOf(err), "error", err.Error())
	return json.Marshal(answerAll(b, failureOf(err)))
}

// copyBatch copies the objects of the batch into the function's own Region.
func (h *Handler) copyBatch(ctx context.Context, log *slog.Logger, b event.Batch) batchAnswer {
	if deadline, ok := ctx.Deadline(); ok {
		left := deadline.Sub(h.Now())
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(batchMargin, max(0, left/10))))
		defer cancel()
	}
	results := make([]taskResult, len(b.Tasks))
	var jobs []job
	var indexes []int // of the jobs' results
	unread := complaints{log: traced(ctx, log), text: "task not understood"}
	for i, task := range b.Tasks {
		err := task.Err
		if err == nil && task.Bucket == h.Config.Target.Bucket {
			err = fmt.Errorf("%w: bucket %q is the function's own; name another Region in the job's argument %s",
				errSource, task.Bucket, event.ArgumentTarget)
		}
		if err != nil {
			unread.add(err)
			results[i] = failureOf(err)
			continue
		}
		source, _ := h.Config.Sources.WithBucket(task.Bucket) // refused later if there is none
		r := event.Record{Region: source.Region, Bucket: task.Bucket, Key: task.Key, VersionID: task.VersionID}
		if b.Arguments[event.ArgumentVersion] == event.VersionCurrent {
			r.VersionID = ""
		}
		// A backfill meets many keys that are there: a HEAD costs a tenth.
		keep := b.Arguments[event.ArgumentDeleted] != event.DeletedRestore
		jobs = append(jobs, job{record: r, task: true, keepDeleted: keep})
		indexes = append(indexes, i)
	}
	unread.end()
	outcomes, errs := h.replicateAll(ctx, log, budgetOf(ctx, h.Now()), jobs)
	for j, i := range indexes {
		switch {
		case errs[j] != nil:
			results[i] = failureOf(errs[j])
		case outcomes[j] == copier.Unfinished:
			results[i] = taskResult{
				Code: succeeded,
				Text: "handed over: the copy continues in other invocations; if they fail, s3fanout redrive finds it",
			}
		default:
			results[i] = taskResult{Code: succeeded, Text: string(outcomes[j])}
		}
	}
	return answerEach(b, results)
}

// passOn has the function in the target Region do the batch and returns its
// answer.
func (h *Handler) passOn(ctx context.Context, times budget, b event.Batch, target string, payload []byte) ([]byte, error) {
	if _, member := h.Config.Sources.In(target); !member {
		return nil, fmt.Errorf("%w: replica set %s has no Region %q; correct the job's argument %s",
			errSource, h.Config.Target.Set, target, event.ArgumentTarget)
	}
	// Only from here to there: so a batch is passed on once at most.
	for _, task := range b.Tasks {
		if task.Err == nil && task.Bucket != h.Config.Target.Bucket {
			return nil, fmt.Errorf(
				"%w: bucket %q is not in %s, from where a batch can be passed on to %s; create the job in the bucket's Region",
				errSource, task.Bucket, h.Config.Target.Region, target,
			)
		}
	}
	twin, err := h.Twin(target)
	if err != nil {
		return nil, err
	}
	waiting, cancel := until(ctx, times.copying)
	defer cancel()
	answer, err := twin.Call(waiting, payload)
	if err != nil {
		return nil, &passOnError{fmt.Errorf("invoke %s in %s: %w", h.Config.FunctionName, target, err)}
	}
	var got batchAnswer
	if err := json.Unmarshal(answer, &got); err != nil || !answers(got, b) {
		return nil, &passOnError{
			fmt.Errorf("invoke %s in %s: its answer does not match the batch; "+
				"deploy the same version in all Regions", h.Config.FunctionName, target),
		}
	}
	return answer, nil
}

// answers reports whether the answer has a result for each task.
func answers(a batchAnswer, b event.Batch) bool {
	if a.InvocationID != b.InvocationID {
		return false
	}
	for _, task := range b.Tasks {
		if !slices.ContainsFunc(a.Results, func(r taskResult) bool { return r.TaskID == task.ID && r.Code != "" }) {
			return false
		}
	}
	return true
}

// passOnError is a batch that could not be passed on, or has no answer.
type passOnError struct{ error }

func (e *passOnError) Unwrap() error { return e.error }

// class says whether S3 should try again: after all but a refusal.
func (e *passOnError) class() copier.Class {
	var refused *InvokeError
	if errors.As(e.error, &refused) && refused.Status >= 400 && !refused.Retryable() {
		return copier.Denied
	}
	return copier.Retryable
}

func answerEach(b event.Batch, results []taskResult) batchAnswer {
	for i, task := range b.Tasks {
		results[i].TaskID = task.ID
	}
	return batchAnswer{Schema: b.Schema, MissingKeysAre: permanentFailure, InvocationID: b.InvocationID, Results: results}
}

func answerAll(b event.Batch, r taskResult) batchAnswer {
	return answerEach(b, slices.Repeat([]taskResult{r}, len(b.Tasks)))
}

// failureOf is the result of a task that failed.
func failureOf(err error) taskResult {
	code := permanentFailure
	if classOf(err) == copier.Retryable {
		code = temporaryFailure
	}
	return taskResult{Code: code, Text: resultText(err.Error())}
}

// resultText is one line of bounded length.
func resultText(s string) string {
	s = printable.Replace(s, ' ')
	if utf8.RuneCountInString(s) <= maxResultChars {
		return s
	}
	return string([]rune(s)[:maxResultChars-1]) + "…"
}
