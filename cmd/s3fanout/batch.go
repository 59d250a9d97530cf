package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"

	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// batchRequest is what backfill --batch-operations is asked for.
type batchRequest struct {
	// From are the Regions to copy from, a job each; none means all but To.
	From   []string
	To     string // required
	Prefix string // of keys; empty means all
	// NoReport leaves out the reports of failed tasks.
	NoReport bool
	// Confirm makes jobs that wait to be confirmed.
	Confirm bool
	// RestoreDeleted copies also what was deleted in To.
	RestoreDeleted bool
	// Yes agrees to what the jobs cost, whatever that is.
	Yes bool
	// DryRun prints the requests and makes no job.
	DryRun bool
}

// agree refuses flags that mean nothing together. changed says which were
// given.
func (f backfillFlags) agree(changed func(flag string) bool) error {
	var together []string
	switch {
	case changed("job"):
		together = []string{"job", "region"}
	case f.batch:
		together = []string{"batch-operations", "from", "to", "prefix", "restore-deleted", "dry-run", "yes", "no-report", "confirm"}
	default:
		together = []string{"from", "to", "prefix", "key", "dry-run", "limit", "yes", "concurrency", "own-credentials", "restore-deleted"}
	}
	for _, flag := range []string{
		"from", "to", "prefix", "key", "dry-run", "limit", "yes", "concurrency", "own-credentials", "restore-deleted",
		"batch-operations", "no-report", "confirm", "region",
	} {
		if changed(flag) && !slices.Contains(together, flag) {
			return usageError{fmt.Errorf("--%s does not go with the other flags given; see s3fanout backfill --help", flag)}
		}
	}
	return nil
}

// batchRequest is what the flags ask S3 Batch Operations for. More than one
// target is refused by who makes the jobs.
func (f backfillFlags) batchRequest() batchRequest {
	r := batchRequest{
		Prefix: f.prefix, NoReport: f.noReport, Confirm: f.confirm, RestoreDeleted: f.restoreDeleted, Yes: f.yes, DryRun: f.dryRun,
	}
	if f.from != "" {
		r.From = []string{f.from}
	}
	if len(f.to) == 1 && f.to[0] != "all" {
		r.To = f.to[0]
	}
	return r
}

// createBatchJob makes the jobs and writes what it made.
func (a *app) createBatchJob(ctx context.Context, request batchRequest) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	from, err := request.sources(set)
	if err != nil {
		return err
	}
	config, account, err := signIn(ctx, from[0])
	if err != nil {
		return err
	}
	requests, err := request.jobs(set, account, from)
	if err != nil {
		return err
	}
	inputs := make([]*s3control.CreateJobInput, len(requests))
	for i, r := range requests {
		if inputs[i], err = r.Input(); err != nil {
			return usageError{err}
		}
	}
	result := document.Batch{ReplicaSet: set.Name, DryRun: request.DryRun, Jobs: []document.BatchJob{}}
	if err := a.approveBatch(ctx, request, len(requests)); err != nil {
		return errors.Join(a.writeBatch(result), err)
	}
	var failures []error
	next, stop := a.newProgress().counting(len(requests), "jobs created")
	for i, r := range requests {
		region, in := r.From, inputs[i]
		job := document.BatchJob{Region: region, TargetRegion: request.To, Prefix: r.Prefix, Suffix: r.Suffix}
		if request.DryRun {
			job.Request = document.NewBatchInput(in)
		} else if job.JobID, err = a.createOne(ctx, config, region, in); err != nil {
			job.Error = oneLine(err.Error())
			failures = append(failures, err)
		}
		result.Jobs = append(result.Jobs, job)
		next()
		if ctx.Err() != nil {
			break
		}
	}
	stop()
	if err := a.writeBatch(result); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if ctx.Err() != nil {
		return classified{errors.New("interrupted; the jobs above were created and continue, see them with --job"), errInterrupted}
	}
	return errors.Join(failures...)
}

