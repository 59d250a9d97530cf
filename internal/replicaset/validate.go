package replicaset

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Limits of the names that depend on the Region. The other names are shorter
// than their limits whenever these are met, which a test proves.
const (
	maxBucketName = 63 // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	maxRoleName   = 64 // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
)

// accountIDLength is the number of digits in an account's ID, which is a part
// of each bucket's name. The ID itself need not be known to validate a name.
const accountIDLength = 12

// Validate reports the first rule that the configuration breaks. The message
// is one line that begins with the field, "s3fanout.regions[1]: …", and says
// what to do.
func (c Config) Validate() error {
	// The first two are what the others build on.
	for _, check := range []func() error{
		c.validateRegions, c.validateName, c.validateBuckets, c.validateCopying, c.validateFilters, c.validateExclude, c.validateFollow,
		c.validateReconcile, c.validateReplicationTime, c.validateFunction, c.validateEncryption, c.validateGovernance, c.validateRoles,
		c.validateAccessPoint, c.validateAccess, c.validateVPCEndpoints, c.validateAuditTrail, c.validateTags,
	} {
		if err := check(); err != nil {
			return fmt.Errorf("%s.%w", ContextKey, err)
		}
	}
	return nil
}

// OptInError says that a Region is an opt-in Region, and that nobody has allowed
// those.
type OptInError struct{ Region string }

// Reason is the error without what to do.
func (e OptInError) Reason() string {
	return e.Region + " is an opt-in Region, where SNS delivers as another principal and AWS's pages disagree " +
		"on whether it delivers across Regions at all"
}

func (e OptInError) Error() string {
	return e.Reason() + "; leave it out, or set allowOptInRegions to true and test that objects arrive"
}

func (c Config) validateRegions() error {
	seen := map[string]int{}
	for i, region := range c.Regions {
		info, ok := lookUp(region)
		if !ok {
			return fmt.Errorf("regions[%d]: %q is not an AWS Region; %s", i, region, hint(region))
		}
		if first, dup := seen[region]; dup {
			return fmt.Errorf("regions[%d]: %s is listed already as regions[%d]; remove one", i, region, first)
		}
		seen[region] = i
		if p := Partition(c.Regions[0]); info.partition != p {
			return fmt.Errorf("regions[%d]: %s is in partition %s and %s in %s; a replica set cannot span partitions",
				i, region, info.partition, c.Regions[0], p)
		}
		if info.optIn && !c.OptInRegions {
			return fmt.Errorf("regions[%d]: %w", i, OptInError{region})
		}
	}
	if len(c.Regions) < 2 {
		return fmt.Errorf("regions: %d given, a replica set needs at least two; add one", len(c.Regions))
	}
	return nil
}

// hint says what to write instead of a Region that does not exist.
func hint(region string) string {
	switch near := nearest(region); len(near) {
	case 0:
		return "use names such as us-east-1"
	case 1:
		return "did you mean " + near[0] + "?"
	default:
		last := len(near) - 1
		return "did you mean " + strings.Join(near[:last], ", ") + " or " + near[last] + "?"
	}
}

// validateName assumes that the Regions are valid.
func (c Config) validateName() error {
	if c.Name == "" {
		return errors.New(`name: it is missing or empty; choose one, such as "media"`)
	}
	// What a bucket, a stack and a queue all accept. Dots would break TLS to
	// the bucket's host name.
	if !regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`).MatchString(c.Name) {
		return fmt.Errorf(
			"name: %q is not usable in bucket and stack names; use lower-case letters, digits and hyphens, begin with a letter "+
				"and end with a letter or digit",
			c.Name,
		)
	}
	for _, reserved := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(c.Name+"-", reserved) {
			return fmt.Errorf("name: %q makes bucket names that begin with %q, which S3 reserves; choose another", c.Name, reserved)
		}
	}
	if n := c.BucketNamespace; n != "" && n != GlobalNamespace && n != AccountRegionalNamespace {
		return fmt.Errorf("bucketNamespace: %q is not known; use %q or %q", n, GlobalNamespace, AccountRegionalNamespace)
	}
	for _, region := range c.Regions {
		for _, n := range []struct {
			kind, name string
			limit      int
		}{
			{"bucket", c.bucketName(anyAccount, region), maxBucketName},
			{"role", c.Member(anyAccount, region).RoleName(), maxRoleName},
		} {
			if n.kind == "bucket" && c.Adopts(region) || n.kind == "role" && c.OwnRoles() {
				continue // it does not follow from the name
			}
			if over := len(n.name) - n.limit; over > 0 {
				return fmt.Errorf("name: %q makes the %s name in %s %d characters long, %d are allowed; use at most %d characters",
					c.Name, n.kind, region, len(n.name), n.limit, c.longestName())
			}
		}
	}
	return nil
}

// longestName is the greatest length that Name may have with these Regions.
func (c Config) longestName() int {
	longest := maxBucketName
	unnamed := Config{BucketNamespace: c.BucketNamespace}
	for _, region := range c.Regions {
		longest = min(longest, maxRoleName-len(unnamed.Member(anyAccount, region).RoleName()))
		if !c.Adopts(region) {
			longest = min(longest, maxBucketName-len(unnamed.bucketName(anyAccount, region)))
		}
	}
	return longest
}
