package replicaset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Values of Encryption.
const (
	EncryptionS3  = "s3"  // S3's and SQS's own keys
	EncryptionKMS = "kms" // customer-managed keys, one for each Region
)

// UsesKMS reports whether bucket, topic and dead-letter queue are encrypted
// with customer-managed keys.
func (c Config) UsesKMS() bool { return c.Encryption == EncryptionKMS }

// OpaqueETags reports whether a bucket of the set may encrypt with a key of KMS, so
// that the ETags that it lists say nothing of contents. How an adopted bucket
// encrypts is not known here.
func (c Config) OpaqueETags() bool { return c.UsesKMS() || len(c.Buckets) > 0 }

// MakesKeys reports whether the Region stacks make the keys.
func (c Config) MakesKeys() bool { return c.UsesKMS() && len(c.KMSKeyARNs) == 0 }

func (c Config) validateEncryption() error {
	if e := c.Encryption; e != "" && e != EncryptionS3 && e != EncryptionKMS {
		return fmt.Errorf("encryption: %q is not known; use %q, or %q for customer-managed keys", e, EncryptionS3, EncryptionKMS)
	}
	if c.KMSKeyARNs == nil {
		return nil
	}
	if !c.UsesKMS() {
		return fmt.Errorf("kmsKeyArns: encryption is not %q; set it, or leave the keys out", EncryptionKMS)
	}
	for _, region := range c.Regions {
		arn, ok := c.KMSKeyARNs[region]
		if !ok {
			return fmt.Errorf("kmsKeyArns: %s has none; give a key for each Region, or leave kmsKeyArns out to have them made", region)
		}
		if err := checkKeyARN(region, arn); err != nil {
			return fmt.Errorf("kmsKeyArns.%s: %w", region, err)
		}
	}
	for _, region := range slices.Sorted(maps.Keys(c.KMSKeyARNs)) {
		if !c.Contains(region) {
			return fmt.Errorf("kmsKeyArns.%s: it is not one of regions; remove it", excerpt([]byte(region)))
		}
	}
	return nil
}

// checkKeyARN wants the ARN of a key in region.
func checkKeyARN(region, arn string) error {
	partition := Partition(region)
	// A policy cannot name a key by its alias.
	pattern := "^arn:" + partition + ":kms:" + region + ":[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
	if !regexp.MustCompile(pattern).MatchString(arn) {
		return fmt.Errorf("%q is not the ARN of a key in %s; use arn:%s:kms:%s:111122223333:key/… (not an alias)",
			arn, region, partition, region)
	}
	return nil
}
