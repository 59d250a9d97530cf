// Command lambda is the replication function: the one binary that runs in
// every Region of the replica set. It is invoked with what SNS delivers from
// the other Regions' topics, and copies the new objects that the messages name
// into its own Region's bucket, or has later changes follow where the
// configuration says so. S3 Batch Operations can invoke it as well, for a backfill.
//
// It guarantees that every record of every message ends as one of the copier's
// outcomes, or in the error of the invocation, which Lambda retries
// and then hands to the on-failure destination. A copy that takes longer than an
// invocation may is handed over to another one, which ends in one of these
// ways. Repeating an invocation is harmless.
//
// It keeps no state between invocations, but for when its bucket was last seen to
// keep versions. It reads no configuration but its
// environment (package functionenv, and AWS's own variables), and never logs a
// message body or an object's metadata.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/logline"
	"s3fanout/internal/function/replicator"
)

func main() {
	log := logline.New(os.Stdout)
	h, err := newHandler(os.Getenv, log)
	if err != nil {
		log.Error("start the function", "error", err.Error())
		os.Exit(1)
	}
	client.ReadRootsOnce(os.Getenv, os.Setenv)
	if sharesProcessor(os.Getenv) {
		lambda.Start(&onOneProcessor{Handler: h})
	}
	lambda.Start(h)
}

// newHandler does the work of a cold start. An error names the variable that
// is missing or wrong.
func newHandler(getenv func(string) string, log *slog.Logger) (*replicator.Handler, error) {
	return handlerWith(getenv, log, nil)
}

// handlerWith has requests carried by a client of the caller's, if that is not
// nil.
func handlerWith(getenv func(string) string, log *slog.Logger, httpClient aws.HTTPClient) (*replicator.Handler, error) {
	config, err := functionenv.Decode(getenv)
	if err != nil {
		return nil, err
	}
	credentials, err := client.Credentials(getenv)
	if err != nil {
		return nil, err
	}
	if httpClient == nil {
		httpClient = client.HTTP(partsAtOnce(config) + replicator.Parallel)
	}
	buckets, err := client.S3(getenv, httpClient, credentials, config.Target.Account)
	if err != nil {
		return nil, err
	}
	self, err := newSelfInvoker(getenv, httpClient, credentials, config.Target.Region, config.FunctionName)
	if err != nil {
		return nil, err
	}
	var announce func(context.Context, replicator.Late) error
	if config.ReplicationTimeEvents {
		bus, err := newEventBus(getenv, httpClient, credentials, config.Target.Region)
		if err != nil {
			return nil, err
		}
		announce = bus.Put
	}
	target := copier.Target{Region: config.Target.Region, Bucket: config.Target.Bucket}
	copies := copier.New(buckets, target,
		copier.WithLogger(log),
		copier.WithMultipart(cmp.Or(config.MultipartThreshold, copier.DefaultThreshold), partsAtOnce(config)),
		copier.WithSharedParts(),
		copier.WithStorageClass(config.ReplicaStorageClass),
		copier.WithRole(config.Role))
	return &replicator.Handler{
		Config: config,
		Copier: copies,
		Follower: follow.New(
			buckets,
			copies,
			target,
			follow.WithSince(config.Follow.Since),
			follow.WithOrigins(func(region string) (string, bool) {
				source, member := config.Sources.In(region)
				return source.Bucket, member
			}),
		),
		Self: self,
		Twin: func(region string) (replicator.Caller, error) {
			return newSelfInvoker(getenv, httpClient, credentials, region, config.FunctionName)
		},
		Abort:    aborter(buckets, config.Target.Bucket),
		Announce: announce,
		Log:      log,
		Now:      time.Now,
	}, nil
}

func partsAtOnce(config functionenv.Config) int {
	return cmp.Or(config.MultipartParallel, copier.DefaultParallel)
}
