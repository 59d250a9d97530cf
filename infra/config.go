package infra

import (
	"time"

	"s3fanout/internal/replicaset"
)

// Config is a replica set's configuration. Name and Regions are required;
// everything else has a default, which the zero value stands for. It says what
// the key "s3fanout" in the context of cdk.json says, and docs/configuration.md
// has a row for each field, with its values, its effect and its cost.
//
// The fields are those of the configuration that the function and the command
// know, one by one and in order: the compiler converts one into the other.
type Config struct {
	// Name prefixes every name that the replica set uses. Required.
	Name string
	// Regions are the members, at least two, in any order. Required.
	Regions []string
	// OptInRegions says that opt-in Regions may be members.
	OptInRegions bool
	// MultipartThresholdMiB is the size in MiB above which an object is copied
	// in parts, 5 to 5120.
	MultipartThresholdMiB int
	// MultipartParallel is how many parts of objects are copied at once, 1 to 256.
	MultipartParallel int
	// ReplicaStorageClass is the storage class of replicas, or "source" for that
	// of each source.
	ReplicaStorageClass string
	// BatchOperations adds what jobs of S3 Batch Operations need.
	BatchOperations bool

	// BucketNamespace is "global" or "account-regional".
	BucketNamespace string
	// Buckets are buckets that exist already, or that your app makes, by Region; the
	// set makes its own in the other Regions.
	Buckets map[string]string
	// BucketKeyARNs are the KMS keys that encrypt Buckets, by Region, where it is
	// not S3's own keys that do.
	BucketKeyARNs map[string]string
	// Filters choose the keys that are copied; none choose all.
	Filters []Filter
	// Exclude leaves keys out that would be copied otherwise. The functions decide
	// that, because S3 announces the keys all the same.
	Exclude Exclusions
	// Follow is which later changes of keys travel; none by default.
	Follow Follow
	// FollowSince is when following was switched on over buckets that had objects
	// already, in whole seconds; zero for a set that has always followed.
	FollowSince time.Time
	// NoUserCopies leaves out what users make by CopyObject ("copiesByUsers": false in
	// JSON), so that S3 announces no replica of one request either, which is paid for.
	NoUserCopies bool
	// Reconcile has each Region compare its bucket with the others on a schedule;
	// nil has nobody do that.
	Reconcile *Reconcile

	// ReplicationTimeThreshold is the time from an upload after which a replica is
	// late; zero for 15 minutes.
	ReplicationTimeThreshold time.Duration
	// ReplicationTimeEvents has each late replica be an event on the Region's default
	// bus of EventBridge.
	ReplicationTimeEvents bool

	// FunctionMemoryMiB is each function's memory in MiB, 128 to 10240.
	FunctionMemoryMiB int
	// FunctionArchitecture is ARM64 or X86. The functions' code has to be built
	// for it.
	FunctionArchitecture string
	// ReservedConcurrency is how many invocations may run at once in a Region,
	// and are kept free for the function; zero for no reservation.
	ReservedConcurrency int
	// LogRetentionDays is for how long logs are kept.
	LogRetentionDays int
	// Tracing has AWS X-Ray trace the functions' invocations.
	Tracing bool

	// NoDashboard leaves the dashboard out, for which CloudWatch charges ("dashboard":
	// false in JSON).
	NoDashboard bool
	// AlarmEmail is who gets alarms. At most one of it and AlarmTopicARN is set.
	AlarmEmail string
	// AlarmTopicARN is the ARN of a topic for alarms in each Region, with
	// "{region}" and perhaps "{account}".
	AlarmTopicARN string

	// Encryption is "s3" or "kms".
	Encryption string
	// KMSKeyARNs are the keys by Region, one for each member; none with "kms" has
	// the keys made, or taken from RegionProps.
	KMSKeyARNs map[string]string

	// AccessLogBucket and AccessLogPrefix say where S3 logs requests to, with
	// "{region}" and perhaps "{account}".
	AccessLogBucket, AccessLogPrefix string
	// RemovalPolicy is "retain" or "destroy".
	RemovalPolicy string
	// PermissionsBoundary is the ARN of the policy that bounds every role,
	// perhaps with "{account}".
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
	// the trail ("auditRoleArn" in JSON).
	OwnAuditRoleARN string
	// RoleIDs are the unique IDs of the functions' roles of yours, by Region, which
	// spare the invocations for replicas' events; nil for none.
	RoleIDs map[string]string
	// OperatorARNs are the roles and users that may assume the functions' roles,
	// perhaps with "{account}"; nil leaves it to the account's own policies, an
	// empty list is nobody.
	OperatorARNs []string
	// AccessPoint is one endpoint over the buckets of several Regions, in a stack
	// of its own that NewReplicaSet makes; nil for none.
	AccessPoint *AccessPoint
	// Access is "any" or "access-point-only": with the latter the buckets'
	// policies deny requests for objects that do not come through an access point of
	// the account, except from the set's own roles, the operators and DirectAccessARNs.
	Access string
	// DirectAccessARNs are the roles and users that reach the objects without an
	// access point too, perhaps with "{account}".
	DirectAccessARNs []string
	// VPCEndpoints are the interface endpoints for the access points, by Region.
	VPCEndpoints map[string]VPCEndpoint
	// AuditTrail has CloudTrail record who writes and deletes objects, in a stack of its
	// own that NewReplicaSet makes; nil for no trail.
	AuditTrail *AuditTrail
	// Tags are put on everything that can have them.
	Tags map[string]string
}

