package health

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/notification"
)

// GatherAdopted asks AWS about the adopted buckets of the Regions alone, as Gather
// does about everything. Regions without one are left out of the facts.
func GatherAdopted(ctx context.Context, o Options) (Facts, error) {
	var regions []string
	for _, region := range o.Regions {
		if o.Set.Adopts(region) {
			regions = append(regions, region)
		}
	}
	o.Regions = regions
	return gather(ctx, o, func(ctx context.Context, g gatherer, r *Region) { r.Bucket = g.bucket(ctx) })
}

// adopter asks how the function logs that changes the bucket's notifications.
func (g gatherer) adopter(ctx context.Context) Look[Logging] {
	name := g.member().AdopterName()
	out, err := g.clients.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return failed[Logging](g.region, "function "+name, err)
	}
	return found(newLogging(out.LoggingConfig))
}

// adopted asks what matters of a bucket that others made.
func (g gatherer) adopted(ctx context.Context, what string, encryption Look[Encryption]) Adopted {
	name, owner := aws.String(g.member().Bucket), aws.String(g.facts.Account)
	var a Adopted
	configuration := s3.GetBucketNotificationConfigurationInput{Bucket: name, ExpectedBucketOwner: owner}
	if d, err := notification.Read(ctx, g.clients.S3, &configuration); err != nil {
		a.Notifications = failed[notification.Document](g.region, what, err)
	} else {
		a.Notifications = found(d)
	}
	a.Policy = g.policy(ctx, *name, what)
	payment := s3.GetBucketRequestPaymentInput{Bucket: name, ExpectedBucketOwner: owner}
	if out, err := g.clients.S3.GetBucketRequestPayment(ctx, &payment); err != nil {
		a.RequesterPays = failed[bool](g.region, what, err)
	} else {
		a.RequesterPays = found(out.Payer == types.PayerRequester)
	}
	controls, err := g.clients.S3.GetBucketOwnershipControls(
		ctx,
		&s3.GetBucketOwnershipControlsInput{Bucket: name, ExpectedBucketOwner: owner},
	)
	switch {
	case err == nil:
		a.WritersOwn = found(writersOwn(controls.OwnershipControls))
	case errorcode.Of(err) == "OwnershipControlsNotFoundError": // as buckets were made before April 2023
		a.WritersOwn = found(true)
	default:
		a.WritersOwn = failed[bool](g.region, what, err)
	}
	lock, err := g.clients.S3.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: name, ExpectedBucketOwner: owner})
	switch {
	case err == nil:
		a.Lock = retention(lock.ObjectLockConfiguration)
	case errorcode.Of(err) == "ObjectLockConfigurationNotFoundError":
		a.Lock.State = Absent
	default:
		a.Lock = failed[string](g.region, what, err)
	}
	if encryption.State == Found {
		a.Key = g.key(ctx, encryption.Value)
	}
	return a
}

// writersOwn says whether an object can belong to another account than its bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
func writersOwn(c *types.OwnershipControls) bool {
	if c == nil {
		return true
	}
	for _, rule := range c.Rules { // S3 takes one
		if rule.ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced {
			return false
		}
	}
	return true
}

// retention says what Object Lock does by default.
func retention(c *types.ObjectLockConfiguration) Look[string] {
	if c == nil || c.ObjectLockEnabled != types.ObjectLockEnabledEnabled {
		return Look[string]{State: Absent}
	}
	if c.Rule == nil || c.Rule.DefaultRetention == nil {
		return found("no default retention")
	}
	by := c.Rule.DefaultRetention
	if years := aws.ToInt32(by.Years); years > 0 {
		return found(fmt.Sprintf("%s for %d years", strings.ToLower(string(by.Mode)), years))
	}
	return found(fmt.Sprintf("%s for %d days", strings.ToLower(string(by.Mode)), aws.ToInt32(by.Days)))
}

// key asks for the key that encrypts new objects, unless it is S3's or AWS's own,
// which every role of the account may use through S3
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html).
func (g gatherer) key(ctx context.Context, e Encryption) Look[Key] {
	if e.Key == "" || !strings.HasPrefix(e.Algorithm, "aws:kms") {
		return Look[Key]{State: Absent}
	}
	what := "key " + e.Key
	described, err := g.clients.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &e.Key})
	if err != nil {
		return failed[Key](g.region, what, err)
	}
	if described.KeyMetadata == nil {
		return Look[Key]{Why: what + ": KMS says nothing about it"}
	}
	if described.KeyMetadata.KeyManager == kmstypes.KeyManagerTypeAws {
		return Look[Key]{State: Absent}
	}
	k := Key{ARN: aws.ToString(described.KeyMetadata.Arn), State: string(described.KeyMetadata.KeyState)}
	policy, err := g.clients.KMS.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: described.KeyMetadata.Arn})
	if err != nil {
		k.Policy = failed[string](g.region, what, err)
	} else {
		k.Policy = found(aws.ToString(policy.Policy))
	}
	return found(k)
}
