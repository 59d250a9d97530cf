package event

import (
	"encoding/json"
	"fmt"

	"s3fanout/internal/printable"
)

// BatchSchema is the one schema of S3 Batch Operations that is understood. It
// names the bucket, where 1.0 has an ARN, and carries the job's arguments.
const BatchSchema = "2.0"

// The arguments of a job that the function knows. Others are ignored.
const (
	// ArgumentTarget is the Region to copy to; without it, the function's own.
	ArgumentTarget = "targetRegion"
	// ArgumentVersion says which version to copy if it is VersionCurrent: not
	// the one that the task names but the current one. A generated manifest may
	// list old versions, and the first copy of a key wins.
	ArgumentVersion = "version"
	VersionCurrent  = "current"
	// ArgumentDeleted says what becomes of a key that was deleted at the target,
	// where a delete marker hides it: it stays deleted unless this is
	// DeletedRestore.
	ArgumentDeleted = "deleted"
	DeletedRestore  = "restore"
)

// batchMember is what only an invocation by S3 Batch Operations has.
const batchMember = "invocationSchemaVersion"

// Batch is one invocation by a job of S3 Batch Operations. Its answer has to
// have a result for every task.
type Batch struct {
	Schema       string // as sent; the answer has to repeat it
	InvocationID string // never empty; the answer has to repeat it
	JobID        string // for logs; may be empty
	Arguments    map[string]string
	Tasks        []BatchTask // at least one
}

// BatchTask is one object of a job's manifest. If Err is nil, Bucket and Key
// are not empty.
type BatchTask struct {
	ID        string // never empty
	Bucket    string
	Key       string // decoded
	VersionID string // empty if the manifest names none
	// Err says why the task cannot be understood, and wraps ErrMalformed or
	// ErrUnsupported. The task still wants a result.
	Err error
}

// parseBatch reads an invocation by S3 Batch Operations
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html).
// What can be answered task by task is in the tasks; the error means that
// there is no answer that S3 could make use of.
func parseBatch(payload []byte) (Batch, error) {
	var in struct {
		Schema       string `json:"invocationSchemaVersion"`
		InvocationID string `json:"invocationId"`
		Job          struct {
			ID        string            `json:"id"`
			Arguments map[string]string `json:"userArguments"`
		} `json:"job"`
		Tasks json.RawMessage `json:"tasks"`
	}
	if err := unmarshal(payload, &in); err != nil {
		return Batch{}, err
	}
	if longer(in.Tasks, MaxRecords) {
		return Batch{}, tooMany("tasks")
	}
	var tasks []struct {
		ID        string `json:"taskId"`
		Key       string `json:"s3Key"`
		VersionID string `json:"s3VersionId"` // null stays empty
		Bucket    string `json:"s3Bucket"`
	}
	if in.Tasks != nil {
		if err := unmarshal(in.Tasks, &tasks); err != nil {
			return Batch{}, fmt.Errorf("tasks: %w", err)
		}
	}
	if in.InvocationID == "" || len(tasks) == 0 {
		return Batch{}, fmt.Errorf("%w: invocationId or tasks is missing or empty", ErrMalformed)
	}
	b := Batch{Schema: in.Schema, InvocationID: in.InvocationID, JobID: in.Job.ID, Arguments: in.Job.Arguments}
	for i, raw := range tasks {
		if raw.ID == "" {
			return Batch{}, fmt.Errorf("%w: tasks[%d].taskId is missing", ErrMalformed, i)
		}
		task := BatchTask{ID: raw.ID, Bucket: raw.Bucket, VersionID: raw.VersionID}
		// A CSV manifest encodes as people please, an inventory writes a space
		// as a plus sign; AWS's own example decodes both alike.
		key, err := decodeKey("s3Key", raw.Key)
		switch {
		case in.Schema != BatchSchema:
			task.Err = fmt.Errorf(
				"%w: invocationSchemaVersion is %s, this function knows %q; create the job with InvocationSchemaVersion %s",
				ErrUnsupported, printable.Excerpt(in.Schema), BatchSchema, BatchSchema,
			)
		case raw.Bucket == "":
			task.Err = fmt.Errorf("%w: s3Bucket is missing (key %s)", ErrMalformed, printable.Excerpt(raw.Key))
		case err != nil:
			task.Err = fmt.Errorf("%w (bucket %s)", err, printable.Excerpt(raw.Bucket))
		default:
			task.Key = key
		}
		b.Tasks = append(b.Tasks, task)
	}
	return b, nil
}
