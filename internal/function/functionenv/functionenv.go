// Package functionenv names the environment variables through which the CDK
// app configures the function, and translates between them and values. The
// infrastructure writes them with Encode, the function reads them with
// Decode, so that neither side can rename one alone.
package functionenv

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// Names of the function's environment variables.
const (
	// ReplicaSet is the replica set's name, for logs and messages.
	ReplicaSet = "S3FANOUT_REPLICA_SET"
	// Account is the account, twelve digits, that all buckets of the set belong
	// to. Every request names it, and S3 refuses those to a bucket of another.
	// One variable says it for all members: an account for each would be written
	// beside each bucket in SourceBuckets.
	Account = "S3FANOUT_ACCOUNT"
	// TargetBucket is the bucket that this function writes to, in its own Region.
	TargetBucket = "S3FANOUT_TARGET_BUCKET"
	// SourceBuckets lists the buckets of the other Regions as
	// "<region>=<bucket>", separated by commas.
	SourceBuckets = "S3FANOUT_SOURCE_BUCKETS"
	// Role is the ARN of the function's role, which an upload has to be of that
	// the function resumes.
	Role = "S3FANOUT_ROLE"
	// MultipartThreshold is the size in bytes above which objects are copied
	// in parts. Optional, like the next two: without it the copier chooses.
	MultipartThreshold = "S3FANOUT_MULTIPART_THRESHOLD"
	// MultipartParallel is how many parts are copied at once.
	MultipartParallel = "S3FANOUT_MULTIPART_PARALLEL"
	// ReplicaStorageClass is the storage class of replicas, or "source".
	ReplicaStorageClass = "S3FANOUT_REPLICA_STORAGE_CLASS"
	// Follow is what is followed of keys, as replicaset.Follow encodes it; without
	// it nothing is. Optional, like the next.
	Follow = "S3FANOUT_FOLLOW"
	// FollowFilters are the filters whose keys are followed otherwise, as
	// "<follow>:<prefix>:<suffix>", separated by commas; prefix and suffix are
	// encoded as in S3's notifications.
	FollowFilters = "S3FANOUT_FOLLOW_FILTERS"
	// FollowSince is when following was switched on (RFC 3339). Optional.
	FollowSince = "S3FANOUT_FOLLOW_SINCE"
	// Exclude are the keys that are left out, as "<prefix>:<suffix>", separated by
	// commas; both are encoded as in FollowFilters. Optional.
	Exclude = "S3FANOUT_EXCLUDE"
	// ReplicationTime is the time in seconds after which a replica is late.
	// Optional; without it replicaset.DefaultReplicationTime.
	ReplicationTime = "S3FANOUT_REPLICATION_TIME"
	// ReplicationTimeEvents, "true", has each late replica be an event of
	// EventBridge. Optional.
	ReplicationTimeEvents = "S3FANOUT_REPLICATION_TIME_EVENTS"
	// FunctionName is the replicator's function name, the same in every
	// Region. A role session of a Lambda function is named after the function,
	// which is how an event caused by a replicator is recognised.
	// Lambda itself sets it.
	FunctionName = "AWS_LAMBDA_FUNCTION_NAME"
	// Region is the function's own Region. Lambda itself sets it.
	Region = "AWS_REGION"
)

// EventSource is the source of the events of EventBridge of what is late.
const EventSource = "s3fanout"

// OperatorSession names the sessions of the function's role in which a backfill
// copies. Events and CloudTrail tell them from the function's own by it, and
// functions know what was written in one for a replica.
func OperatorSession(functionName string) string { return functionName + "-operator" }

// ReconcileSession names the sessions of the function's role in which differences
// are repaired that a comparison of the buckets found. They are known for replicas
// like those of an operator.
func ReconcileSession(functionName string) string { return functionName + "-reconcile" }

// Config is what the function needs to know of its replica set.
type Config struct {
	Target       replicaset.Member  // the function's own, whose Region Lambda sets
	Sources      replicaset.Members // the others
	FunctionName string             // set by Lambda
	Role         string             // ARN

	// Zero and empty mean that the copier chooses.
	MultipartThreshold  int64 // bytes
	MultipartParallel   int
	ReplicaStorageClass string

	// Follow says by key which later changes travel; see FollowFor.
	Follow replicaset.FollowRules
	// Exclude are the keys that are left out.
	Exclude replicaset.Exclusions
	// ReplicationTime is the time from an upload after which a replica is late; zero
	// for the default, see LateAfter.
	ReplicationTime time.Duration
	// ReplicationTimeEvents has each of them be an event of EventBridge.
	ReplicationTimeEvents bool
}

// LateAfter is the time from an upload after which a replica is late.
func (c Config) LateAfter() time.Duration {
	return cmp.Or(c.ReplicationTime, replicaset.DefaultReplicationTime)
}

// FollowFor returns what is followed of a key that is copied.
func (c Config) FollowFor(key string) replicaset.Follow { return c.Follow.For(key) }

