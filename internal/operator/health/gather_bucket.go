package health

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/errorcode"
)

func (g gatherer) bucket(ctx context.Context) Look[Bucket] {
	name := g.member().Bucket
	what := "bucket " + name
	// A bucket's name is anybody's: one of another account is refused.
	owner := aws.String(g.facts.Account)
	head, err := g.clients.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name, ExpectedBucketOwner: owner})
	if region, moved := movedTo(err); moved {
		// Its other properties would be asked of the wrong Region.
		why, next := what+" is in "+region, "see "+checkBucketRegion+"; then "+askAgain
		if g.member().Adopted {
			return found(Bucket{Region: region}) // nothing else is checked of one that is elsewhere
		}
		return found(Bucket{
			Region: region, Versioning: Look[string]{Why: why, Next: next}, Notifications: Look[[]Notification]{Why: why, Next: next},
			Policy: Look[string]{Why: why, Next: next}, AbortDays: Look[int]{Why: why, Next: next},
			Lifecycle: Look[Lifecycle]{Why: why, Next: next}, Encryption: Look[Encryption]{Why: why, Next: next},
		})
	}
	if err != nil {
		look := failed[Bucket](g.region, what, err)
		if isDenied(err) {
			look.Next += strangersBucket
		}
		return look
	}
	b := Bucket{Region: aws.ToString(head.BucketRegion), Skew: skewOf(head.ResultMetadata)}
	versioning := s3.GetBucketVersioningInput{Bucket: &name, ExpectedBucketOwner: owner}
	if out, err := g.clients.S3.GetBucketVersioning(ctx, &versioning); err != nil {
		b.Versioning = failed[string](g.region, what, err)
	} else {
		b.Versioning = found(string(out.Status))
	}
	configuration := s3.GetBucketNotificationConfigurationInput{Bucket: &name, ExpectedBucketOwner: owner}
	if out, err := g.clients.S3.GetBucketNotificationConfiguration(ctx, &configuration); err != nil {
		b.Notifications = failed[[]Notification](g.region, what, err)
	} else {
		b.Notifications = found(notifications(out.TopicConfigurations))
	}
	b.AbortDays, b.Lifecycle = g.lifecycle(ctx, name, what)
	b.Encryption = g.encryption(ctx, name, what)
	if g.member().Adopted {
		b.Adopted = g.adopted(ctx, what, b.Encryption)
	} else if g.facts.Set.OnlyByAccessPoint() {
		b.Policy = g.policy(ctx, name, what)
	}
	return found(b)
}

// movedTo says where a bucket is that S3 found in another Region.
func movedTo(err error) (region string, moved bool) {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusMovedPermanently {
		return "", false
	}
	region = response.Response.Header.Get("x-amz-bucket-region")
	return region, region != ""
}

func notifications(configurations []types.TopicConfiguration) []Notification {
	var list []Notification
	for _, c := range configurations {
		n := Notification{TopicARN: aws.ToString(c.TopicArn)}
		for _, e := range c.Events {
			n.Events = append(n.Events, string(e))
		}
		if c.Filter != nil && c.Filter.Key != nil {
			for _, rule := range c.Filter.Key.FilterRules {
				value := decodeFilterValue(aws.ToString(rule.Value))
				if strings.EqualFold(string(rule.Name), string(types.FilterRuleNamePrefix)) {
					n.Prefix = value
				} else {
					n.Suffix = value
				}
			}
		}
		list = append(list, n)
	}
	return list
}

// decodeFilterValue is a filter's value as the configuration has it; S3 keeps
// it URL-encoded.
func decodeFilterValue(encoded string) string {
	if value, err := url.QueryUnescape(encoded); err == nil {
		return value
	}
	return encoded
}

func (g gatherer) encryption(ctx context.Context, name, what string) Look[Encryption] {
	out, err := g.clients.S3.GetBucketEncryption(
		ctx,
		&s3.GetBucketEncryptionInput{Bucket: &name, ExpectedBucketOwner: aws.String(g.facts.Account)},
	)
	if errorcode.Of(err) == "ServerSideEncryptionConfigurationNotFoundError" {
		return found(Encryption{})
	}
	if err != nil {
		return failed[Encryption](g.region, what, err)
	}
	var e Encryption
	if out.ServerSideEncryptionConfiguration == nil {
		return found(e)
	}
	for _, rule := range out.ServerSideEncryptionConfiguration.Rules { // S3 takes one
		e.BucketKey = aws.ToBool(rule.BucketKeyEnabled)
		if by := rule.ApplyServerSideEncryptionByDefault; by != nil {
			e.Algorithm, e.Key = string(by.SSEAlgorithm), aws.ToString(by.KMSMasterKeyID)
		}
	}
	return found(e)
}
