package lifecycle_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/lifecycle"
	"s3fanout/internal/policy"
)

// answer is a bucket's answer.
type answer struct {
	rules []types.LifecycleRule
	err   error
}

func (a answer) GetBucketLifecycleConfiguration(
	context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: a.rules}, nil
}

func TestExpiries(t *testing.T) {
	date := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	on, denied := types.ExpirationStatusEnabled, &smithy.GenericAPIError{Code: "AccessDenied"}
	got, err := lifecycle.Expiries(t.Context(), answer{rules: []types.LifecycleRule{
		{Status: on, AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}},
		{Status: types.ExpirationStatusDisabled, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}},
		{Status: on, Prefix: aws.String("old/"), Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)}},
		{Status: on, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("new/")}, Expiration: &types.LifecycleExpiration{Date: &date}},
		{Status: on, Filter: &types.LifecycleRuleFilter{Tag: &types.Tag{}},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(9)}},
		{Status: on, Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("both/"), Tags: []types.Tag{{}}, ObjectSizeGreaterThan: aws.Int64(5), ObjectSizeLessThan: aws.Int64(9),
		}}, Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}},
		{Status: on, Filter: &types.LifecycleRuleFilter{ObjectSizeGreaterThan: aws.Int64(0)},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(2)}},
	}}, "b")
	want := policy.Expiries{
		{Prefix: "old/", Days: 30}, {Prefix: "new/", Date: date}, {Tagged: true, Noncurrent: 9},
		{Prefix: "both/", Tagged: true, Least: 6, Under: 9, Markers: true},
		{Least: 1, Days: 2},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := lifecycle.Expiries(
		t.Context(), answer{err: &smithy.GenericAPIError{Code: "NoSuchLifecycleConfiguration"}}, "b",
	); got != nil || err != nil {
		t.Errorf("a bucket without rules: got %+v, %v", got, err)
	}
	if _, err := lifecycle.Expiries(t.Context(), answer{err: denied}, "b"); !errors.Is(err, denied) {
		t.Errorf("denied: got %v", err)
	}
}

// Both bounds are outside of what a rule chooses, so that an object of exactly the one
// or the other that was deleted was deleted by somebody, and is to be repaired.
func TestExpiriesAtTheirBounds(t *testing.T) {
	between := types.LifecycleRuleAndOperator{ObjectSizeGreaterThan: aws.Int64(5), ObjectSizeLessThan: aws.Int64(9)}
	rules, err := lifecycle.Expiries(t.Context(), answer{rules: []types.LifecycleRule{
		{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{And: &between},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}},
	}}, "b")
	if err != nil {
		t.Fatal(err)
	}
	written := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for size, want := range map[int64]bool{4: false, 5: false, 6: true, 8: true, 9: false, 10: false} {
		if got := rules.MayHaveHidden("k", size, written, written.Add(48*time.Hour)); got != want {
			t.Errorf("%d bytes: got %t, want %t", size, got, want)
		}
	}
}