func (a *app) createOne(ctx context.Context, config aws.Config, region string, in *s3control.CreateJobInput) (string, error) {
	return batchjob.Create(ctx, batchjob.NewClient(config, region), region, in)
}

// sources are the Regions to copy from.
func (r batchRequest) sources(set replicaset.Config) ([]string, error) {
	members := strings.Join(set.Regions, ", ")
	switch {
	case r.To == "":
		return nil, usageError{fmt.Errorf("--batch-operations needs one --to REGION, of %s", members)}
	case !set.Contains(r.To):
		return nil, usageError{fmt.Errorf("--to %s: not a Region of the replica set %s; it has %s", r.To, set.Name, members)}
	case !set.BatchOperations:
		return nil, usageError{
			errors.New(`--batch-operations needs "batchOperations": true in cdk.json: set it, and deploy all Regions with it`),
		}
	case len(r.From) == 0:
		return set.Others(r.To), nil
	}
	var from []string
	for _, region := range r.From {
		if !set.Contains(region) {
			return nil, usageError{fmt.Errorf("--from %s: not a Region of the replica set %s; it has %s", region, set.Name, members)}
		}
		if region == r.To {
			return nil, usageError{fmt.Errorf("--from %s: it is the Region to copy to; name another", region)}
		}
		if !slices.Contains(from, region) {
			from = append(from, region)
		}
	}
	return from, nil
}

// jobs are the requests: a job takes one prefix and one suffix.
func (r batchRequest) jobs(set replicaset.Config, account string, from []string) ([]batchjob.Request, error) {
	filters := set.Narrow(r.Prefix)
	if len(filters) == 0 {
		return nil, usageError{
			fmt.Errorf("--prefix %s: the configuration leaves out every key with this prefix", printable.Quote(r.Prefix)),
		}
	}
	var list []batchjob.Request
	for _, region := range from {
		for _, f := range filters {
			list = append(list, batchjob.Request{
				Set: set, AccountID: account, From: region, To: r.To, Prefix: f.Prefix, Suffix: f.Suffix,
				Report: !r.NoReport, Confirm: r.Confirm, RestoreDeleted: r.RestoreDeleted,
			})
		}
	}
	return list, nil
}

// showBatchJob writes the state of a job.
func (a *app) showBatchJob(ctx context.Context, id, region string) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	if region == "" {
		return usageError{errors.New("--job needs --region, the Region that the job was made in")}
	}
	if _, err := chosenRegions(set, []string{region}); err != nil {
		return err
	}
	// What S3 calls a job's ID (5 to 36 of these characters).
	if !regexp.MustCompile(`^[a-zA-Z0-9_-]{5,36}$`).MatchString(id) {
		return usageError{fmt.Errorf("--job %q is not the ID of a job, such as 00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c", id)}
	}
	config, account, err := signIn(ctx, region)
	if err != nil {
		return err
	}
	job, err := batchjob.Describe(ctx, batchjob.NewClient(config, region), region, account, id)
	if err != nil {
		return err
	}
	if err := a.writeBatchJob(account, job); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return batchJobError(job)
}

// batchJobError says what is wrong with a job, nil if it is complete.
func batchJobError(j batchjob.Job) error {
	leftOver := func(format string, args ...any) error { return classified{fmt.Errorf(format, args...), errLeftOver} }
	switch {
	case !j.Over():
		return leftOver("job %s is not over", j.ID)
	case j.Status != "Complete":
		return fmt.Errorf("job %s: %s", j.ID, strings.ToLower(j.Status))
	case j.Failed > 0 && j.Report != "":
		return leftOver("%s not copied; the report says why, and the same job again is harmless", objectCount(j.Failed))
	case j.Failed > 0:
		return leftOver("%s not copied; the functions' logs say why, and the same job again is harmless", objectCount(j.Failed))
	}
	return nil
}
