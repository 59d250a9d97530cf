// Package functionenv names the environment variables through which the CDK
// app configures the function, and translates between them and values. The
// infrastructure writes them with Encode, the function reads them with
// Decode, so that neither side can rename one alone.
package functionenv

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Names of the function's environment variables.
const (
	// ReplicaSet is the replica set's name, for logs and messages.
	ReplicaSet = "S3FANOUT_REPLICA_SET"
	// Account is the account, twelve digits, that all buckets of the set belong
	// to. S3 is told with every request, and refuses it of a bucket of another.
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
	// FunctionName is the replicator's function name, the same in every
	// Region. A role session of a Lambda function is named after the function,
	// which is how an event caused by a replicator is recognised.
	// Lambda itself sets it.
	FunctionName = "AWS_LAMBDA_FUNCTION_NAME"
	// Region is the function's own Region. Lambda itself sets it.
	Region = "AWS_REGION"
)

// OperatorSession names the sessions of the function's role in which a backfill
// copies. Events and CloudTrail tell them from the function's own by it, and
// functions know what was written in one for a replica.
func OperatorSession(functionName string) string { return functionName + "-operator" }

// Config is what the function needs to know of its replica set.
type Config struct {
	ReplicaSet   string
	Region       string            // the function's own, set by Lambda
	FunctionName string            // set by Lambda
	Account      string            // twelve digits
	TargetBucket string            // in Region
	Sources      map[string]string // bucket name -> Region, the own bucket left out
	Role         string            // ARN

	// Zero and empty mean that the copier chooses.
	MultipartThreshold  int64 // bytes
	MultipartParallel   int
	ReplicaStorageClass string
}

// Encode returns the variables that the infrastructure has to set. Those that
// Lambda sets itself, and optional ones without a value, are left out. The result depends on the values alone,
// never on map order.
func Encode(c Config) map[string]string {
	pairs := make([]string, 0, len(c.Sources))
	for bucket, region := range c.Sources {
		pairs = append(pairs, region+"="+bucket)
	}
	sort.Strings(pairs)
	variables := map[string]string{
		ReplicaSet:    c.ReplicaSet,
		Account:       c.Account,
		TargetBucket:  c.TargetBucket,
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
		ReplicaSet:   read(ReplicaSet),
		Region:       read(Region),
		FunctionName: read(FunctionName),
		Account:      read(Account),
		TargetBucket: read(TargetBucket),
		Sources:      map[string]string{},
		Role:         read(Role),
	}
	sources := read(SourceBuckets)
	if len(missing) > 0 {
		return Config{}, fmt.Errorf("environment variable %s is not set", strings.Join(missing, ", "))
	}
	if !isAccount(c.Account) {
		return Config{}, fmt.Errorf("environment variable %s: %q is not an account's ID of twelve digits", Account, c.Account)
	}
	for _, pair := range strings.Split(sources, ",") {
		region, bucket, ok := strings.Cut(pair, "=")
		if !ok || region == "" || bucket == "" {
			return Config{}, fmt.Errorf("environment variable %s: %q is not <region>=<bucket>", SourceBuckets, pair)
		}
		if other, dup := c.Sources[bucket]; dup {
			return Config{}, fmt.Errorf("environment variable %s: bucket %q is listed for both %q and %q", SourceBuckets, bucket, other, region)
		}
		c.Sources[bucket] = region
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
