package replicaset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// configField is a field of the configuration as it is written in JSON.
type configField struct {
	name     string
	into     any    // where json.Unmarshal puts it
	want     string // what the value has to be, for messages
	fallback string // the default, as docs/configuration.md says it
}

// fields lists all fields, in the order of docs/configuration.md.
func (c *Config) fields() []configField {
	const text = "a string"
	none := Config{}
	return []configField{
		{"name", &c.Name, text, "required"},
		{"regions", &c.Regions, "a list of Region names", "required"},
		{"allowOptInRegions", &c.OptInRegions, "true or false", "`false`"},
		{"bucketNamespace", &c.BucketNamespace, text, code(GlobalNamespace)},
		{"buckets", (*stringMap)(&c.Buckets), "an object of Regions and bucket names", "new ones"},
		{"bucketKeyArns", (*stringMap)(&c.BucketKeyARNs), "an object of Regions and key ARNs", "none"},
		{"filters", (*filterList)(&c.Filters), `a list of {"prefix": …, "suffix": …}`, "every key"},
		{"exclude", (*exclusionList)(&c.Exclude), `a list of {"prefix": …, "suffix": …}`, "nothing"},
		{"follow", &c.Follow, followWanted, "nothing"},
		{"followSince", (*second)(&c.FollowSince), secondWanted, "always"},
		{"copiesByUsers", (*negated)(&c.NoUserCopies), "true or false", "`true`"},
		{"reconcile", &c.Reconcile, reconcileWanted, "off"},
		{"replicationTimeThreshold", (*minutes)(&c.ReplicationTimeThreshold), minutesWanted, Span(none.ReplicationTime())},
		{"replicationTimeEvents", &c.ReplicationTimeEvents, "true or false", "`false`"},
		{"multipartThresholdMiB", (*positive)(&c.MultipartThresholdMiB), positiveWanted, "256"},
		{"multipartParallel", (*positive)(&c.MultipartParallel), positiveWanted, "64"},
		{"replicaStorageClass", &c.ReplicaStorageClass, text, "`STANDARD`"},
		{"batchOperations", &c.BatchOperations, "true or false", "`false`"},
		{"functionMemoryMiB", (*positive)(&c.FunctionMemoryMiB), positiveWanted, strconv.Itoa(none.FunctionMemory())},
		{"functionArchitecture", &c.FunctionArchitecture, text, code(none.Architecture())},
		{
			"reservedConcurrency",
			(*positive)(&c.ReservedConcurrency),
			positiveWanted + ", because 0 would stop the function",
			"none reserved",
		},
		{"logRetentionDays", (*positive)(&c.LogRetentionDays), positiveWanted, strconv.Itoa(none.LogRetention())},
		{"tracing", &c.Tracing, "true or false", "`false`"},
		{"dashboard", (*negated)(&c.NoDashboard), "true or false", "`true`"},
		{"alarmEmail", &c.AlarmEmail, text, "nobody"},
		{"alarmTopicArn", &c.AlarmTopicARN, text, "none"},
		{"encryption", &c.Encryption, text, code(EncryptionS3)},
		{"kmsKeyArns", (*stringMap)(&c.KMSKeyARNs), "an object of Regions and key ARNs", "new ones"},
		{"accessLogBucket", &c.AccessLogBucket, text, "no access logs"},
		{"accessLogPrefix", &c.AccessLogPrefix, text, "the bucket's name and `/`"},
		{"removalPolicy", &c.RemovalPolicy, text, code(Retain)},
		{"permissionsBoundary", &c.PermissionsBoundary, text, "none"},
		{"roleArn", &c.FunctionRoleARN, text, "new ones"},
		{"adoptRoleArn", &c.AdoptRoleARN, text, "new ones"},
		{"jobRoleArn", &c.JobRoleARN, text, "new ones"},
		{"reconcileRoleArn", &c.ReconcileRoleARN, text, "new ones"},
		{"scheduleRoleArn", &c.ScheduleRoleARN, text, "new ones"},
		{"auditRoleArn", &c.OwnAuditRoleARN, text, "new ones"},
		{"roleIds", (*stringMap)(&c.RoleIDs), "an object of Regions and role IDs", "none"},
		{"operatorArns", &c.OperatorARNs, "a list of role and user ARNs", "the account"},
		{"accessPoint", &c.AccessPoint, accessPointWanted, "none"},
		{"access", &c.Access, text, code(AnyAccess)},
		{"directAccessArns", &c.DirectAccessARNs, "a list of role and user ARNs", "nobody"},
		{"vpcEndpoints", (*vpcEndpointMap)(&c.VPCEndpoints), vpcEndpointsWanted, "none"},
		{"auditTrail", &auditTrailField{&c.AuditTrail}, auditTrailWanted, "`false`"},
		{"tags", (*stringMap)(&c.Tags), "an object of strings", "none"},
	}
}

func code(s string) string { return "`" + s + "`" }

// unknownField says what to write instead of a field that does not exist.
func unknownField(name string, known []configField) string {
	best, near := 4, ""
	var names []string
	for _, f := range known {
		names = append(names, f.name)
		if d := distance(strings.ToLower(name), strings.ToLower(f.name)); d < best {
			best, near = d, f.name
		}
	}
	if near != "" {
		return "no such field; did you mean " + near + "?"
	}
	last := len(names) - 1
	return "no such field; known are " + strings.Join(names[:last], ", ") + " and " + names[last]
}

// saidError is the rest of a message that continues the name of a field, such
// as "[1].prefix: 7 is not a string".
type saidError struct{ rest string }

func (e saidError) Error() string { return e.rest }

// negated is a field that is true unless it is given, as the negation that is false
// unless it is given.
type negated bool

// UnmarshalJSON implements json.Unmarshaler.
func (n *negated) UnmarshalJSON(raw []byte) error {
	var yes *bool
	if err := json.Unmarshal(raw, &yes); err != nil || yes == nil {
		return errors.New("not a boolean")
	}
	*n = negated(!*yes)
	return nil
}

// positive is a number of a field whose zero means that it is not given.
type positive int

const positiveWanted = "a whole number from 1 on"

// UnmarshalJSON implements json.Unmarshaler.
func (p *positive) UnmarshalJSON(raw []byte) error {
	var n int
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	if n < 1 {
		return errors.New("not positive")
	}
	*p = positive(n)
	return nil
}

// second is a time in whole seconds.
type second time.Time

const secondWanted = `a time such as "2026-11-29T08:30:00Z"`

// UnmarshalJSON implements json.Unmarshaler.
func (s *second) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return errors.New("not a string")
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil || at.Unix() <= 0 {
		return errors.New("not a time")
	}
	*s = second(at.UTC().Truncate(time.Second))
	return nil
}

// stringMap is an object of strings that, unlike a plain map, refuses a member
// that is given twice.
type stringMap map[string]string

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (m *stringMap) UnmarshalJSON(raw []byte) error {
	members, err := object(raw)
	if err != nil {
		var twice saidError
		if errors.As(err, &twice) {
			return saidError{": " + twice.rest}
		}
		return err
	}
	values := make(stringMap, len(members))
	for _, member := range members {
		var v *string
		if json.Unmarshal(member.Value, &v) != nil || v == nil {
			return saidError{fmt.Sprintf(".%s: %s is not a string", excerpt([]byte(member.Name)), excerpt(member.Value))}
		}
		values[member.Name] = *v
	}
	*m = values
	return nil
}
