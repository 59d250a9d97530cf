package infra

import (
	"encoding/json"
	"fmt"
	"strings"

	"s3fanout/internal/replicaset"
)

// What AWS takes of one role and one function. Of the policies white space does
// not count, and there is none
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). The
// length of a trust policy can be raised on request.
const (
	maxInlinePolicies = 10240 // characters, of all of a role's together
	maxTrustPolicy    = 2048  // characters
	maxEnvironment    = 4096  // bytes, as JSON
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
	maxBucketPolicy = 20 << 10 // bytes
)

// longest is what an account's ID and a key's that are not known yet stand for:
// both have one length.
const (
	anyAccount = "000000000000"
	anyKey     = "00000000-0000-0000-0000-000000000000"
)

// checkLimits reports the first part of a Region's stack that would be longer
// than AWS takes, which else only the deployment would say. The message is one
// line that begins with the field.
func checkLimits(set replicaset.Config) error {
	for _, region := range set.Regions {
		s := newSite(anyAccount, set, region)
		for _, part := range []struct {
			field, what  string
			length, most int
			unit         string
		}{
			{"regions", "inline policies of role " + s.RoleName(), s.policiesLength(), maxInlinePolicies, "characters"},
			{s.environmentField(), "environment of the function in " + region, lengthOf(s.environment()), maxEnvironment, "bytes"},
			{
				s.filtersField(), "environment of the function that compares in " + region,
				s.reconcileEnvironmentLength(), maxEnvironment, "bytes",
			},
			{"regions", "inline policies of role " + s.ReconcileRoleName(), s.comparePolicyLength(), maxInlinePolicies, "characters"},
			{s.bucketPolicyField(), "policy of the bucket in " + region, s.bucketPolicyLength(), maxBucketPolicy, "bytes"},
			{"operatorArns", "trust policy of role " + s.RoleName(), lengthOf(trustDocument(s.trust())), maxTrustPolicy, "characters"},
		} {
			if s.OwnRoles() && part.unit == "characters" {
				continue // policies of roles that others make
			}
			if part.length > part.most {
				return fmt.Errorf("%s.%s: they make the %s %d %s long, AWS allows %d; %s",
					replicaset.ContextKey, part.field, part.what, part.length, part.unit, part.most, s.shorter(part.field))
			}
		}
	}
	return nil
}

// policiesLength is that of all inline policies of the function's role.
func (s site) policiesLength() int {
	length := lengthOf(policyDocument(s.replicate(s.anyKey())...))
	if s.BatchOperations {
		length += lengthOf(policyDocument(s.passOn()...))
	}
	return length
}

// anyKey is the ARN of the Region's key, or of one as long; nil if there is none.
func (s site) anyKey() *string {
	arn := s.KMSKeyARNs[s.Region]
	switch {
	case s.MakesKeys():
		arn = s.ARN("kms", "key/"+anyKey)
	case !s.UsesKMS():
		return nil
	}
	return &arn
}

// comparePolicyLength is that of the inline policy of the role that compares, zero
// where there is none.
func (s site) comparePolicyLength() int {
	if s.Reconcile == nil {
		return 0
	}
	return lengthOf(policyDocument(s.compare(s.anyKey())...))
}

// reconcileEnvironmentLength is that of the environment of the function that
// compares, zero where there is none. It has the filters, which the replicator does
// not need.
func (s site) reconcileEnvironmentLength() int {
	if s.Reconcile == nil {
		return 0
	}
	return lengthOf(s.reconcileEnvironment())
}

// filtersField is the field that makes that environment longer than it would have
// to be.
func (s site) filtersField() string {
	shorter := s
	shorter.Exclude = nil
	if len(s.Exclude) > 0 && shorter.reconcileEnvironmentLength() <= maxEnvironment {
		return "exclude"
	}
	if len(s.Filters) > 0 {
		return "filters"
	}
	return "regions"
}

// environmentField is the field that makes the function's environment longer than
// it would have to be: what is excluded, or the filters, if it fits without.
func (s site) environmentField() string {
	for _, without := range []struct {
		field string
		leave func(*site)
	}{
		{"exclude", func(s *site) { s.Exclude = nil }},
		{"filters", func(s *site) { s.Filters = nil }},
	} {
		shorter := s
		without.leave(&shorter)
		if have, less := lengthOf(s.environment()), lengthOf(shorter.environment()); have > maxEnvironment && less <= maxEnvironment {
			return without.field
		}
	}
	return "regions"
}

func (s site) bucketPolicyLength() int {
	return lengthOf(policyDocument(s.bucketPolicy(s.BucketARN())...))
}

// bucketPolicyField is the field that makes the bucket's policy longer than it
// would have to be: of those who are named, the list that adds more.
func (s site) bucketPolicyField() string {
	unlisted, untrusting := s, s
	unlisted.DirectAccessARNs, untrusting.OperatorARNs = nil, nil
	whole, unlistedLength, untrustingLength := s.bucketPolicyLength(), unlisted.bucketPolicyLength(), untrusting.bucketPolicyLength()
	switch {
	case min(unlistedLength, untrustingLength) == whole:
		return "regions"
	case untrustingLength < unlistedLength:
		return "operatorArns"
	}
	return "directAccessArns"
}

// shorter says what helps.
func (s site) shorter(field string) string {
	switch field {
	case "operatorArns", "directAccessArns":
		return "list fewer, for instance one role that the others assume"
	case "exclude":
		return "exclude fewer prefixes and suffixes, or shorten them"
	case "filters":
		if s.Reconcile != nil && s.reconcileEnvironmentLength() > maxEnvironment {
			return "give fewer filters, shorten their prefixes and suffixes, or leave reconcile out"
		}
		return "give fewer filters a follow of their own, or shorten their prefixes and suffixes"
	}
	help := []string{"use fewer Regions"}
	if s.BatchOperations {
		help = append(help, "leave batchOperations out")
	}
	return strings.Join(append(help, "or choose a shorter name"), ", ")
}

func lengthOf(document any) int {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // documents are maps, lists and strings
	}
	return len(text)
}
