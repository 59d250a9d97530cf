// Package batchjob makes jobs of S3 Batch Operations that copy what is in one
// Region's bucket of a replica set to another Region, and tells how they stand.
//
// AWS asks that a job runs in the Region of its objects, and generates no list
// of another Region's objects
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html).
// So a job is made in the source's Region and invokes that Region's function,
// which passes each task on to the function of the Region to copy to. Copies
// are made under the rules of every backfill: a key that is there is left alone,
// and so is one that was deleted there, unless the job restores such keys.
//
// What a job is, is decided by Request.Input, without any request. The package
// does not wait for jobs, nor change or end them.
package batchjob

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/function/event"
	"s3fanout/internal/replicaset"
)

// Priority is that of all jobs; it counts among the account's jobs in a Region.
const Priority = 10

// maxPrefix is S3's limit on a key, in bytes.
const maxPrefix = 1024

// Request says what to copy.
type Request struct {
	Set       replicaset.Config // valid, with BatchOperations
	AccountID string            // twelve digits
	From, To  string            // different Regions of Set
	// Prefix and Suffix are what the keys to copy begin and end with; empty means
	// all. A job takes one of each; see replicaset.Config.Narrow.
	Prefix, Suffix string
	// RestoreDeleted copies also what was deleted in To, where a delete marker
	// hides it.
	RestoreDeleted bool
	// CreatedBefore, if not zero, leaves out what is newer. Events take care of
	// that.
	CreatedBefore time.Time
	// Report has S3 write a report of the tasks that failed into the source's
	// bucket, below replicaset.ReportPrefix.
	Report bool
	// Confirm has the job wait, with its objects counted, until somebody
	// confirms it.
	Confirm bool
	// Token makes a repeated request the same job; empty means that the SDK
	// makes one up.
	Token string
}

// Input is the request to S3, to be sent to the Region From. The error says
// which of the fields is wrong, and is meant for people.
func (r Request) Input() (*s3control.CreateJobInput, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	source := r.Set.Member(r.AccountID, r.From)
	bucket := source.BucketARN()
	generator := types.S3JobManifestGenerator{
		SourceBucket:         aws.String(bucket),
		ExpectedBucketOwner:  aws.String(r.AccountID),
		EnableManifestOutput: false, // the list would be one more object to replicate
	}
	if filter, filters := r.filter(); filters {
		generator.Filter = filter
	}
	in := &s3control.CreateJobInput{
		AccountId:            aws.String(r.AccountID),
		ConfirmationRequired: aws.Bool(r.Confirm),
		Description:          aws.String(fmt.Sprintf("s3fanout: copy %s from %s to %s", r.Set.Name, r.From, r.To)),
		Priority:             aws.Int32(Priority),
		RoleArn:              aws.String(source.JobRoleARN()),
		Operation: &types.JobOperation{LambdaInvoke: &types.LambdaInvokeOperation{
			FunctionArn:             aws.String(source.FunctionARN()),
			InvocationSchemaVersion: aws.String(event.BatchSchema),
			// AWS does not say whether a generated list has old versions too.
			UserArguments: map[string]string{event.ArgumentTarget: r.To, event.ArgumentVersion: event.VersionCurrent},
		}},
		ManifestGenerator: &types.JobManifestGeneratorMemberS3JobManifestGenerator{Value: generator},
		Report:            &types.JobReport{Enabled: false},
	}
	if r.RestoreDeleted {
		in.Operation.LambdaInvoke.UserArguments[event.ArgumentDeleted] = event.DeletedRestore
	}
	if r.Report {
		in.Report = &types.JobReport{
			Enabled: true, Bucket: aws.String(bucket), ExpectedBucketOwner: aws.String(r.AccountID),
			Prefix: aws.String(replicaset.ReportPrefix),
			Format: types.JobReportFormatReportCsv20180820, ReportScope: types.JobReportScopeFailedTasksOnly,
		}
	}
	if r.Token != "" {
		in.ClientRequestToken = aws.String(r.Token)
	}
	return in, nil
}

func (r Request) filter() (*types.JobManifestGeneratorFilter, bool) {
	f := &types.JobManifestGeneratorFilter{}
	// Lists of one string at most
	// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_KeyNameConstraint.html).
	if r.Prefix != "" || r.Suffix != "" {
		f.KeyNameConstraint = &types.KeyNameConstraint{}
		if r.Prefix != "" {
			f.KeyNameConstraint.MatchAnyPrefix = []string{r.Prefix}
		}
		if r.Suffix != "" {
			f.KeyNameConstraint.MatchAnySuffix = []string{r.Suffix}
		}
	}
	if !r.CreatedBefore.IsZero() {
		f.CreatedBefore = aws.Time(r.CreatedBefore.UTC())
	}
	return f, f.KeyNameConstraint != nil || f.CreatedBefore != nil
}

func (r Request) check() error {
	switch {
	case !r.Set.BatchOperations:
		return fmt.Errorf(
			"%s.batchOperations is not true; set it in cdk.json and deploy all Regions, then create the job",
			replicaset.ContextKey,
		)
	case len(r.AccountID) != 12:
		return fmt.Errorf("account %q is not an ID of twelve digits", r.AccountID)
	case !r.Set.Contains(r.From):
		return fmt.Errorf("%s is not a Region of the replica set %s", r.From, r.Set.Name)
	case !r.Set.Contains(r.To):
		return fmt.Errorf("%s is not a Region of the replica set %s", r.To, r.Set.Name)
	case r.From == r.To:
		return fmt.Errorf("%s cannot be copied to itself", r.From)
	case !slices.Contains(r.Set.Narrow(r.Prefix), replicaset.Filter{Prefix: r.Prefix, Suffix: r.Suffix}):
		return fmt.Errorf("no filter of the configuration chooses the keys with prefix %q and suffix %q, or it chooses fewer",
			r.Prefix, r.Suffix)
	case len(r.Prefix) > maxPrefix:
		return errors.New("the prefix is longer than any key, which has 1024 bytes at most")
	}
	return nil
}
