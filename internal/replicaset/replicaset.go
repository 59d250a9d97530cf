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

import "slices"

// Config is a replica set's configuration: the value of the key "s3fanout" in
// the context of cdk.json. The zero value is not valid. A Config is a plain
// value; its methods do not change it and may be called concurrently.
type Config struct {
	// Name begins every name that the replica set uses. Required.
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
