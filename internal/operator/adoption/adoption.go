// Package adoption puts a replica set's entries into the notifications of the
// buckets that it adopts, with the rights of whoever asks: as the deployment does
// it, and again where somebody took them out since, which no deployment notices.
//
// Everything else in the notifications stays byte for byte as it is. Where S3 would
// refuse the entries nothing is written. It may be repeated, and run twice at once.
package adoption

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/notification"
	"s3fanout/internal/replicaset"
)

// States of a bucket at the end.
const (
	Present = "present" // it has the entries, and had them before
	Written = "written" // they were put in
	Wanting = "wanting" // they would be put in, were it no dry run
	Failed  = "failed"
)

// Entries are those that the set has in the notifications of a member's bucket.
func Entries(set replicaset.Config, m replicaset.Member) []notification.Entry {
	var entries []notification.Entry
	for _, a := range set.Announcements() {
		entries = append(entries, notification.Entry{
			Kind: notification.Topic, ID: a.ID, Destination: m.TopicARN(), Events: a.Events,
			Prefix: replicaset.EncodeFilterValue(a.Filter.Prefix), Suffix: replicaset.EncodeFilterValue(a.Filter.Suffix),
		})
	}
	return entries
}

// Options say what to do. All fields are required but DryRun and Done.
type Options struct {
	Set     replicaset.Config
	Members replicaset.Members // whose buckets are adopted
	Stores  map[string]notification.Store
	DryRun  bool
	// Done, if not nil, is called with each result, by several goroutines at once.
	Done func(Result)
}

// Stores are the notifications of the members' buckets, by Region.
func Stores(config aws.Config, members replicaset.Members) map[string]notification.Store {
	stores := map[string]notification.Store{}
	for _, m := range members {
		stores[m.Region] = notification.Bucket{Client: awsapi.NewS3(config, m.Region, m.Account, awsapi.RequestTime, 1), Name: m.Bucket}
	}
	return stores
}

// Result is how it stands with one bucket.
type Result struct {
	Member replicaset.Member
	State  string
	// Raced says that somebody else was seen to write the notifications meanwhile.
	Raced bool
	Err   error // if Failed: one line that says what to do
}

// Run works on all buckets at once. The results are in the members' order.
func Run(ctx context.Context, o Options) []Result {
	results := make([]Result, len(o.Members))
	var wait sync.WaitGroup
	for i, m := range o.Members {
		wait.Go(func() {
			results[i] = o.one(ctx, m)
			if o.Done != nil {
				o.Done(results[i])
			}
		})
	}
	wait.Wait()
	return results
}

// errDry ends a dry run before anything is written.
var errDry = errors.New("a dry run")

func (o Options) one(ctx context.Context, m replicaset.Member) Result {
	r := Result{Member: m, State: Present}
	changed, err := notification.Change(ctx, o.Stores[m.Region], false, func(d notification.Document) (notification.Document, error) {
		merged, err := d.Merge(o.Set.AnnouncementPrefix(), Entries(o.Set, m))
		if err == nil && o.DryRun && string(merged.Bytes()) != string(d.Bytes()) {
			err = errDry
		}
		return merged, err
	})
	r.Raced = changed.Raced
	switch {
	case errors.Is(err, errDry):
		r.State = Wanting
	case err != nil:
		r.State, r.Err = Failed, explain(m, err)
	case changed.Wrote:
		r.State = Written
	}
	return r
}

// explain makes one line of an error, with its Region.
func explain(m replicaset.Member, err error) error {
	var overlap *notification.OverlapError
	if errors.As(err, &overlap) || errors.Is(err, notification.ErrRaced) || errors.Is(err, notification.ErrNotShown) {
		return &regionError{m.Region, err}
	}
	failure := awsapi.Explain(m.Region, "bucket "+m.Bucket, err)
	if errorcode.Of(err) == "InvalidArgument" {
		failure.Add(
			"; a destination in the bucket's notifications is gone or does not let S3 reach it, or topic %s is not deployed yet",
			m.TopicARN(),
		)
	}
	return failure
}

// regionError is an error with its Region before it.
type regionError struct {
	region string
	err    error
}

func (e *regionError) Error() string { return "region " + e.region + ": " + e.err.Error() }

// Unwrap returns the error without its Region.
func (e *regionError) Unwrap() error { return e.err }
