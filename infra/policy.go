package infra

// statement is a statement of an IAM policy document, in the spelling of the
// policy grammar. Policies are written out rather than derived from grants, so
// that a template holds exactly the actions that the source shows.
type statement struct {
	sid       string
	deny      bool
	principal any // nil in a role's policy
	actions   []string
	resources []string
	condition map[string]any
}

func policyDocument(statements ...statement) map[string]any {
	list := make([]any, len(statements))
	for i, s := range statements {
		list[i] = s.document()
	}
	return map[string]any{"Version": "2012-10-17", "Statement": list}
}

func (s statement) document() map[string]any {
	doc := map[string]any{
		"Sid":      s.sid,
		"Effect":   "Allow",
		"Action":   oneOrMany(s.actions),
		"Resource": oneOrMany(s.resources),
	}
	if s.deny {
		doc["Effect"] = "Deny"
	}
	if s.principal != nil {
		doc["Principal"] = s.principal
	}
	if s.condition != nil {
		doc["Condition"] = s.condition
	}
	return doc
}

// oneOrMany writes a list of one as the element, as IAM itself stores it.
func oneOrMany(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// service is the principal of an AWS service.
func service(name string) map[string]any {
	return map[string]any{"Service": name}
}

// tlsOnly denies everybody the actions on the resources without TLS.
func tlsOnly(action string, resources ...string) statement {
	return statement{
		sid:       "TLSOnly",
		deny:      true,
		principal: "*",
		actions:   []string{action},
		resources: resources,
		condition: map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	}
}
