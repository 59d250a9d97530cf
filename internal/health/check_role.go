package health

import (
	"fmt"
	"strings"
)

func (c *checker) place() place {
	return place{c.facts.Set, c.facts.Partition, c.facts.Account, c.region.Name, c.keys}
}

func (c *checker) role() {
	p := c.place()
	const lambda, jobs = "lambda.amazonaws.com", "batchoperations.s3.amazonaws.com"
	roleChecks{
		role: checkRole, trust: checkTrust, actions: checkActions, name: c.facts.Set.RoleName(c.region.Name),
		service: lambda, source: c.functionARN(c.region.Name), needs: p.functionGrants(),
	}.check(c, c.region.Role)
	if !c.facts.Set.BatchOperations {
		return
	}
	roleChecks{
		role: checkJobRole, trust: checkJobTrust, actions: checkJobActions, name: c.facts.Set.JobRoleName(c.region.Name),
		service: jobs, source: "arn:" + p.partition + ":s3:" + p.region + ":" + p.account + ":job/*", needs: p.jobGrants(),
	}.check(c, c.region.JobRole)
}

// roleChecks are what is asked of a role, and under which checks.
type roleChecks struct {
	role, trust, actions string // IDs
	name                 string
	service, source      string // who takes on the role, and for what
	needs                []grant
}

func (r roleChecks) check(c *checker, look Look[Role]) {
	if !there(c, r.role, look, "role "+r.name) {
		return
	}
	role := look.Value
	c.ask(r.trust, role.Trust, "sts:AssumeRole on role "+r.name, request{
		service: r.service, action: "sts:AssumeRole", context: c.byService(r.service, r.source),
	})
	if role.Boundary != "" {
		c.find(checkBoundary, "role %s has the permissions boundary %s", r.name, role.Boundary)
	}
	if told(c, checkAttached, role.Attached) && len(role.Attached.Value) > 0 {
		c.find(checkAttached, "role %s has other policies attached: %s", r.name, strings.Join(role.Attached.Value, ", "))
	}
	if !told(c, r.actions, role.Policies) {
		return
	}
	if c.facts.Set.UsesKMS() && c.keys[c.region.Name] == "" {
		c.untold(r.actions, "whether role %s may use the Region's key: neither bucket nor topic nor queue tells which one it is", r.name)
	}
	r.permissions(c, role)
}

// permissions checks that the role's inline policies grant what it needs. All
// that they do not is one finding, since it is mended at once.
func (r roleChecks) permissions(c *checker, role Role) {
	var lacks, unclear []string
	for _, g := range r.needs {
		subject := fmt.Sprintf("%s on %s (without it, %s)", g.action, g.resource, g.why)
		switch answer, err := role.allows(g); {
		case err != nil:
			c.untold(r.actions, "role %s: %v", r.name, err)
			return
		case answer == no:
			lacks = append(lacks, subject)
		case answer == perhaps:
			unclear = append(unclear, subject)
		}
	}
	if len(unclear) > 0 {
		c.untold(r.actions, "role %s may do this only under conditions that are not understood here: %s", r.name, strings.Join(unclear, "; "))
	}
	list := strings.Join(lacks, "; ")
	switch {
	case len(lacks) == 0:
	case role.Attached.State == Untold:
		c.untold(r.actions, "role %s may not do this by its own policies, and what else is attached to it was not told: %s", r.name, list)
	case len(role.Attached.Value) > 0:
		c.untold(r.actions, "role %s may not do this by its own policies, and those attached to it are not read here: %s", r.name, list)
	default:
		c.find(r.actions, "role %s may not %s", r.name, list)
	}
}
