package iam

import "strings"

// Request is one question to the policies.
type Request struct {
	Caller         Caller
	Action         string    // as "s3:PutObject"
	Resource       string    // ARN
	ResourcePolicy *Document // nil: the resource has none
	// ResourceAccount is the account that the resource belongs to, the one in its
	// ARN if empty. A bucket's ARN has none.
	ResourceAccount string
	Context         map[string]string // further condition keys, as "aws:SecureTransport"; in any case
}

// DeniedError is the answer to a request that is not allowed.
type DeniedError struct {
	Caller   string
	Action   string
	Resource string
	Reason   string // "explicit deny in the resource policy", "no policy allows it", …
}

func (e *DeniedError) Error() string {
	return e.Caller + " is not authorized to perform " + e.Action + " on " + e.Resource + ": " + e.Reason
}

// The reasons of a DeniedError.
const (
	reasonResourceDeny = "explicit deny in the resource policy"
	reasonIdentityDeny = "explicit deny in an identity-based policy"
	reasonNoResource   = "no resource policy allows it"
	reasonNone         = "no policy allows it"
	reasonNoTrust      = "no trust policy allows it"
	reasonIdentityKept = "the source identity of a session cannot be changed"
	reasonNoIdentity   = "no identity-based policy allows it"
	reasonForeign      = "the resource is another account's, and not both accounts' policies allow it"
)

// Authorize decides a request: nil, or a *DeniedError that says why not.
//
// It follows the evaluation of policies
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html):
// a Deny that applies wins. Then the administrator may do everything, a service
// what the resource policy allows, and a role's session what one of the
// role's policies allows, or the resource policy to "*", to the role or to
// the session. A resource policy that names the account leaves the decision
// to the role's own policies: it denies for everyone in the account, but
// allows nothing by itself. A resource of another account takes both: an Allow
// of the caller's own policies, and one of the resource policy, to the caller
// or to its account.
func Authorize(r Request) error {
	q := newQuestion(r)
	toCaller, toAccount := r.ResourcePolicy.decide(q, principalDirect), r.ResourcePolicy.decide(q, principalAccount)
	identity := r.Caller.identityVerdict(q)
	switch {
	case toCaller == denied || toAccount == denied:
		return q.deny(reasonResourceDeny)
	case identity == denied:
		return q.deny(reasonIdentityDeny)
	case q.foreign():
		if (identity == allowed || r.Caller.Role == nil) && (toCaller == allowed || toAccount == allowed) {
			return nil
		}
		return q.deny(reasonForeign)
	case identity == allowed, toCaller == allowed:
		return nil
	case r.Caller.Service != "":
		return q.deny(reasonNoResource)
	case r.Caller.ARN != "" && r.Caller.Role == nil:
		return nil // the administrator
	}
	return q.deny(reasonNone)
}

// authorizeTrust decides whether a role's trust policy, the request's
// ResourcePolicy, lets the caller assume the role. Unlike other resource
// policies it is never optional: it names the caller, which is enough, or the
// caller's account, and then the caller's own policies have to allow it too
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, permissions).
func authorizeTrust(r Request) error {
	q := newQuestion(r)
	toCaller, toAccount := r.ResourcePolicy.decide(q, principalDirect), r.ResourcePolicy.decide(q, principalAccount)
	identity := r.Caller.identityVerdict(q)
	switch {
	case toCaller == denied || toAccount == denied:
		return q.deny(reasonResourceDeny)
	case identity == denied:
		return q.deny(reasonIdentityDeny)
	case toCaller == allowed:
		return nil
	case toAccount != allowed:
		return q.deny(reasonNoTrust)
	case identity == allowed, r.Caller.Role == nil: // the administrator needs no policy
		return nil
	}
	return q.deny(reasonNoIdentity)
}

// identityVerdict asks the policies of the caller's role, if it has one.
func (c Caller) identityVerdict(q question) verdict {
	result := silent
	if c.Role != nil {
		for _, d := range c.Role.Policies() {
			result = max(result, d.decide(q, principalNone))
		}
	}
	return result
}

// verdict is what one policy says; the greater one wins.
type verdict int

const (
	silent verdict = iota
	allowed
	denied
)

// question is a request, prepared for matching.
type question struct {
	Request
	action  string // lower case
	context map[string]string
}

func newQuestion(r Request) question {
	q := question{Request: r, action: strings.ToLower(r.Action), context: map[string]string{}}
	for k, v := range r.Context {
		q.context[strings.ToLower(k)] = v
	}
	for k, v := range r.Caller.conditionKeys() {
		q.context[k] = v
	}
	if resource, is := parseARN(r.Resource); is && q.ResourceAccount == "" {
		q.ResourceAccount = resource.AccountID
	}
	if q.ResourceAccount != "" {
		q.context["aws:resourceaccount"] = q.ResourceAccount
	}
	return q
}

// foreign says whether an identity asks for a resource of another account.
func (q question) foreign() bool {
	return q.Caller.AccountID != "" && q.ResourceAccount != "" && q.ResourceAccount != q.Caller.AccountID
}

// conditionKeys gives the global condition keys that follow from who calls.
// A key that would be empty is absent, as in AWS.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html)
func (c Caller) conditionKeys() map[string]string {
	keys := map[string]string{"aws:principalisawsservice": "false"}
	if c.Service != "" {
		keys["aws:principalisawsservice"] = "true"
		keys["aws:principalservicename"] = c.Service
		keys["aws:sourcearn"] = c.SourceARN
		keys["aws:sourceaccount"] = c.SourceAccount
	} else {
		keys["aws:principalarn"] = c.ARN
		if c.Role != nil {
			keys["aws:principalarn"] = c.Role.ARN // the role's, not the session's
		}
		keys["aws:principalaccount"] = c.AccountID
		keys["aws:userid"] = c.PrincipalID
		keys["aws:sourceidentity"] = c.SourceIdentity
	}
	for k, v := range keys {
		if v == "" {
			delete(keys, k)
		}
	}
	return keys
}

func (q question) deny(reason string) error {
	return &DeniedError{Caller: q.Caller.String(), Action: q.Action, Resource: q.Resource, Reason: reason}
}

// decide asks one document. Statements count if their principal matches the
// caller in the given way.
func (d *Document) decide(q question, how principalMatch) verdict {
	result := silent
	if d == nil {
		return result
	}
	for _, s := range d.statements {
		if s.principal.match(q.Caller)&how == 0 || !s.matches(q) {
			continue
		}
		if !s.allow {
			return denied
		}
		result = allowed
	}
	return result
}

func (s statement) matches(q question) bool {
	return anyOf(s.actions, func(p string) bool { return wildcard(p, q.action) }) &&
		s.matchesResource(q) && s.condition.holds(q.context)
}

func (s statement) matchesResource(q question) bool {
	if s.resources == nil { // a trust policy: the resource is the role that it belongs to
		return strings.HasPrefix(q.action, "sts:assumerole") || q.action == "sts:setsourceidentity" || q.action == "sts:tagsession"
	}
	return anyOf(s.resources, func(p string) bool { return p == "*" || matchARN(p, q.Resource) })
}

func anyOf(patterns []string, match func(string) bool) bool {
	for _, p := range patterns {
		if match(p) {
			return true
		}
	}
	return false
}
