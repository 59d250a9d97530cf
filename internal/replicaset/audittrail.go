package replicaset

import (
	"encoding/json"
	"fmt"
	"slices"
)

// AuditTrail has CloudTrail record who writes and deletes the objects of the set, in
// all Regions (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html).
type AuditTrail struct {
	// OwnWrites records what the set's functions write too ("ownWrites" in JSON):
	// replicas, followed deletions and tags. Each is an event to pay for.
	OwnWrites bool
	// RetentionDays is for how long events are kept, one of the numbers that
	// CloudWatch Logs takes; zero for the default, see Retention.
	RetentionDays int
	// StackRegion is the Region of the trail's stack ("region" in JSON), which need not be
	// one of the set; empty for the first of the set. It records all Regions from there.
	StackRegion string
}

const defaultAuditDays = 365

// Retention is for how many days the trail's events are kept, in the log group and in
// the log bucket.
func (a AuditTrail) Retention() int {
	if a.RetentionDays == 0 {
		return defaultAuditDays
	}
	return a.RetentionDays
}

// AuditRegion is the home Region of the trail, in which its stack and its log group
// are; the trail records all Regions.
func (c Config) AuditRegion() string {
	if c.AuditTrail == nil || c.AuditTrail.StackRegion == "" {
		return c.Regions[0]
	}
	return c.AuditTrail.StackRegion
}

// AuditStackName is the name of the stack of the trail.
func (c Config) AuditStackName() string { return c.Name + "-audit" }

// AuditTrailName is the name of the trail.
func (c Config) AuditTrailName() string { return c.Name + "-audit" }

// AuditLogGroupName is the name of the log group that the trail's events go to, in
// AuditRegion.
func (c Config) AuditLogGroupName() string { return c.Name + "-audit" }

// AuditTrailARN is the ARN of the trail.
func (c Config) AuditTrailARN(accountID string) string {
	return c.Member(accountID, c.AuditRegion()).ARN("cloudtrail", "trail/"+c.AuditTrailName())
}

// AuditLogGroupARN is the ARN of the trail's log group, without the ":*" that stands
// for its streams.
func (c Config) AuditLogGroupARN(accountID string) string {
	return c.Member(accountID, c.AuditRegion()).ARN("logs", "log-group:"+c.AuditLogGroupName())
}

// AuditLogStreamARN matches the streams that CloudTrail makes in the log group
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html).
func (c Config) AuditLogStreamARN(accountID string) string {
	return c.AuditLogGroupARN(accountID) + ":log-stream:" + accountID + "_CloudTrail_" + c.AuditRegion() + "*"
}

// AuditRoleARN is the ARN of the role by which CloudTrail writes into the log group.
func (c Config) AuditRoleARN(accountID string) string {
	if c.OwnAuditRoleARN != "" {
		return expand(c.OwnAuditRoleARN, accountID, c.AuditRegion())
	}
	return c.Member(accountID, c.AuditRegion()).IAMARN("role/" + c.AuditRoleName())
}

// AuditRoleName is the name of that role if the set makes it.
func (c Config) AuditRoleName() string { return c.Name + "-audit" }

// AuditSelector is a condition of the trail on its events: all of them have to hold.
// Of a list of values one has to hold, or none for NotEquals
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html).
type AuditSelector struct {
	Field                         string
	Equals, StartsWith, NotEquals []string
}

// AuditSelectors are what the trail records: writes of the objects of the set's
// buckets. Unless OwnWrites is on, the sessions in which the functions write are left
// out, and no others of the same roles: nobody else can open a session of these names
// (see the roles' trust policies), so that an operator who takes on a function's role
// is recorded.
func (c Config) AuditSelectors(accountID string) []AuditSelector {
	var objects, own []string
	for _, member := range c.Members(accountID) {
		objects = append(objects, member.BucketARN()+"/")
		own = append(own, SessionARN(member.RoleARN(), c.FunctionName()))
		if c.Reconcile != nil && c.Reconcile.Copy {
			own = append(own, SessionARN(member.RoleARN(), c.ReconcileSession()))
		}
	}
	selectors := []AuditSelector{
		{Field: "eventCategory", Equals: []string{"Data"}},
		{Field: "resources.type", Equals: []string{"AWS::S3::Object"}},
		{Field: "readOnly", Equals: []string{"false"}},
		{Field: "resources.ARN", StartsWith: objects},
	}
	if !c.AuditTrail.OwnWrites {
		slices.Sort(own) // one role for all Regions is one session
		selectors = append(selectors, AuditSelector{Field: "userIdentity.arn", NotEquals: slices.Compact(own)})
	}
	return selectors
}

// validateAuditTrail assumes that the Regions are valid.
func (c Config) validateAuditTrail() error {
	if c.AuditTrail == nil {
		return nil
	}
	if at := c.AuditTrail.StackRegion; at != "" {
		info, ok := lookUp(at)
		if !ok {
			return fmt.Errorf("auditTrail.region: %s is not an AWS Region; %s", excerpt([]byte(at)), hint(at))
		}
		if p := Partition(c.Regions[0]); info.partition != p {
			return fmt.Errorf("auditTrail.region: %s is in partition %s, and this set is in %s; name a Region of that",
				at, info.partition, p)
		}
	}
	if n, known := c.AuditTrail.RetentionDays, logRetentions(); n != 0 && !slices.Contains(known, n) {
		return fmt.Errorf("auditTrail.retentionDays: CloudWatch Logs does not keep events for %d days; use %s, or leave it out",
			n, alternatives(known))
	}
	return nil
}

// auditTrailWanted is what the field has to be, for messages.
const auditTrailWanted = `true, false or an object such as {"ownWrites": true, "retentionDays": 90}`

// auditTrailField reads the field: false is none, true is one with the defaults.
type auditTrailField struct{ into **AuditTrail }

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (f auditTrailField) UnmarshalJSON(raw []byte) error {
	var on bool
	if json.Unmarshal(raw, &on) == nil && string(raw) != "null" {
		if *f.into = nil; on {
			*f.into = &AuditTrail{}
		}
		return nil
	}
	var read AuditTrail
	err := readObject(raw, read.fields())
	*f.into = &read
	return err
}

// fields are the members of the object in JSON.
func (a *AuditTrail) fields() []configField {
	return []configField{
		{name: "ownWrites", into: &a.OwnWrites, want: "true or false"},
		{name: "region", into: &a.StackRegion, want: "a string"},
		{name: "retentionDays", into: (*positive)(&a.RetentionDays), want: positiveWanted},
	}
}
