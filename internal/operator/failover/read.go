package failover

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/owner"
	"s3fanout/internal/replicaset"
)

// sampleSize is how many objects a drill reads in each look.
const sampleSize = 20

// readTime bounds a read.
const readTime = 10 * time.Second

// Reads are what became of a look's reads through the access point.
type Reads struct {
	Tried, Failed int
	Missing       []string // keys that were there before, and that nobody has deleted
	Slowest       time.Duration
	Why           string // the first that failed did
}

// Bad says that a reader would have noticed something.
func (r Reads) Bad() bool { return r.Failed > 0 || len(r.Missing) > 0 }

// Reader reads objects through an access point, as a client of it does.
type Reader struct {
	arn    string
	client *s3.Client
	keys   []string // those that are read
	// holders are the buckets of the set, which are asked about keys that are missing.
	holders []holder
}

// NewReader makes one from the SDK's configuration and the access point's ARN. The SDK signs by Version 4A and
// sends its requests to the access point's host, whatever endpoint is configured.
func NewReader(config aws.Config, set replicaset.Config, account, arn string) *Reader {
	config = config.Copy()
	if config.RetryMaxAttempts == 0 || config.RetryMaxAttempts > attempts {
		config.RetryMaxAttempts = attempts
	}
	r := &Reader{arn: arn, client: s3.NewFromConfig(config, owner.Expect(account), func(o *s3.Options) {
		o.HTTPClient = awsapi.HTTPClient(config, readTime, 1)
	})}
	for _, region := range set.Regions {
		client := awsapi.NewS3(config, region, account, readTime, sampleSize)
		r.holders = append(r.holders, holder{set.Member(account, region).Bucket, client})
	}
	return r
}

// Read lists the first keys and asks for each of those that the first listing had: the
// metadata alone, no bytes. What ctx interrupts is not counted.
func (r *Reader) Read(ctx context.Context) Reads {
	var reads Reads
	out, err := timed(ctx, &reads, func() (*s3.ListObjectsV2Output, error) {
		return r.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &r.arn, MaxKeys: aws.Int32(sampleSize)})
	})
	if err == nil && r.keys == nil {
		r.keys = []string{}
		for _, o := range out.Contents {
			r.keys = append(r.keys, aws.ToString(o.Key))
		}
	}
	for _, key := range r.keys {
		_, err := timed(ctx, &reads, func() (*s3.HeadObjectOutput, error) {
			return r.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.arn, Key: &key})
		})
		if err != nil && errorcode.Status(err) == http.StatusNotFound {
			reads.Missing = append(reads.Missing, key)
		}
	}
	if len(reads.Missing) > 0 {
		gone := deletedOf(ctx, r.holders, reads.Missing)
		reads.Missing, r.keys = without(reads.Missing, gone), without(r.keys, gone)
	}
	return reads
}

// timed makes a request and counts it, and why the first one failed. That a key is not
// there is an answer.
func timed[T any](ctx context.Context, reads *Reads, request func() (T, error)) (T, error) {
	began := time.Now()
	out, err := request()
	if err != nil && ctx.Err() != nil {
		return out, ctx.Err()
	}
	reads.Tried++
	reads.Slowest = max(reads.Slowest, time.Since(began))
	if err == nil || errorcode.Status(err) == http.StatusNotFound && errorcode.Of(err) != "NoSuchMultiRegionAccessPoint" {
		return out, err
	}
	if reads.Failed++; reads.Why == "" {
		reads.Why = strings.TrimPrefix(awsapi.Explain("", "the access point", err).Error(), "region : ")
	}
	return out, err
}
