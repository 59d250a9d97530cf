package sandbox

import (
	"bytes"
	"slices"

	"s3fanout/internal/sandbox/template"
)

// drift is how a resource differs from what the templates made of it, because
// somebody used the services' own interfaces.
type drift struct {
	gone       bool
	properties []string // those that differ, of one that is there
}

// driftOf finds what was changed by hand. A type without a way to find that
// cannot be changed by hand here.
func (d *deployment) driftOf(k kind, t target, old resource) (drift, error) {
	if k.drift == nil {
		return drift{}, nil
	}
	return k.drift(d, t, old)
}

func permissionDrift(d *deployment, t target, old resource) (drift, error) {
	var p permissionProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return drift{}, err
	}
	exists, err := d.lambda.HasPermission(d.functionARN(t, p.FunctionName), old.created.Ref)
	return drift{gone: !exists}, err
}

func functionDrift(d *deployment, _ target, old resource) (drift, error) {
	var p functionProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return drift{}, err
	}
	reserved, err := d.lambda.ReservedConcurrency(old.created.Attributes["Arn"])
	if want := p.ReservedConcurrentExecutions; err != nil || reserved == want || reserved != nil && want != nil && *reserved == *want {
		return drift{}, err
	}
	return drift{properties: []string{"ReservedConcurrentExecutions"}}, nil
}

func subscriptionDrift(d *deployment, _ target, old resource) (drift, error) {
	if old.created.Ref == unconfirmed {
		return drift{}, nil
	}
	want, err := readSubscription(old.properties)
	if err != nil {
		return drift{}, err
	}
	have, ok := d.sns.Subscription(old.created.Ref)
	if !ok {
		return drift{gone: true}, nil
	}
	var changed []string
	for name, same := range map[string]bool{
		"FilterPolicy":      string(have.FilterPolicy) == string(want.FilterPolicy),
		"FilterPolicyScope": want.FilterPolicyScope == "" || have.FilterPolicyScope == want.FilterPolicyScope,
		"RedrivePolicy":     string(have.RedrivePolicy) == string(want.RedrivePolicy),
	} {
		if !same {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return drift{properties: changed}, nil
}

func bucketDrift(d *deployment, t target, old resource) (drift, error) {
	var p bucketProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return drift{}, err
	}
	want, err := p.notifications()
	if err != nil {
		return drift{}, err
	}
	if !d.s3.HasBucket(old.created.Ref) {
		return drift{gone: true}, nil
	}
	encryption, err := p.encryption(d, t)
	if err != nil {
		return drift{}, err
	}
	var changed []string
	if d.s3.Encryption(old.created.Ref) != encryption {
		changed = append(changed, "BucketEncryption")
	}
	if !d.s3.Notifies(old.created.Ref, want) {
		changed = append(changed, "NotificationConfiguration")
	}
	if v := p.VersioningConfiguration; v != nil && v.Status == "Enabled" && !d.s3.Versions(old.created.Ref) {
		changed = append(changed, "VersioningConfiguration")
	}
	return drift{properties: changed}, nil
}

// bucketPolicyDrift finds a policy that is gone, also with its bucket, or is
// another one.
func bucketPolicyDrift(d *deployment, _ target, old resource) (drift, error) {
	var p bucketPolicyProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return drift{}, err
	}
	switch have := d.s3.Policy(p.Bucket); {
	case have == nil:
		return drift{gone: true}, nil
	case !bytes.Equal(have, p.PolicyDocument):
		return drift{properties: []string{"PolicyDocument"}}, nil
	}
	return drift{}, nil
}
