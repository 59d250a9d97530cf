package health

import (
	"fmt"
	"strings"

	"s3fanout/internal/iampolicy"
)

func (c *checker) roleContext() roleContext {
	return newRoleContext(c.facts.Set, c.here(), c.keys)
}

func (c *checker) role() {
	p := c.roleContext()
	const lambda, jobs = "lambda.amazonaws.com", "batchoperations.s3.amazonaws.com"
	roleChecks{
		role: checkRole, trust: checkTrust, actions: checkActions, name: p.RoleName(), arn: p.RoleARN(),
		service: lambda, source: p.FunctionARN(), needs: p.functionGrants(),
	}.check(c, c.region.Role)
	if c.region.Role.State == Found {
		c.operators(c.region.Role.Value.Trust)
	}
	if !c.facts.Set.BatchOperations {
		return
	}
	roleChecks{
		role: checkJobRole, trust: checkJobTrust, actions: checkJobActions, name: p.JobRoleName(), arn: p.JobRoleARN(),
		service: jobs, source: p.ARN("s3", "job/*"), needs: p.jobGrants(),
	}.check(c, c.region.JobRole)
}

// roleChecks are what is asked of a role, and under which checks.
type roleChecks struct {
	role, trust, actions string // IDs
	name, arn            string
	service, source      string // who takes on the role, and for what
	needs                []grant
	keyless              bool // it needs no KMS key
}

func (r roleChecks) check(c *checker, look Look[Role]) {
	if !exists(c, r.role, look, "role "+r.name) {
		return
	}
	role := look.Value
	c.ask(r.trust, role.Trust, subject{"sts:AssumeRole", "role " + r.name, "aws iam get-role --role-name " + r.name},
		c.byService(r.service, r.source, "sts:AssumeRole", ""))
	if role.Boundary != "" {
		c.find(checkBoundary, "role %s has the permissions boundary %s", r.name, role.Boundary)
	}
	// What is attached to a role of somebody else's is how it is made.
	if answered(c, checkAttached, role.Attached) && len(role.Attached.Value) > 0 && !c.facts.Set.OwnRoles() {
		c.find(checkAttached, "role %s has other policies attached: %s", r.name, strings.Join(role.Attached.Value, ", "))
	}
	if !answered(c, r.actions, role.Policies) {
		return
	}
	if !r.keyless && c.facts.Set.UsesKMS() && c.keys[c.region.Name] == "" {
		c.unknown(r.actions, "see what doctor says of the encryption of bucket, topic and queue; then "+askAgain,
			"role %s may use the Region's key: neither bucket nor topic nor queue names the key", r.name)
	}
	r.permissions(c, role)
}

// permissions checks that the role's inline policies grant what it needs. All
// that they do not is one finding, since it has one fix.
func (r roleChecks) permissions(c *checker, role Role) {
	// IAM's simulator reads all policies of a role, and knows all conditions.
	simulate := "ask IAM for each of them: aws iam simulate-principal-policy --policy-source-arn " + r.arn +
		" --action-names ACTION --resource-arns RESOURCE"
	policies, err := iampolicy.ParseAll(role.Policies.Value)
	if err != nil {
		c.unknown(r.actions, "read its policies: aws iam list-role-policies --role-name "+r.name+", and get-role-policy for each",
			"role %s has the permissions it needs: %v", r.name, err)
		return
	}
	var lacks, unclear []string
	for _, g := range r.needs {
		subject := fmt.Sprintf("%s on %s (without it, %s)", g.action, g.resource, g.why)
		switch g.in(policies, c.facts.Account) {
		case iampolicy.No:
			lacks = append(lacks, subject)
		case iampolicy.Perhaps:
			unclear = append(unclear, subject)
		case iampolicy.Yes:
		}
	}
	if len(unclear) > 0 {
		c.unknown(r.actions, simulate, "role %s may do this: its policies have conditions that doctor does not understand: %s",
			r.name, strings.Join(unclear, "; "))
	}
	list := strings.Join(lacks, "; ")
	switch {
	case len(lacks) == 0:
	case role.Attached.State == Unanswered:
		c.unknown(
			r.actions, role.Attached.Next,
			"role %s may do this: its own policies do not allow it, and the attached policies could not be listed: %s",
			r.name, list,
		)
	case len(role.Attached.Value) > 0:
		c.unknown(
			r.actions, simulate,
			"role %s may do this: its own policies do not allow it, and doctor does not read the attached ones: %s",
			r.name, list,
		)
	default:
		c.find(r.actions, "role %s may not %s", r.name, list)
	}
}
