package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// lifecycle reads the bucket's rules: what they do about unfinished uploads, and
// what they delete.
func (g gatherer) lifecycle(ctx context.Context, name, what string) (Look[int], Look[Lifecycle]) {
	out, err := g.clients.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{
		Bucket: &name, ExpectedBucketOwner: aws.String(g.facts.Account),
	})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchLifecycleConfiguration" {
		return Look[int]{State: Absent}, found(Lifecycle{})
	}
	if err != nil {
		return failed[int](g.region, what, err), failed[Lifecycle](g.region, what, err)
	}
	abort := Look[int]{State: Absent}
	var rules Lifecycle
	least := func(days, other int) int {
		if days == 0 || other < days {
			return other
		}
		return days
	}
	for _, rule := range out.Rules {
		if rule.Status != types.ExpirationStatusEnabled {
			continue
		}
		if a := rule.AbortIncompleteMultipartUpload; a != nil && a.DaysAfterInitiation != nil && everyKey(rule) {
			abort = found(least(abort.Value, int(*a.DaysAfterInitiation)))
		}
		if n := rule.NoncurrentVersionExpiration; n != nil && n.NoncurrentDays != nil {
			rules.NoncurrentDays = least(rules.NoncurrentDays, int(*n.NoncurrentDays))
		}
		if when := expires(rule); when != "" {
			rules.Expires = append(rules.Expires, objectsOf(rule)+" "+when)
		}
	}
	slices.Sort(rules.Expires)
	return abort, found(rules)
}

// expires says when a rule deletes objects, "" for never. A rule that removes
// markers of which nothing else is left deletes none.
func expires(rule types.LifecycleRule) string {
	switch e := rule.Expiration; {
	case e == nil:
		return ""
	case e.Days != nil:
		return "after " + inDays(int(*e.Days))
	case e.Date != nil:
		return "on " + e.Date.UTC().Format(time.DateOnly)
	}
	return ""
}

func inDays(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// objectsOf says which objects a rule is for.
func objectsOf(rule types.LifecycleRule) string {
	prefix, _ := rulePrefix(rule)
	var tags []types.Tag
	var over, under *int64
	if f := rule.Filter; f != nil {
		over, under = f.ObjectSizeGreaterThan, f.ObjectSizeLessThan
		if f.Tag != nil {
			tags = []types.Tag{*f.Tag}
		}
		if and := f.And; and != nil {
			tags, over, under = and.Tags, and.ObjectSizeGreaterThan, and.ObjectSizeLessThan
		}
	}
	var which []string
	if prefix != "" {
		which = append(which, fmt.Sprintf("prefix %q", prefix))
	}
	tags = slices.SortedFunc(slices.Values(tags), func(a, b types.Tag) int { return cmp.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) })
	for _, tag := range tags {
		which = append(which, fmt.Sprintf("tag %q=%q", aws.ToString(tag.Key), aws.ToString(tag.Value)))
	}
	if over != nil {
		which = append(which, fmt.Sprintf("over %d bytes", *over))
	}
	if under != nil {
		which = append(which, fmt.Sprintf("under %d bytes", *under))
	}
	if which == nil {
		return "every object"
	}
	return "objects with " + strings.Join(which, " and ")
}

// rulePrefix is the prefix of a rule's objects, and whether nothing else chooses
// them.
func rulePrefix(rule types.LifecycleRule) (prefix string, alone bool) {
	//nolint:staticcheck // rules made long ago still have their prefix there
	if prefix = aws.ToString(rule.Prefix); prefix != "" || rule.Filter == nil {
		return prefix, true
	}
	f := rule.Filter
	if f.And != nil {
		return aws.ToString(f.And.Prefix), false
	}
	return aws.ToString(f.Prefix), f.Tag == nil && f.ObjectSizeGreaterThan == nil && f.ObjectSizeLessThan == nil
}

// everyKey says that a lifecycle rule is not for some objects only.
func everyKey(rule types.LifecycleRule) bool {
	prefix, alone := rulePrefix(rule)
	return prefix == "" && alone
}
