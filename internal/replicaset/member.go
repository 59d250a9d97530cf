package replicaset

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Member is one bucket of a replica set, and names what stands beside it: the
// role that writes to it, its Region's topic, queue and function. It is a plain
// value, comparable, and its methods compute names alone: they look nothing up
// and check nothing.
//
// Members come from Config.Members, or in the function from its environment.
// Nobody else puts a bucket's name together from a Region, so the bucket can be
// any bucket, and each member can have an account of its own, without a change
// to those who have a Member.
type Member struct {
	// Set is the replica set's name, which prefixes every name but the bucket's.
	Set string
	// Region is where the bucket and all that belongs to it are.
	Region string
	// Account is the ID of the account that owns the bucket: twelve digits, or
	// what stands for them, such as "${AWS::AccountId}" or a CDK token.
	Account string
	// Bucket is the bucket's name.
	Bucket string
	// Adopted says that the bucket is not of the set's making: it was there
	// before, and stays as its owner has it. Members that the function reads from
	// its environment do not say it.
	Adopted bool
	// OwnRole and OwnJobRole are the ARNs of roles that are not of the set's making
	// either, and empty for those that are. Members that the function reads from its
	// environment do not say them.
	OwnRole, OwnJobRole string
	// OwnReconcileRole and OwnScheduleRole are likewise those of the function that
	// compares, and of the schedule that starts it.
	OwnReconcileRole, OwnScheduleRole string
}

// Partition is the partition that the member's ARNs are in, such as "aws" or
// "aws-cn", and "" if its Region does not exist.
func (m Member) Partition() string { return Partition(m.Region) }

// RoleName is the name of the role that the member's function has. IAM is
// global, so the name of one that is made carries the Region.
func (m Member) RoleName() string {
	return cmp.Or(lastPart(m.OwnRole), m.Set+"-replicator-"+m.Region)
}

// JobRoleName is the name of the role that jobs of S3 Batch Operations have at
// the member, if the set has BatchOperations.
func (m Member) JobRoleName() string {
	return cmp.Or(lastPart(m.OwnJobRole), m.Set+"-batch-"+m.Region)
}

// ReconcileRoleName is the name of the role of the member's function that compares,
// if the set has Reconcile.
func (m Member) ReconcileRoleName() string {
	return cmp.Or(lastPart(m.OwnReconcileRole), m.Set+"-reconcile-"+m.Region)
}

// ScheduleRoleName is the name of the role of the schedule that starts that
// function, and of the state machine where there is one.
func (m Member) ScheduleRoleName() string {
	return cmp.Or(lastPart(m.OwnScheduleRole), m.Set+"-schedule-"+m.Region)
}

// lastPart of a role's ARN is its name; what is before it is its path.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// BucketARN is the ARN of the member's bucket. Bucket ARNs have neither Region
// nor account.
func (m Member) BucketARN() string { return bucketARN(m.Partition(), m.Bucket) }

// TopicARN is the ARN of the member's topic.
func (m Member) TopicARN() string { return m.ARN("sns", m.names().TopicName()) }

// QueueARN is the ARN of the member's dead-letter queue.
func (m Member) QueueARN() string { return m.ARN("sqs", m.names().QueueName()) }

// FunctionARN is the ARN of the member's function, without a version.
func (m Member) FunctionARN() string {
	return m.ARN("lambda", "function:"+m.names().FunctionName())
}

// LogGroupARN is the ARN of the log group of the member's function, without the
// ":*" that stands for its streams.
func (m Member) LogGroupARN() string {
	return m.ARN("logs", "log-group:"+m.names().LogGroupName())
}

// RoleARN is the ARN of the role that the member's function has.
func (m Member) RoleARN() string { return cmp.Or(m.OwnRole, m.IAMARN("role/"+m.RoleName())) }

// JobRoleARN is the ARN of the role that jobs of S3 Batch Operations have at
// the member.
func (m Member) JobRoleARN() string { return cmp.Or(m.OwnJobRole, m.IAMARN("role/"+m.JobRoleName())) }

