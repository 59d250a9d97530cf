package replicaset

import (
	"fmt"
	"slices"
)

// Values of Access.
const (
	AnyAccess       = "any"
	AccessPointOnly = "access-point-only"
)

// OnlyByAccessPoint reports whether objects are reached through access points
// alone, except by those that DirectAccess names.
func (c Config) OnlyByAccessPoint() bool { return c.Access == AccessPointOnly }

// DirectAccess are the ARNs of the roles and users that reach the objects of every
// bucket without an access point: the roles of the functions and jobs, the
// operators, and those that the configuration names. In order, each once.
func (c Config) DirectAccess(accountID string) []string {
	arns, _ := c.Operators(accountID)
	for _, pattern := range c.DirectAccessARNs {
		arns = append(arns, expand(pattern, accountID, ""))
	}
	for _, member := range c.Members(accountID) {
		arns = append(arns, member.RoleARN())
		if c.BatchOperations {
			arns = append(arns, member.JobRoleARN())
		}
		if c.Reconcile != nil {
			arns = append(arns, member.ReconcileRoleARN())
		}
	}
	slices.Sort(arns)
	return slices.Compact(arns)
}

// validateAccess assumes that the Regions, the buckets, the operators and the
// access points are valid.
func (c Config) validateAccess() error {
	switch c.Access {
	case "", AnyAccess:
		if c.DirectAccessARNs != nil {
			return fmt.Errorf(
				"directAccessArns: everybody may reach the buckets directly; set access to %q, or leave it out",
				AccessPointOnly,
			)
		}
		return nil
	case AccessPointOnly:
	default:
		return fmt.Errorf("access: %s is not known; use %q or %q", excerpt([]byte(c.Access)), AnyAccess, AccessPointOnly)
	}
	if c.AccessPoint == nil {
		return fmt.Errorf("access: %s needs an access point; set accessPoint as well", AccessPointOnly)
	}
	for _, region := range c.Regions {
		if c.Adopts(region) {
			return fmt.Errorf("access: %s changes the buckets' policies, and that of %s is its owner's; leave access out, "+
				"and put the statement of docs/one-endpoint.md into its policy", AccessPointOnly, c.Buckets[region])
		}
		if !slices.ContainsFunc(c.AccessPoints(), func(p Point) bool { return slices.Contains(p.Regions, region) }) {
			return fmt.Errorf("access: nobody could reach the bucket in %s, which no access point has; "+
				"add it to accessPoint.points, or leave access out", region)
		}
	}
	if err := checkIdentities("directAccessArns", Partition(c.Regions[0]), c.DirectAccessARNs); err != nil {
		return err
	}
	if c.OperatorARNs == nil && c.DirectAccessARNs == nil {
		return fmt.Errorf("access: with %s only those who are named can use the commands on objects; "+
			"name who runs them in operatorArns or directAccessArns, or set directAccessArns to [] for nobody", AccessPointOnly)
	}
	return nil
}
