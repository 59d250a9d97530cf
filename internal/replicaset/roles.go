package replicaset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// OwnRoles reports whether the roles are not of the set's making: it then makes
// none at all.
func (c Config) OwnRoles() bool { return c.FunctionRoleARN != "" }

// AdoptRoleIn is the ARN of the role of the function that adopts region's bucket,
// and empty if the set makes one.
func (c Config) AdoptRoleIn(accountID, region string) string {
	return expand(c.AdoptRoleARN, accountID, region)
}

// roleFields are those that name roles, with when they are needed.
func (c Config) roleFields() []struct {
	name, pattern string
	needed        bool
	why           string
} {
	return []struct {
		name, pattern string
		needed        bool
		why           string
	}{
		{"roleArn", c.FunctionRoleARN, true, ""},
		{"adoptRoleArn", c.AdoptRoleARN, len(c.Buckets) > 0, "buckets"},
		{"jobRoleArn", c.JobRoleARN, c.BatchOperations, "batchOperations"},
		{"reconcileRoleArn", c.ReconcileRoleARN, c.Reconcile != nil, "reconcile"},
		{"scheduleRoleArn", c.ScheduleRoleARN, c.Reconcile != nil, "reconcile"},
		{"auditRoleArn", c.OwnAuditRoleARN, c.AuditTrail != nil, "auditTrail"},
	}
}

func (c Config) validateRoles() error {
	partition := Partition(c.Regions[0])
	valid := regexp.MustCompile("^arn:" + partition + `:iam::([0-9]{12}|\{account\}):role/([A-Za-z0-9_+=,.@-]+/)*([A-Za-z0-9_+=,.@-]+)$`)
	for _, f := range c.roleFields() {
		switch {
		case f.pattern == "" && c.OwnRoles() && f.needed:
			return fmt.Errorf("%s: with roleArn the roles are yours, and %s needs one more; name it, or leave %s out",
				f.name, f.why, f.why)
		case f.pattern == "":
			continue
		case !c.OwnRoles():
			return fmt.Errorf("%s: roleArn is missing; name your role of the functions too, or leave %s out to have all roles made",
				f.name, f.name)
		case !f.needed:
			return fmt.Errorf("%s: nothing needs it without %s; leave it out", f.name, f.why)
		}
		// As IAM sees it, for each Region.
		for _, region := range c.Regions {
			m := valid.FindStringSubmatch(strings.ReplaceAll(f.pattern, regionPart, region))
			if m == nil {
				return fmt.Errorf("%s: %q is not the ARN of a role; use one such as arn:%s:iam::{account}:role/replicator-{region}",
					f.name, f.pattern, partition)
			}
			if name := m[3]; len(name) > maxRoleName {
				return fmt.Errorf("%s: it makes a name of %d characters in %s, %d are allowed; use a shorter one",
					f.name, len(name), region, maxRoleName)
			}
		}
	}
	if c.OwnRoles() && c.PermissionsBoundary != "" {
		return fmt.Errorf("permissionsBoundary: it limits roles that the set makes, and with roleArn they are yours; leave it out")
	}
	return c.validateRoleIDs()
}

// roleID is what IAM calls a role for good: an event names its session by it.
var roleID = regexp.MustCompile(`^AROA[A-Z0-9]{12,124}$`)

func (c Config) validateRoleIDs() error {
	if c.RoleIDs == nil {
		return nil
	}
	if !c.OwnRoles() {
		return fmt.Errorf("roleIds: roleArn is missing, and the set knows the roles that it makes; leave roleIds out")
	}
	for _, region := range c.Regions {
		id, ok := c.RoleIDs[region]
		if !ok {
			return fmt.Errorf("roleIds: %s has none; give the ID of each Region's role, or leave roleIds out", region)
		}
		if !roleID.MatchString(id) {
			return fmt.Errorf(
				"roleIds.%s: %s is not the ID of a role, which begins with AROA; "+
					"ask for it: aws iam get-role --role-name %s --query Role.RoleId",
				region,
				excerpt([]byte(id)),
				c.Member(anyAccount, region).RoleName(),
			)
		}
		if shared := !strings.Contains(c.FunctionRoleARN, regionPart); shared != (id == c.RoleIDs[c.Regions[0]]) && region != c.Regions[0] {
			if shared {
				return fmt.Errorf("roleIds.%s: it differs from that of %s, but roleArn names one role for both; ask IAM for its ID",
					region, c.Regions[0])
			}
			return fmt.Errorf("roleIds.%s: it is that of %s, but roleArn names a role for each Region; ask IAM for its ID",
				region, c.Regions[0])
		}
	}
	for _, region := range slices.Sorted(maps.Keys(c.RoleIDs)) {
		if !c.Contains(region) {
			return fmt.Errorf("roleIds.%s: it is not one of regions; remove it", excerpt([]byte(region)))
		}
	}
	return nil
}