// ReconcileRoleARN is the ARN of the role of the member's function that compares.
func (m Member) ReconcileRoleARN() string {
	return cmp.Or(m.OwnReconcileRole, m.IAMARN("role/"+m.ReconcileRoleName()))
}

// ScheduleRoleARN is the ARN of the role of the schedule that starts it.
func (m Member) ScheduleRoleARN() string {
	return cmp.Or(m.OwnScheduleRole, m.IAMARN("role/"+m.ScheduleRoleName()))
}

// AccountARN stands, as a principal, for everybody whom the account's own
// policies allow what is asked for.
func (m Member) AccountARN() string { return m.IAMARN("root") }

// ARN is the ARN of a resource of service in the member's Region and account.
func (m Member) ARN(service, resource string) string {
	return arn.ARN{Partition: m.Partition(), Service: service, Region: m.Region, AccountID: m.Account, Resource: resource}.String()
}

// IAMARN is the ARN of something of the member's account in IAM, such as
// "role/NAME". It has no Region: IAM is global.
func (m Member) IAMARN(resource string) string {
	return arn.ARN{Partition: m.Partition(), Service: "iam", AccountID: m.Account, Resource: resource}.String()
}

// SessionARN is the ARN of a session of a role, given the role's, and empty if that
// is none. A role's path is no part of it.
func SessionARN(role, session string) string {
	of, err := arn.Parse(role)
	if err != nil {
		return ""
	}
	of.Service, of.Resource = "sts", "assumed-role/"+of.Resource[strings.LastIndex(of.Resource, "/")+1:]+"/"+session
	return of.String()
}

// names are those that the set has in every Region.
func (m Member) names() Config { return Config{Name: m.Set} }

func bucketARN(partition, bucket string) string {
	return arn.ARN{Partition: partition, Service: "s3", Resource: bucket}.String()
}

// Members are members of one replica set, no two of them with one bucket.
type Members []Member

// Members returns the members of the set in the order of the configuration, all
// of them in the account accountID. That all have one account is said here
// alone, by there being one argument.
func (c Config) Members(accountID string) Members {
	members := make(Members, len(c.Regions))
	for i, region := range c.Regions {
		members[i] = c.Member(accountID, region)
	}
	return members
}

// Member returns the member in region. Whether the set has that Region is
// Contains's to say: one that it lacks gets the names that it would have.
func (c Config) Member(accountID, region string) Member {
	return Member{
		Set: c.Name, Region: region, Account: accountID, Bucket: c.bucketName(accountID, region), Adopted: c.Adopts(region),
		OwnRole: expand(c.FunctionRoleARN, accountID, region), OwnJobRole: expand(c.JobRoleARN, accountID, region),
		OwnReconcileRole: expand(c.ReconcileRoleARN, accountID, region), OwnScheduleRole: expand(c.ScheduleRoleARN, accountID, region),
	}
}

// BucketARNs are what a policy has to list to match the ARNs of the buckets of
// all members and no others of the account's: one pattern, with a wildcard, for
// all buckets that the set makes, and the ARN of each that it adopts.
func (c Config) BucketARNs(accountID string) []string {
	partition := Partition(c.Regions[0])
	var arns []string
	if !c.adoptsAll() {
		arns = append(arns, bucketARN(partition, c.madeBucketName(accountID, "*")))
	}
	for _, member := range c.Members(accountID) {
		if member.Adopted {
			arns = append(arns, member.BucketARN())
		}
	}
	return arns
}

// In returns the member in region.
func (m Members) In(region string) (Member, bool) {
	return m.first(func(one Member) bool { return one.Region == region })
}

// WithBucket returns the member whose bucket has the name.
func (m Members) WithBucket(name string) (Member, bool) {
	return m.first(func(one Member) bool { return one.Bucket == name })
}

func (m Members) first(is func(Member) bool) (Member, bool) {
	i := slices.IndexFunc(m, is)
	if i < 0 {
		return Member{}, false
	}
	return m[i], true
}

// Except returns the members outside region, in their order.
func (m Members) Except(region string) Members {
	return slices.DeleteFunc(slices.Clone(m), func(one Member) bool { return one.Region == region })
}
