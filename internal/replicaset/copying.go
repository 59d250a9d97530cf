package replicaset

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of the fields that say how objects are copied.
const (
	// S3's smallest part, and its largest object that one request copies
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
	minThresholdMiB = 5
	maxThresholdMiB = 5120
	// A connection for each, within the function's memory.
	maxMultipartParallel = 256
)

// SourceStorageClass stands in place of a storage class and gives each replica
// that of its source.
const SourceStorageClass = "source"

// storageClasses are those that S3 gives an object in a general purpose bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html).
func storageClasses() []string {
	return []string{
		"STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",
	}
}

// MultipartThreshold is MultipartThresholdMiB in bytes, zero if unset.
func (c Config) MultipartThreshold() int64 { return int64(c.MultipartThresholdMiB) << 20 }

func (c Config) validateCopying() error {
	switch mib := c.MultipartThresholdMiB; {
	case mib == 0: // unset
	case mib < minThresholdMiB:
		return fmt.Errorf("multipartThresholdMiB: %d is less than %d, the smallest part that S3 accepts; use %d to %d, or leave it out",
			mib, minThresholdMiB, minThresholdMiB, maxThresholdMiB)
	case mib > maxThresholdMiB:
		return fmt.Errorf("multipartThresholdMiB: %d is more than %d, the most that one request copies; use %d to %d, or leave it out",
			mib, maxThresholdMiB, minThresholdMiB, maxThresholdMiB)
	}
	if n := c.MultipartParallel; n < 0 || n > maxMultipartParallel {
		return fmt.Errorf("multipartParallel: %d is not possible; use 1 to %d, or leave it out", n, maxMultipartParallel)
	}
	class := c.ReplicaStorageClass
	if known := storageClasses(); class != "" && class != SourceStorageClass && !slices.Contains(known, class) {
		return fmt.Errorf("replicaStorageClass: %q is not a storage class; use %s, or %q for that of each source",
			class, strings.Join(known, ", "), SourceStorageClass)
	}
	return nil
}
