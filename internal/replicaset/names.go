package replicaset

// The names below are the same in every Region, or those of stacks. What
// differs between the members is a Member's to name.

// Values of BucketNamespace. In the account-regional one nobody else can take
// a bucket's name, not even after the bucket is deleted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
const (
	GlobalNamespace          = "global"
	AccountRegionalNamespace = "account-regional"
)

// bucketName is the name of the bucket in region: the one that is adopted there,
// or the one that the set makes. Everybody else asks a Member.
func (c Config) bucketName(accountID, region string) string {
	if c.Adopts(region) {
		return c.Buckets[region]
	}
	return c.madeBucketName(accountID, region)
}

// madeBucketName is the name of the bucket that the set makes in region unless it
// adopts one. In the account-regional namespace S3 wants it to end in account,
// Region and "an".
func (c Config) madeBucketName(accountID, region string) string {
	name := c.Name + "-" + accountID + "-" + region
	if c.BucketNamespace == AccountRegionalNamespace {
		name += "-an"
	}
	return name
}

// KeyAlias is the alias of the KMS key that a Region stack makes, the same in
// every Region.
func (c Config) KeyAlias() string { return "alias/" + c.Name + "-replica-set" }

// TopicName is the name of the SNS topic that announces new objects, the same
// in every Region.
func (c Config) TopicName() string { return c.Name + "-object-created" }

// AlarmTopicName is the name of the SNS topic that tells of alarms by mail, the
// same in every Region. It is there only if the configuration has an address.
func (c Config) AlarmTopicName() string { return c.Name + "-alarms" }

// QueueName is the name of the SQS dead-letter queue, the same in every Region.
func (c Config) QueueName() string { return c.Name + "-dead-letters" }

// FunctionName is the name of the Lambda function, the same in every Region.
// It is also the session name of the function's role sessions.
func (c Config) FunctionName() string { return c.Name + "-replicator" }

// OperatorSession is the session name under which operators may assume the
// function's roles. It is not the function's, so that events and CloudTrail tell
// whose doing something is. functionenv.OperatorSession is the same name.
func (c Config) OperatorSession() string { return c.FunctionName() + "-operator" }

// ReportPrefix begins the keys of the reports that jobs of S3 Batch Operations
// write into the bucket of their Region. They are objects like any other, and
// are replicated.
const ReportPrefix = ".s3fanout/reports"

// ProbePrefix begins the keys of the objects without contents that doctor's
// probe writes and removes.
const ProbePrefix = ".s3fanout/probe"

// LogGroupName is the name of the function's log group, the same in every
// Region.
func (c Config) LogGroupName() string { return "/aws/lambda/" + c.FunctionName() }

// RegionStackName is the name of the stack that holds region's own resources.
func (c Config) RegionStackName(region string) string { return c.Name + "-" + region }

// MeshStackName is the name of the stack that subscribes the other Regions'
// functions to region's topic.
func (c Config) MeshStackName(region string) string { return c.Name + "-" + region + "-mesh" }

// AccessPointStackName is the name of the stack of the access points.
func (c Config) AccessPointStackName() string { return c.Name + "-access-point" }
