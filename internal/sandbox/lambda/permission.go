package lambda

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// PermissionConfig is a statement of a function's resource policy.
type PermissionConfig struct {
	StatementID   string
	Action        string // lambda:InvokeFunction
	Principal     string // a service principal, an account id, or an IAM ARN
	SourceARN     string // aws:SourceArn, "*" and "?" allowed; or empty
	SourceAccount string // aws:SourceAccount; or empty
}

// statement is a policy statement in the form that GetPolicy shows.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// AddPermission adds a statement to a function's resource policy. A statement
// id that the policy already has is an error (ResourceConflictException).
func (s *Service) AddPermission(functionARN string, p PermissionConfig) error {
	if err := s.addPermission(functionARN, p); err != nil {
		return fmt.Errorf("add permission %s to %s: %w", p.StatementID, functionARN, err)
	}
	return nil
}

func (s *Service) addPermission(functionARN string, p PermissionConfig) error {
	f, err := s.function(functionARN)
	if err != nil {
		return err
	}
	st, err := p.statement(f.arn, s.cfg.Partition)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.statements, func(have statement) bool { return have.Sid == p.StatementID }) {
		return &Error{
			Status: 409, Code: "ResourceConflictException",
			Message: fmt.Sprintf(
				"The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.",
				p.StatementID,
			),
		}
	}
	return f.setStatements(append(slices.Clone(f.statements), st))
}

// setStatements replaces the resource policy; without statements there is none.
// f.mu is held.
func (f *function) setStatements(statements []statement) error {
	if len(statements) == 0 {
		f.statements, f.policy = nil, nil
		return nil
	}
	raw, err := policyJSON(statements)
	if err != nil {
		return err
	}
	policy, err := iam.ParseDocument(raw)
	if err != nil {
		return err
	}
	f.statements, f.policy = statements, policy
	return nil
}

func (p PermissionConfig) statement(functionARN, partition string) (statement, error) {
	switch {
	case !regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`).MatchString(p.StatementID):
		return statement{}, invalid("StatementId %q is not 1 to 100 letters, digits, hyphens and underscores", p.StatementID)
	case p.Action != "lambda:InvokeFunction":
		return statement{}, invalid("Action %q is not one that the sandbox's Lambda has: lambda:InvokeFunction", p.Action)
	case p.Principal == "":
		return statement{}, invalid("Principal is empty")
	}
	st := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: functionARN, Condition: map[string]map[string]string{}}
	switch {
	case p.Principal == "*":
		st.Principal = "*"
	case regexp.MustCompile(`^\d{12}$`).MatchString(p.Principal):
		st.Principal = map[string]string{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", partition, p.Principal)}
	case strings.HasPrefix(p.Principal, "arn:"):
		st.Principal = map[string]string{"AWS": p.Principal}
	case strings.Contains(p.Principal, ".amazonaws.com"):
		st.Principal = map[string]string{"Service": p.Principal}
	default:
		return statement{}, invalid("The provided principal was invalid. Please check the principal and try again: %q", p.Principal)
	}
	if p.SourceARN != "" {
		st.Condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if p.SourceAccount != "" {
		st.Condition["StringEquals"] = map[string]string{"AWS:SourceAccount": p.SourceAccount}
	}
	return st, nil
}

// policyJSON writes a function's resource policy as GetPolicy shows it.
func policyJSON(statements []statement) ([]byte, error) {
	return json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2012-10-17", "default", statements})
}
