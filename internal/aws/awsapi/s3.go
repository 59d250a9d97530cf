package awsapi

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/owner"
)

// NewS3 makes an S3 client of a Region, for buckets of the account, for many
// requests at once. Where the account is not known yet it is empty, and each
// request has to name its bucket's owner; see owner.Expect. limit bounds
// one request; zero leaves it to the context, as copies need. At an endpoint
// that is not AWS's own, buckets are named in the path, since it need not have
// a host name for every bucket.
func NewS3(config aws.Config, region, account string, limit time.Duration, connections int) *s3.Client {
	return s3.NewFromConfig(config, func(o *s3.Options) {
		o.Region = region
		o.HTTPClient = HTTPClient(config, limit, connections)
		o.UsePathStyle = o.BaseEndpoint != nil
		o.EndpointResolverV2 = newKnownEndpoints(o.EndpointResolverV2)
	}, owner.Expect(account))
}