// Of is the configuration of the function at a member of the set.
func Of(set replicaset.Config, target replicaset.Member) Config {
	return Config{
		Target:              target,
		Sources:             set.Members(target.Account).Except(target.Region),
		FunctionName:        set.FunctionName(),
		Role:                target.RoleARN(),
		MultipartThreshold:  set.MultipartThreshold(),
		MultipartParallel:   set.MultipartParallel,
		ReplicaStorageClass: set.ReplicaStorageClass,
		Follow:              set.FollowRules(),
		Exclude:             set.Exclude,
		ReplicationTime:     set.ReplicationTimeThreshold,

		ReplicationTimeEvents: set.ReplicationTimeEvents,
	}
}

// yes is the value of a variable that switches something on.
const yes = "true"

// Encode returns the variables that the infrastructure has to set. Those that
// Lambda sets itself, and optional ones without a value, are left out. The order
// of the sources does not matter.
func Encode(c Config) map[string]string {
	pairs := make([]string, 0, len(c.Sources))
	for _, source := range c.Sources {
		pairs = append(pairs, source.Region+"="+source.Bucket)
	}
	slices.Sort(pairs)
	variables := map[string]string{
		ReplicaSet:    c.Target.Set,
		Account:       c.Target.Account,
		TargetBucket:  c.Target.Bucket,
		SourceBuckets: strings.Join(pairs, ","),
		Role:          c.Role,
	}
	if c.MultipartThreshold > 0 {
		variables[MultipartThreshold] = strconv.FormatInt(c.MultipartThreshold, 10)
	}
	if c.MultipartParallel > 0 {
		variables[MultipartParallel] = strconv.Itoa(c.MultipartParallel)
	}
	if c.ReplicaStorageClass != "" {
		variables[ReplicaStorageClass] = c.ReplicaStorageClass
	}
	if c.ReplicationTime > 0 {
		variables[ReplicationTime] = strconv.FormatInt(int64(c.ReplicationTime/time.Second), 10)
	}
	if c.ReplicationTimeEvents {
		variables[ReplicationTimeEvents] = yes
	}
	encodeFollow(c.Follow, variables)
	encodeExclude(c.Exclude, variables)
	return variables
}

// Decode reads the configuration through getenv (os.Getenv in production). A
// missing or malformed variable is an error that names it.
func Decode(getenv func(string) string) (Config, error) {
	var missing []string
	read := func(name string) string {
		v := getenv(name)
		if v == "" {
			missing = append(missing, name)
		}
		return v
	}
	c := Config{
		Target: replicaset.Member{
			Set:     read(ReplicaSet),
			Region:  read(Region),
			Account: read(Account),
			Bucket:  read(TargetBucket),
		},
		FunctionName: read(FunctionName),
		Role:         read(Role),
	}
	sources := read(SourceBuckets)
	if len(missing) > 0 {
		return Config{}, fmt.Errorf("environment variable %s is not set", strings.Join(missing, ", "))
	}
	if !isAccount(c.Target.Account) {
		return Config{}, fmt.Errorf("environment variable %s: %q is not an account's ID of twelve digits", Account, c.Target.Account)
	}
	for _, pair := range strings.Split(sources, ",") {
		region, bucket, ok := strings.Cut(pair, "=")
		if !ok || region == "" || bucket == "" {
			return Config{}, fmt.Errorf("environment variable %s: %q is not <region>=<bucket>", SourceBuckets, pair)
		}
		if other, dup := c.Sources.WithBucket(bucket); dup {
			return Config{}, fmt.Errorf("environment variable %s: bucket %q is listed for both %q and %q",
				SourceBuckets, bucket, other.Region, region)
		}
		source := c.Target // but for what differs
		source.Region, source.Bucket = region, bucket
		c.Sources = append(c.Sources, source)
	}
	threshold, err := optionalNumber(getenv, MultipartThreshold, math.MaxInt64)
	if err != nil {
		return Config{}, err
	}
	parallel, err := optionalNumber(getenv, MultipartParallel, math.MaxInt32)
	if err != nil {
		return Config{}, err
	}
	c.MultipartThreshold, c.MultipartParallel = threshold, int(parallel)
	c.ReplicaStorageClass = getenv(ReplicaStorageClass)
	late, err := optionalNumber(getenv, ReplicationTime, int64(time.Hour*24/time.Second))
	if err != nil {
		return Config{}, err
	}
	c.ReplicationTime = time.Duration(late) * time.Second
	switch value := getenv(ReplicationTimeEvents); value {
	case yes:
		c.ReplicationTimeEvents = true
	case "":
	default:
		return Config{}, fmt.Errorf("environment variable %s: %q is not %q", ReplicationTimeEvents, value, yes)
	}
	if c.Follow, err = decodeFollow(getenv); err != nil {
		return Config{}, err
	}
	if c.Exclude, err = decodeExclude(getenv); err != nil {
		return Config{}, err
	}
	return c, nil
}

// accountDigits is the length of an account's ID.
const accountDigits = 12

func isAccount(s string) bool {
	return len(s) == accountDigits && strings.Trim(s, "0123456789") == ""
}

// optionalNumber reads a whole number from 1 to most, or zero for none.
func optionalNumber(getenv func(string) string, name string, most int64) (int64, error) {
	value := getenv(name)
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("environment variable %s: %q is not a whole number from 1 to %d", name, value, most)
	}
	return n, nil
}
