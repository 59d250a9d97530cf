package replicaset

import (
	"cmp"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
)

// Values of RemovalPolicy.
const (
	Retain  = "retain"
	Destroy = "destroy"
)

// The parts of a pattern that stand for the Region and the account.
const (
	regionPart  = "{region}"
	accountPart = "{account}"
)

// maxLogPrefix leaves room in a key of 1,024 bytes for what S3 appends
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html).
const maxLogPrefix = 512

// anyAccount stands for the account that is not known yet.
var anyAccount = strings.Repeat("0", accountIDLength)

// expand fills in a pattern.
func expand(pattern, accountID, region string) string {
	return strings.ReplaceAll(strings.ReplaceAll(pattern, regionPart, region), accountPart, accountID)
}

// DestroysOnRemoval reports whether what holds data goes with its stack. A
// bucket that is not empty stays all the same: CloudFormation cannot delete it.
func (c Config) DestroysOnRemoval() bool { return c.RemovalPolicy == Destroy }

// AlarmTopic is the ARN of the topic of others that region's alarms notify,
// and empty if none is configured. Like the names, it takes a token for the
// account.
func (c Config) AlarmTopic(accountID, region string) string {
	return expand(c.AlarmTopicARN, accountID, region)
}

// BoundaryARN is the ARN of the policy that bounds every role, and empty if
// none is configured.
func (c Config) BoundaryARN(accountID string) string {
	return expand(c.PermissionsBoundary, accountID, "")
}

// Operators says who may assume the functions' roles: the ARNs of roles and
// users, or, if restricted is false, whomever the account's own policies let.
func (c Config) Operators(accountID string) (arns []string, restricted bool) {
	for _, pattern := range c.OperatorARNs {
		arns = append(arns, expand(pattern, accountID, ""))
	}
	return arns, c.OperatorARNs != nil
}

// AccessLogs says where S3 logs the requests to region's bucket; bucket is
// empty if it does not. An adopted bucket's logging is its owner's.
func (c Config) AccessLogs(accountID, region string) (bucket, prefix string) {
	if c.AccessLogBucket == "" || c.Adopts(region) {
		return "", ""
	}
	// Of its own, so that buckets can share a log bucket.
	prefix = cmp.Or(c.AccessLogPrefix, c.bucketName(accountID, region)+"/")
	return expand(c.AccessLogBucket, accountID, region), expand(prefix, accountID, region)
}

func (c Config) validateGovernance() error {
	if p := c.RemovalPolicy; p != "" && p != Retain && p != Destroy {
		return fmt.Errorf("removalPolicy: %q is not known; use %q or %q", p, Retain, Destroy)
	}
	for _, check := range []func() error{c.validateAlarms, c.validateBoundary, c.validateOperators, c.validateAccessLogs} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) validateAlarms() error {
	if email := c.AlarmEmail; email != "" {
		a, err := mail.ParseAddress(email)
		if err != nil || a.Address != email || strings.ContainsAny(email, " \"") {
			return fmt.Errorf("alarmEmail: %q is not an e-mail address; use one such as ops@example.com", email)
		}
		if c.AlarmTopicARN != "" {
			return fmt.Errorf("alarmEmail: alarmTopicArn is given too; keep one, and subscribe the address to that topic")
		}
	}
	if c.AlarmTopicARN == "" {
		return nil
	}
	partition := Partition(c.Regions[0])
	pattern := "^arn:" + partition + `:sns:([a-z0-9-]+|\{region\}):([0-9]{12}|\{account\}):[A-Za-z0-9_-]{1,256}$`
	m := regexp.MustCompile(pattern).FindStringSubmatch(c.AlarmTopicARN)
	switch {
	case m == nil:
		return fmt.Errorf(
			"alarmTopicArn: %q is not the ARN of a standard SNS topic; use one such as arn:%s:sns:{region}:111122223333:alarms",
			c.AlarmTopicARN, partition,
		)
	case m[1] != regionPart:
		return fmt.Errorf("alarmTopicArn: it names %s, but an alarm notifies topics of its own Region only; "+
			"write {region} in its place and have such a topic in each Region", m[1])
	}
	return nil
}

