// Command reconcile is the function that compares its Region's bucket with the others
// of the set on a schedule, and repairs it. It is there only where cdk.json has
// reconcile. What it does, package reconcile says.
//
// It reads in its own name, and writes in the name of its Region's replicator, whose
// role it assumes when there is something to write: what it writes is a replica like
// any other, and where it may only check it cannot write at all.
package main

import (
	"cmp"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/assume"
	"s3fanout/internal/function/checkpoint"
	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/logline"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/replicaset"
)

func main() {
	log := logline.New(os.Stdout)
	h, err := newHandler(os.Getenv, log, nil)
	if err != nil {
		log.Error("start the function", "error", err.Error())
		os.Exit(1)
	}
	client.ReadRootsOnce(os.Getenv, os.Setenv)
	lambda.Start(h)
}

// newHandler does the work of a cold start. An error names the variable that is
// missing or wrong. httpClient is nil but in tests.
func newHandler(getenv func(string) string, log *slog.Logger, httpClient aws.HTTPClient) (*reconcile.Handler, error) {
	config, err := functionenv.DecodeReconcile(getenv)
	if err != nil {
		return nil, err
	}
	credentials, err := client.Credentials(getenv)
	if err != nil {
		return nil, err
	}
	parts := cmp.Or(config.MultipartParallel, copier.DefaultParallel)
	if httpClient == nil {
		httpClient = client.HTTP(parts + reconcile.Parallel + reconcile.Copies)
	}
	readers := map[string]*s3.Client{}
	for _, m := range append(replicaset.Members{config.Target}, config.Sources...) {
		if readers[m.Region], err = client.S3(inRegion(getenv, m.Region), httpClient, credentials, config.Target.Account); err != nil {
			return nil, err
		}
	}
	table, err := checkpoint.New(getenv, httpClient, credentials, config.Table)
	if err != nil {
		return nil, err
	}
	log = log.With("replicaSet", config.Target.Set, "targetRegion", config.Target.Region, "targetBucket", config.Target.Bucket)
	h := &reconcile.Handler{
		Config:      config,
		Read:        func(region string) reconcile.S3 { return readers[region] },
		Checkpoints: table,
		Log:         log,
		Now:         time.Now,
		Sleep:       smithytime.SleepWithContext,
		Grace:       config.Grace,
	}
	if !config.Copy {
		return h, nil
	}
	// The set's replicator has the same name in every Region.
	session := functionenv.ReconcileSession(replicaset.Config{Name: config.Target.Set}.FunctionName())
	replicator, err := assume.Role(getenv, httpClient, credentials, config.Role, session)
	if err != nil {
		return nil, err
	}
	writer, err := client.S3As(getenv, httpClient, replicator, config.Target.Account)
	if err != nil {
		return nil, err
	}
	target := copier.Target{Region: config.Target.Region, Bucket: config.Target.Bucket}
	copies := copier.New(writer, target,
		copier.WithLogger(log),
		copier.WithMultipart(cmp.Or(config.MultipartThreshold, copier.DefaultThreshold), parts),
		copier.WithStorageClass(config.ReplicaStorageClass),
		copier.WithRole(config.Role))
	h.Copier = copies
	origins := func(region string) (bucket string, member bool) {
		source, member := config.Sources.In(region)
		return source.Bucket, member
	}
	h.Follower = follow.New(writer, copies, target, follow.WithSince(config.Follow.Since), follow.WithOrigins(origins))
	return h, nil
}

// inRegion has a client be made that sends to another Region.
func inRegion(getenv func(string) string, region string) func(string) string {
	return func(name string) string {
		if name == functionenv.Region {
			return region
		}
		return getenv(name)
	}
}
