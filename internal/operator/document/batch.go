package document

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/operator/batchjob"
)

// Batch is what backfill --batch-operations --output json writes. Its
// names are stable.
type Batch struct {
	ReplicaSet string     `json:"replicaSet"`
	DryRun     bool       `json:"dryRun"`
	Jobs       []BatchJob `json:"jobs"`
}

// BatchJob is a job that was made, or would be.
type BatchJob struct {
	Region       string      `json:"region"`
	TargetRegion string      `json:"targetRegion"`
	Prefix       string      `json:"prefix,omitempty"`
	Suffix       string      `json:"suffix,omitempty"`
	JobID        string      `json:"jobId,omitempty"`
	Request      *BatchInput `json:"request,omitempty" jsonschema:"of a dry run: --cli-input-json of aws s3control create-job"`
	Error        string      `json:"error,omitempty"`
}

// BatchInput is the request in AWS's own JSON, which the SDK's type does not
// write: aws s3control create-job takes it as --cli-input-json.
type BatchInput struct {
	AccountID            string `json:"AccountId"`
	ConfirmationRequired bool
	Operation            struct {
		LambdaInvoke struct {
			FunctionArn             string
			InvocationSchemaVersion string
			UserArguments           map[string]string
		}
	}
	Report            BatchReport
	Description       string
	Priority          int32
	RoleArn           string
	ManifestGenerator struct{ S3JobManifestGenerator BatchGenerator }
}

// BatchReport is where S3 writes what failed.
type BatchReport struct {
	Enabled             bool
	Bucket              string `json:",omitempty"`
	ExpectedBucketOwner string `json:",omitempty"`
	Format              string `json:",omitempty"`
	Prefix              string `json:",omitempty"`
	ReportScope         string `json:",omitempty"`
}

// BatchGenerator says what S3 lists for the job.
type BatchGenerator struct {
	ExpectedBucketOwner  string
	SourceBucket         string
	EnableManifestOutput bool
	Filter               *BatchFilter `json:",omitempty"`
}

// BatchFilter chooses of that.
type BatchFilter struct {
	CreatedBefore     *time.Time `json:",omitempty"`
	KeyNameConstraint *struct {
		MatchAnyPrefix []string
	} `json:",omitempty"`
}

// BatchStatus is what backfill --job --output json writes. Its names are stable.
type BatchStatus struct {
	Region       string     `json:"region"`
	JobID        string     `json:"jobId"`
	Status       string     `json:"status"`
	TargetRegion string     `json:"targetRegion,omitempty"`
	Tasks        int64      `json:"tasks"`
	Succeeded    int64      `json:"succeeded"`
	Failed       int64      `json:"failed"`
	Created      *time.Time `json:"created,omitempty"`
	Ended        *time.Time `json:"ended,omitempty"`
	Reasons      []string   `json:"reasons"`
	Report       string     `json:"report,omitempty"`
}

// NewBatchInput makes the document of a request, as the aws command takes it.
func NewBatchInput(in *s3control.CreateJobInput) *BatchInput {
	out := &BatchInput{
		AccountID: aws.ToString(in.AccountId), ConfirmationRequired: aws.ToBool(in.ConfirmationRequired),
		Description: aws.ToString(in.Description), Priority: aws.ToInt32(in.Priority), RoleArn: aws.ToString(in.RoleArn),
		Report: BatchReport{
			Enabled: in.Report.Enabled, Bucket: aws.ToString(in.Report.Bucket),
			ExpectedBucketOwner: aws.ToString(in.Report.ExpectedBucketOwner), Prefix: aws.ToString(in.Report.Prefix),
			Format: string(in.Report.Format), ReportScope: string(in.Report.ReportScope),
		},
	}
	from, to := in.Operation.LambdaInvoke, &out.Operation.LambdaInvoke
	to.FunctionArn, to.UserArguments = aws.ToString(from.FunctionArn), from.UserArguments
	to.InvocationSchemaVersion = aws.ToString(from.InvocationSchemaVersion)
	if g, ok := in.ManifestGenerator.(*types.JobManifestGeneratorMemberS3JobManifestGenerator); ok {
		generator := &out.ManifestGenerator.S3JobManifestGenerator
		generator.SourceBucket = aws.ToString(g.Value.SourceBucket)
		generator.ExpectedBucketOwner = aws.ToString(g.Value.ExpectedBucketOwner)
		generator.EnableManifestOutput = g.Value.EnableManifestOutput
		if f := g.Value.Filter; f != nil {
			generator.Filter = &BatchFilter{CreatedBefore: f.CreatedBefore}
			if c := f.KeyNameConstraint; c != nil {
				generator.Filter.KeyNameConstraint = &struct{ MatchAnyPrefix []string }{c.MatchAnyPrefix}
			}
		}
	}
	return out
}

// NewBatchStatus makes the document of a job's state.
func NewBatchStatus(j batchjob.Job) BatchStatus {
	return BatchStatus{
		Region: j.Region, JobID: j.ID, Status: j.Status, TargetRegion: j.Target, Tasks: j.Tasks, Succeeded: j.Succeeded, Failed: j.Failed,
		Created: batchTime(j.Created), Ended: batchTime(j.Ended), Reasons: append([]string{}, j.Failures...), Report: j.Report,
	}
}

// batchTime leaves the zero time out of a
func batchTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
