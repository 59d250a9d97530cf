// Package replicaset describes a replica set: its configuration, the rules
// that a configuration has to meet, and the names of everything that belongs
// to it.
//
// Names are a function of the configuration, the account and the Region
// alone. So any Region can name any other Region's parts without asking, and
// the infrastructure, the function and the command agree by construction.
//
// A Config that Validate accepts yields only names that AWS accepts. The
// package makes no AWS calls: whether an account has a Region enabled, or
// whether somebody else owns a bucket name, is not known here.
package replicaset

import (
	"slices"
	"time"
)

// Config is a replica set's configuration: the value of the key "s3fanout" in
// the context of cdk.json. The zero value is not valid. A Config is a plain
// value; its methods do not change it and may be called concurrently.
type Config struct {
	// Name prefixes every name that the replica set uses. Required.
	Name string
	// Regions are the members, at least two, in any order. Required.
	Regions []string
	// OptInRegions says that opt-in Regions may be members ("allowOptInRegions"
	// in JSON). It is off by default, because AWS's pages disagree on whether
	// SNS delivers to and from them across Regions; see SNSPrincipal.
	OptInRegions bool
	// MultipartThresholdMiB is the size in MiB above which an object is copied
	// in parts, 5 to 5120; zero leaves the choice to the copier, which takes
	// 256. Larger objects than 5 GiB are always copied in parts.
	MultipartThresholdMiB int
	// MultipartParallel is how many parts of objects are copied at once, 1 to
	// 256; zero leaves the choice to the copier, which takes 64.
	MultipartParallel int
	// ReplicaStorageClass is the storage class of replicas: empty for
	// STANDARD, a class in S3's spelling, or SourceStorageClass.
	ReplicaStorageClass string
	// BatchOperations adds what jobs of S3 Batch Operations need: a role for
	// them in each Region, and more permissions of the functions.
	BatchOperations bool

	// BucketNamespace is where the buckets' names live: empty or
	// GlobalNamespace, or AccountRegionalNamespace.
	BucketNamespace string
	// Buckets are buckets that exist already, by Region: they are members as
	// they are, and the set makes none there. A Region without one gets a bucket
	// of the set's own.
	Buckets map[string]string
	// BucketKeyARNs are the KMS keys that encrypt adopted buckets, by Region
	// ("bucketKeyArns" in JSON), of those whose owner chose a key: the functions'
	// roles may use them. Nothing else follows from them.
	BucketKeyARNs map[string]string
	// Filters choose the keys that are copied; none choose all. See Matches.
	Filters []Filter
	// Exclude leaves keys out that would be copied otherwise. The functions decide
	// that, because S3 announces the keys all the same.
	Exclude Exclusions
	// Follow is which later changes of keys travel; none by default. A filter may
	// say otherwise for its keys, see FollowFor.
	Follow Follow
	// FollowSince is when following was switched on, in whole seconds: what was
	// written before may be a replica that does not say so, and counts as the same
	// write where it has the same contents. Zero for a set that has always followed.
	FollowSince time.Time
	// NoUserCopies leaves out what users make by CopyObject ("copiesByUsers": false in
	// JSON), so that S3 announces no replica of one request either. See Events.
	NoUserCopies bool
	// Reconcile has each Region compare its bucket with the others on a schedule;
	// nil has nobody do that, and a Region has no function for it.
	Reconcile *Reconcile

	// ReplicationTimeThreshold is the time from an upload after which a replica is
	// late, 1 minute to 6 hours; zero for the default, see ReplicationTime.
	ReplicationTimeThreshold time.Duration
	// ReplicationTimeEvents has each late replica be an event on the Region's default
	// bus of EventBridge.
	ReplicationTimeEvents bool

	// FunctionMemoryMiB is the function's memory in MiB, 128 to 10240; zero
	// for the default, see FunctionMemory.
	FunctionMemoryMiB int
	// FunctionArchitecture is the processor that the functions run on: empty or
	// ARM64, or X86; see Architecture.
	FunctionArchitecture string
	// ReservedConcurrency is how many invocations of the function may run at
	// once in a Region, and are kept free for it; zero for no reservation.
	ReservedConcurrency int
	// LogRetentionDays is for how long logs are kept, one of the numbers that
	// CloudWatch Logs takes; zero for the default, see LogRetention.
	LogRetentionDays int
	// Tracing has AWS X-Ray trace the functions' invocations.
	Tracing bool

	// NoDashboard leaves the set's dashboard out ("dashboard": false in JSON).
	NoDashboard bool
	// AlarmEmail is who gets alarms; empty for nobody. At most one of it and
	// AlarmTopicARN is set.
	AlarmEmail string
	// AlarmTopicARN is the pattern of the ARN of a topic for alarms in each
	// Region, with "{region}" and perhaps "{account}"; see AlarmTopic.
	AlarmTopicARN string

	// Encryption is empty or EncryptionS3, or EncryptionKMS.
	Encryption string
	// KMSKeyARNs are the keys by Region ("kmsKeyArns" in JSON), one for each
	// member; none with EncryptionKMS has the Region stacks make them.
	KMSKeyARNs map[string]string

	// AccessLogBucket is the pattern of the names of the buckets that S3 logs
	// requests to, with "{region}" and perhaps "{account}"; empty for no logs.
	// AccessLogPrefix is the pattern of what the logs' keys begin with. See
	// AccessLogs.
	AccessLogBucket, AccessLogPrefix string
	// RemovalPolicy is empty or Retain, or Destroy; see DestroysOnRemoval.
	RemovalPolicy string
	// PermissionsBoundary is the ARN of the policy that bounds every role,
	// perhaps with "{account}"; see BoundaryARN.
	PermissionsBoundary string
	// FunctionRoleARN, AdoptRoleARN and JobRoleARN are patterns of the ARNs of roles
	// of yours, perhaps with "{region}" and "{account}": that of the functions
	// ("roleArn" in JSON), of the functions that adopt buckets, and of jobs of S3
	// Batch Operations. With the first, the set makes no roles at all.
	FunctionRoleARN, AdoptRoleARN, JobRoleARN string
	// ReconcileRoleARN and ScheduleRoleARN are likewise that of the functions that
	// compare, and that of the schedules which start them.
	ReconcileRoleARN, ScheduleRoleARN string
	// OwnAuditRoleARN is likewise that by which CloudTrail writes into the log group of
	// the trail ("auditRoleArn" in JSON); see AuditRoleARN.
	OwnAuditRoleARN string
	// RoleIDs are the unique IDs of the functions' roles of yours, by Region, which
	// spare the invocations for replicas' events; nil for none.
	RoleIDs map[string]string
	// OperatorARNs are the roles and users that may assume the functions' roles,
	// perhaps with "{account}"; nil leaves it to the account's own policies, an
	// empty list is nobody. See Operators.
	OperatorARNs []string
	// AccessPoint is one endpoint over the buckets of several Regions; nil for
	// none. See AccessPoints.
	AccessPoint *AccessPoint
	// Access is AnyAccess, or empty for it, or AccessPointOnly: then the buckets'
	// policies deny requests for objects that do not come through an access point of
	// the account, except from the set's own roles, the operators and DirectAccessARNs.
	Access string
	// DirectAccessARNs are the roles and users that reach the objects without an
	// access point too, perhaps with "{account}".
	DirectAccessARNs []string
	// VPCEndpoints are the interface endpoints for the access points, by Region.
	VPCEndpoints map[string]VPCEndpoint
	// AuditTrail has CloudTrail record who writes and deletes objects; nil for no trail.
	AuditTrail *AuditTrail
	// Tags are put on everything that can have them.
	Tags map[string]string
}

// Others returns the members of the set except region, in the order of the
// configuration.
func (c Config) Others(region string) []string {
	others := make([]string, 0, len(c.Regions))
	for _, r := range c.Regions {
		if r != region {
			others = append(others, r)
		}
	}
	return others
}

// Contains reports whether region is a member of the set.
func (c Config) Contains(region string) bool {
	return slices.Contains(c.Regions, region)
}
