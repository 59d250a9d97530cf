package batchjob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/control"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/function/event"
)

// ErrNoJob marks a job that does not exist in the Region and account.
var ErrNoJob = errors.New("no such job")

// NewClient makes the client of a Region.
func NewClient(config aws.Config, region string) *s3control.Client {
	return control.New(config, region, awsapi.RequestTime)
}

// Creator is what Create needs of *s3control.Client.
type Creator interface {
	CreateJob(context.Context, *s3control.CreateJobInput, ...func(*s3control.Options)) (*s3control.CreateJobOutput, error)
}

// Create makes the job in the client's Region and returns its ID. S3 takes
// requests with the same token for one job. The error is an *awsapi.Failure.
func Create(ctx context.Context, client Creator, region string, in *s3control.CreateJobInput) (string, error) {
	out, err := client.CreateJob(ctx, in)
	if err != nil {
		f := awsapi.Explain(region, "a job of S3 Batch Operations", err)
		if errors.Is(f, awsapi.ErrDenied) {
			f.Add("; it also takes iam:PassRole on the job's role, whose name is in --dry-run")
		}
		return "", f
	}
	return aws.ToString(out.JobId), nil
}

// Job is the state of a job.
type Job struct {
	ID, Region  string
	Status      string // in S3's spelling, such as Active
	Description string
	Target      string // the Region that it copies to, empty if the job is not ours
	// Tasks is the number of objects in the job's list, known once that is made.
	Tasks, Succeeded, Failed int64
	Created, Ended           time.Time // zero if S3 does not say
	// Failures say why the job as a whole failed, or what it waits for.
	Failures []string
	// Report is where the report of failed tasks is written, as s3://…, empty
	// if there is none.
	Report string
}

// Over reports whether S3 does no more about the job.
func (j Job) Over() bool {
	return slices.Contains(
		[]string{string(types.JobStatusComplete), string(types.JobStatusFailed), string(types.JobStatusCancelled)},
		j.Status,
	)
}

// Describer is what Describe needs of *s3control.Client.
type Describer interface {
	DescribeJob(context.Context, *s3control.DescribeJobInput, ...func(*s3control.Options)) (*s3control.DescribeJobOutput, error)
}

// Describe asks for the state of a job. The error is an *awsapi.Failure, or wraps
// ErrNoJob.
func Describe(ctx context.Context, client Describer, region, account, id string) (Job, error) {
	out, err := client.DescribeJob(ctx, &s3control.DescribeJobInput{AccountId: aws.String(account), JobId: aws.String(id)})
	if slices.Contains([]string{"NoSuchJob", "NotFoundException", "NotFound"}, errorcode.Of(err)) {
		return Job{}, fmt.Errorf("region %s: %w: account %s has no job %s there; S3 keeps jobs for 90 days after their end",
			region, ErrNoJob, account, id)
	}
	if err != nil {
		return Job{}, awsapi.Explain(region, "job "+id, err)
	}
	return jobOf(region, id, out.Job), nil
}

func jobOf(region, id string, d *types.JobDescriptor) Job {
	j := Job{ID: id, Region: region}
	if d == nil {
		return j
	}
	j.Status, j.Description = string(d.Status), aws.ToString(d.Description)
	j.Created, j.Ended = aws.ToTime(d.CreationTime), aws.ToTime(d.TerminationDate)
	if p := d.ProgressSummary; p != nil {
		j.Tasks, j.Succeeded = aws.ToInt64(p.TotalNumberOfTasks), aws.ToInt64(p.NumberOfTasksSucceeded)
		j.Failed = aws.ToInt64(p.NumberOfTasksFailed)
	}
	if o := d.Operation; o != nil && o.LambdaInvoke != nil {
		j.Target = o.LambdaInvoke.UserArguments[event.ArgumentTarget]
	}
	for _, f := range d.FailureReasons {
		j.Failures = append(j.Failures, aws.ToString(f.FailureCode)+": "+aws.ToString(f.FailureReason))
	}
	if cause := aws.ToString(d.SuspendedCause); cause != "" {
		j.Failures = append(j.Failures, "suspended: "+cause)
	}
	if r := d.Report; r != nil && r.Enabled {
		if _, bucket, ok := strings.Cut(aws.ToString(r.Bucket), ":::"); ok {
			j.Report = "s3://" + bucket + "/" + aws.ToString(r.Prefix) + "/job-" + id + "/"
		}
	}
	return j
}
