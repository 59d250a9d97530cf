// Package lifecycle asks a bucket for what its lifecycle rules delete, as package
// policy compares it with what was deleted. It changes nothing.
package lifecycle

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/policy"
)

// S3 is the part of *s3.Client that is used.
type S3 interface {
	GetBucketLifecycleConfiguration(
		context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
	) (*s3.GetBucketLifecycleConfigurationOutput, error)
}

// Expiries are the bucket's rules that delete something, none where it has none. The
// error is S3's.
func Expiries(ctx context.Context, client S3, bucket string) (policy.Expiries, error) {
	out, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "NoSuchLifecycleConfiguration":
		return nil, nil
	case err != nil:
		return nil, err
	}
	var list policy.Expiries
	for _, rule := range out.Rules {
		if e := expiryOf(rule); rule.Status == types.ExpirationStatusEnabled && e.deletes {
			list = append(list, e.Expiry)
		}
	}
	return list, nil
}

type expiry struct {
	policy.Expiry
	deletes bool
}

func expiryOf(rule types.LifecycleRule) expiry {
	var e expiry
	if x := rule.Expiration; x != nil {
		e.Days, e.Date, e.Markers = int(aws.ToInt32(x.Days)), aws.ToTime(x.Date), aws.ToBool(x.ExpiredObjectDeleteMarker)
	}
	if n := rule.NoncurrentVersionExpiration; n != nil {
		e.Noncurrent = int(aws.ToInt32(n.NoncurrentDays))
	}
	e.deletes = e.Days > 0 || !e.Date.IsZero() || e.Markers || e.Noncurrent > 0
	//nolint:staticcheck // rules made long ago still have their prefix there
	e.Prefix = aws.ToString(rule.Prefix)
	f := rule.Filter
	if f == nil {
		return e
	}
	over, under, prefix := f.ObjectSizeGreaterThan, f.ObjectSizeLessThan, f.Prefix
	e.Tagged = f.Tag != nil
	if and := f.And; and != nil {
		over, under, prefix = and.ObjectSizeGreaterThan, and.ObjectSizeLessThan, and.Prefix
		e.Tagged = len(and.Tags) > 0
	}
	if prefix != nil {
		e.Prefix = *prefix
	}
	if over != nil { // an object of exactly that size is left out, also an empty one by 0
		e.Least = *over + 1
	}
	e.Under = aws.ToInt64(under)
	return e
}

var _ S3 = (*s3.Client)(nil)