func (c Config) validateBoundary() error {
	partition := Partition(c.Regions[0])
	pattern := "^arn:" + partition + `:iam::([0-9]{12}|aws|\{account\}):policy/[A-Za-z0-9_+=,.@/-]{1,512}$`
	if p := c.PermissionsBoundary; p != "" && !regexp.MustCompile(pattern).MatchString(p) {
		return fmt.Errorf("permissionsBoundary: %q is not the ARN of a policy; use one such as arn:%s:iam::{account}:policy/boundary",
			p, partition)
	}
	return nil
}

// identityPattern is the ARN of one role or user; the first group is the account.
func identityPattern(partition string) *regexp.Regexp {
	return regexp.MustCompile("^arn:" + partition + `:iam::([0-9]{12}|\{account\}):` +
		`(role|user)/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$`)
}

// checkIdentities takes whole ARNs alone: a wildcard would let in whoever gets to
// make a role of such a name.
func checkIdentities(field, partition string, arns []string) error {
	valid := identityPattern(partition)
	seen := map[string]int{}
	for i, arn := range arns {
		first, dup := seen[arn]
		seen[arn] = i
		switch {
		case strings.Contains(arn, ":assumed-role/"):
			return fmt.Errorf("%s[%d]: %q is a session; name its role, as in arn:%s:iam::{account}:role/operators",
				field, i, arn, partition)
		case strings.ContainsAny(arn, "*?"):
			return fmt.Errorf("%s[%d]: %q has a wildcard; name each role and user", field, i, arn)
		case !valid.MatchString(arn):
			return fmt.Errorf("%s[%d]: %q is not the ARN of a role or user; use one such as arn:%s:iam::{account}:role/operators",
				field, i, arn, partition)
		case dup:
			return fmt.Errorf("%s[%d]: %s is listed already as %s[%d]; remove one", field, i, arn, field, first)
		}
	}
	return nil
}

// validateOperators takes identities of one account, because roles trust no other.
func (c Config) validateOperators() error {
	partition := Partition(c.Regions[0])
	if err := checkIdentities("operatorArns", partition, c.OperatorARNs); err != nil {
		return err
	}
	account, of := "", 0 // that is written out, and where
	for i, arn := range c.OperatorARNs {
		switch in := identityPattern(partition).FindStringSubmatch(arn)[1]; {
		case in == accountPart:
		case account == "":
			account, of = in, i
		case in != account:
			return fmt.Errorf("operatorArns[%d]: %s is of another account than operatorArns[%d], and roles trust their own account alone; "+
				"name a role there that the others can assume", i, arn, of)
		}
	}
	return nil
}

func (c Config) validateAccessLogs() error {
	switch {
	case c.AccessLogBucket == "" && c.AccessLogPrefix != "":
		return fmt.Errorf("accessLogPrefix: accessLogBucket is missing; name the bucket too, or leave the prefix out")
	case c.AccessLogBucket == "":
		return nil
	case !strings.Contains(c.AccessLogBucket, regionPart):
		return fmt.Errorf("accessLogBucket: %q is one bucket, but S3 logs to a bucket of the same Region only; "+
			"name the Region by {region}, as in logs-{region}", c.AccessLogBucket)
	}
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`)
	for _, region := range c.Regions {
		if c.Adopts(region) {
			continue
		}
		bucket, prefix := c.AccessLogs(anyAccount, region)
		switch {
		case strings.ContainsAny(prefix, "{}"):
			return fmt.Errorf(
				"accessLogPrefix: %q has braces other than those of {region} and {account}; leave them out",
				c.AccessLogPrefix,
			)
		case len(prefix) > maxLogPrefix:
			return fmt.Errorf("accessLogPrefix: it is %d characters long in %s, %d are allowed; use a shorter one",
				len(prefix), region, maxLogPrefix)
		case len(bucket) > maxBucketName:
			return fmt.Errorf("accessLogBucket: %q makes the name in %s %d characters long, %d are allowed; use a shorter one",
				c.AccessLogBucket, region, len(bucket), maxBucketName)
		case !name.MatchString(bucket):
			return fmt.Errorf(
				"accessLogBucket: %q is not a bucket's name; use lower-case letters, digits and hyphens, {region}, and {account} "+
					"for the account's ID",
				c.AccessLogBucket,
			)
		case bucket == c.bucketName(anyAccount, region):
			return fmt.Errorf("accessLogBucket: %q is the replica set's own bucket, which would log its logs and copy them; name another",
				c.AccessLogBucket)
		}
	}
	return nil
}