// Filter chooses the keys that begin with Prefix and end with Suffix, both as
// they are in the key. An empty one asks for nothing. With OwnFollow, Follow holds
// for these keys instead of Config.Follow.
type Filter = replicaset.Filter

// Exclusion leaves out the keys that begin with Prefix and end with Suffix, both
// as they are in the key. An empty one asks for nothing.
type Exclusion = replicaset.Exclusion

// Exclusions leave out the keys that one of them does.
type Exclusions = replicaset.Exclusions

// Follow says which later changes of a key travel to the other Regions:
// Overwrites, and with them Deletions and Tags.
type Follow = replicaset.Follow

// Reconcile says how often each Region compares its bucket with the others, and
// whether it repairs what differs.
type Reconcile = replicaset.Reconcile

// AccessPoint says which Multi-Region Access Points the set has, and in which
// Region their stack is; the zero value is one over all Regions.
type AccessPoint = replicaset.AccessPoint

// Point is one of them.
type Point = replicaset.Point

// VPCEndpoint is where a Region has an interface endpoint for the access points.
type VPCEndpoint = replicaset.VPCEndpoint

// AuditTrail says what the trail records, and for how long it is kept; the zero value
// leaves out what the set's own functions write.
type AuditTrail = replicaset.AuditTrail

// Values of Config.FunctionArchitecture.
const (
	ARM64 = replicaset.ARM64
	X86   = replicaset.X86
)

// ContextKey is the key of the configuration in the context of cdk.json.
const ContextKey = replicaset.ContextKey

// ParseConfig reads a configuration from JSON: the value of ContextKey, which
// an app gets from its context. A field that does not exist, a wrong type and a
// field that is given twice are errors of one line that name the field.
func ParseConfig(raw []byte) (Config, error) {
	set, err := replicaset.Parse(raw)
	return Config(set), err
}

// Validate reports the first thing that is wrong with the configuration, or that
// AWS would refuse of what is made of it. The message is one line that names the
// field as it is called in cdk.json. Everything in this package that takes a
// Config does the same before it makes anything.
func (c Config) Validate() error {
	_, err := c.set()
	return err
}

// set is the configuration as the function and the command know it, if it is
// valid.
func (c Config) set() (replicaset.Config, error) {
	set := replicaset.Config(c)
	if err := set.Validate(); err != nil {
		return replicaset.Config{}, err
	}
	return set, checkLimits(set)
}

// Architecture is the processor that the functions run on.
func (c Config) Architecture() string { return replicaset.Config(c).Architecture() }
