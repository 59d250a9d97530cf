package awsapi

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// NewS3 makes an S3 client of a Region for many requests at once. limit bounds
// one request; zero leaves it to the context, as copies need. At an endpoint
// that is not AWS's own, buckets are named in the path, since it need not have
// a host name for every bucket.
func NewS3(config aws.Config, region string, limit time.Duration, connections int) *s3.Client {
	return s3.NewFromConfig(config, func(o *s3.Options) {
		o.Region = region
		o.HTTPClient = HTTPClient(config, limit, connections)
		o.UsePathStyle = o.BaseEndpoint != nil
	})
}
