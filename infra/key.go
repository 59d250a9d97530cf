package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// keyProps configure newKey.
type keyProps struct {
	Site site // required
}

// newKey makes the Region's customer-managed key for bucket, topic and
// dead-letter queue, and returns its ARN. IAM decides who else may use it, as
// with every key that leaves the decision to its account; two services get a
// statement of their own, because they act without a role:
//   - S3, to publish to the encrypted topic
//     (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html),
//   - SNS, to send to the encrypted queue what it could not deliver
//     (https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html).
//
// Lambda sends dead letters as the function's role. The key always outlives its
// stack: what it has encrypted could not be read without it.
func newKey(scope constructs.Construct, id string, props keyProps) *string {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	key := awskms.NewCfnKey(this, jsii.String("Default"), &awskms.CfnKeyProps{
		Description:       jsii.String("Replica set " + here.Name + ": bucket, topic and dead letters in " + here.Region),
		EnableKeyRotation: jsii.Bool(true),
		KeyPolicy: policyDocument(append([]statement{{
			sid:       "AccountDecides",
			principal: map[string]any{"AWS": here.AccountARN()},
			actions:   []string{"kms:*"},
			resources: []string{thisKey},
		}}, here.servicesUseKey()...)...),
	})
	key.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	newAlias(this, here, key.Ref())
	return key.AttrArn()
}

// newAlias gives a key the alias by which alone other Regions' roles know it.
func newAlias(scope constructs.Construct, here site, key *string) {
	alias := awskms.NewCfnAlias(scope, jsii.String("Alias"), &awskms.CfnAliasProps{
		AliasName:   jsii.String(here.KeyAlias()),
		TargetKeyId: key,
	})
	alias.ApplyRemovalPolicy(here.removal(), nil)
}

// useKeyProps configure useKey. All fields are required.
type useKeyProps struct {
	Site site
	Key  awskms.IKey
}

// useKey prepares a key of somebody else's as newKey makes one, and returns its
// ARN: it gets the alias, unless the configuration names all keys by their ARNs,
// and the statements of the two services. The CDK leaves the policy of an imported
// key alone.
func useKey(scope constructs.Construct, id string, props useKeyProps) *string {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	if here.MakesKeys() {
		newAlias(this, here, props.Key.KeyArn())
	}
	for _, s := range here.servicesUseKey() {
		props.Key.AddToResourcePolicy(awsiam.PolicyStatement_FromJson(s.document()), jsii.Bool(true))
	}
	return props.Key.KeyArn()
}

// thisKey is a key in its own policy.
const thisKey = "*"

// servicesUseKey are the statements of the Region's key about the two services
// that act without a role.
func (s site) servicesUseKey() []statement {
	use := []string{"kms:GenerateDataKey", "kms:Decrypt"}
	return []statement{
		{
			sid:       "BucketPublishes",
			principal: service("s3.amazonaws.com"),
			actions:   use,
			resources: []string{thisKey},
			condition: map[string]any{
				"ArnEquals":    map[string]any{"aws:SourceArn": s.BucketARN()},
				"StringEquals": map[string]any{"aws:SourceAccount": s.Account},
			},
		},
		{
			sid:       "TopicSendsUndelivered",
			principal: service("sns.amazonaws.com"),
			actions:   use,
			resources: []string{thisKey},
			// The topic's ARN has the account in it. That SNS names the account
			// by itself as well is written nowhere, and were it not so, what SNS
			// could not deliver would be lost.
			condition: map[string]any{
				"ArnEquals": map[string]any{"aws:SourceArn": s.TopicARN()},
			},
		},
	}
}

// useKeys are the role's statements about keys: it encrypts with the Region's
// own, in the bucket and in the dead-letter queue, and decrypts with the
// others' what S3 has encrypted in their buckets. S3 asks for Decrypt on the
// own key too, to complete a copy in parts:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
//
// A key that another stack makes has an ARN that nobody knows in advance, but
// an alias that everybody does; a policy can ask for it by a condition only:
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
// The encryption context is the bucket's ARN with a bucket key, and else the
// object's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
func (s site) useKeys(own *string) []statement {
	return append(s.useSetKeys(own), s.useBucketKeys()...)
}

// useBucketKeys are the role's statements about the keys of adopted buckets. Here
// it encrypts in that one bucket, elsewhere it decrypts what S3 has encrypted in
// those.
func (s site) useBucketKeys() []statement {
	within := func(members replicaset.Members) map[string]any {
		var encrypted []string
		for _, m := range members {
			encrypted = append(encrypted, m.BucketARN(), m.BucketARN()+"/*")
		}
		return map[string]any{"StringLike": map[string]any{"kms:EncryptionContext:aws:s3:arn": encrypted}}
	}
	var statements []statement
	if own := s.BucketKeyARNs[s.Region]; own != "" {
		statements = append(statements, statement{
			sid:       "EncryptInAdopted",
			actions:   []string{"kms:GenerateDataKey", "kms:Decrypt"},
			resources: []string{own},
			condition: within(replicaset.Members{s.Member}),
		})
	}
	var keys []string
	var buckets replicaset.Members
	for _, other := range s.others() {
		if key := s.BucketKeyARNs[other.Region]; key != "" {
			keys, buckets = append(keys, key), append(buckets, other)
		}
	}
	if keys != nil {
		statements = append(statements, statement{
			sid: "DecryptAdopted", actions: []string{"kms:Decrypt"}, resources: keys, condition: within(buckets),
		})
	}
	return statements
}

// useSetKeys are those about the keys that the set makes or is given.
func (s site) useSetKeys(own *string) []statement {
	if own == nil {
		return nil
	}
	var sources []string
	for _, other := range s.others() {
		key, ok := s.KMSKeyARNs[other.Region]
		if !ok {
			key = other.ARN("kms", "key/*")
		}
		sources = append(sources, key)
	}
	// The keys say which Regions; one pattern for all buckets of the set's own
	// keeps a long list out of a policy whose length is limited.
	var encrypted []string
	for _, bucket := range s.BucketARNs(s.Account) {
		encrypted = append(encrypted, bucket, bucket+"/*")
	}
	condition := map[string]any{"StringLike": map[string]any{"kms:EncryptionContext:aws:s3:arn": encrypted}}
	if s.MakesKeys() {
		condition["ForAnyValue:StringEquals"] = map[string]any{"kms:ResourceAliases": s.KeyAlias()}
	}
	return []statement{
		{
			sid:       "EncryptHere",
			actions:   []string{"kms:GenerateDataKey", "kms:Decrypt"},
			resources: []string{*own},
		},
		{
			sid:       "DecryptSources",
			actions:   []string{"kms:Decrypt"},
			resources: sources,
			condition: condition,
		},
	}
}
