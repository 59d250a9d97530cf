package undelete

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

const (
	// copyTime bounds one request that moves data.
	copyTime = 15 * time.Minute
	// attempts is how often the SDK tries a request: a page of a listing that
	// cannot be read ends the run.
	attempts = 5
	// largeParts is how many parts of large objects may be under way beside the
	// copies by one request.
	largeParts = 64
)

// NewMembers makes the members of a set with clients for the command. All that
// they send is sent as the caller, so that what is brought back is taken for what
// a user wrote. Requests slow down by themselves when S3 asks for less.
func NewMembers(config aws.Config, set replicaset.Config, account string, concurrency int, log *slog.Logger) []Member {
	config = config.Copy()
	config.Retryer = func() aws.Retryer {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
		})
	}
	var members []Member
	for _, region := range set.Regions {
		bucket := set.Member(account, region).Bucket
		client := awsapi.NewS3(config, region, account, copyTime, concurrency+listing.DefaultParallel+largeParts)
		members = append(members, Member{
			Region: region, Bucket: bucket, S3: client,
			Copier: copier.New(client, copier.Target{Region: region, Bucket: bucket},
				copier.WithLogger(log),
				copier.WithMultipart(backfill.Threshold(set), cmp.Or(set.MultipartParallel, copier.DefaultParallel)),
				copier.Restoring(policy.EntryName)),
		})
	}
	return members
}
