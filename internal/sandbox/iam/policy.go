package iam

import (
	"errors"
	"fmt"
	"strings"

	"s3fanout/internal/iampolicy"
)

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

// Answer is what most services say of it.
func (e *DeniedError) Answer() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because %s", e.Caller, e.Action, e.Resource, e.Reason)
}

// Answer is what most services say of an error of Authorize.
func Answer(err error) string {
	if d := (*DeniedError)(nil); errors.As(err, &d) {
		return d.Answer()
	}
	return err.Error()
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
	toCaller, toAccount, identity := q.verdicts()
	switch {
	case denied(toCaller, toAccount):
		return q.deny(reasonResourceDeny)
	case denied(identity):
		return q.deny(reasonIdentityDeny)
	case q.foreign():
		if (allows(identity) || r.Caller.Role == nil) && (allows(toCaller) || allows(toAccount)) {
			return nil
		}
		return q.deny(reasonForeign)
	case allows(identity), allows(toCaller):
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
// policies it is never optional
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, permissions).
func authorizeTrust(r Request) error { return authorizeNamed(r, reasonNoTrust, reasonNoIdentity) }

// verdicts are what the policies say: that of the resource to the caller and to
// its account, and those of the caller's role, if it has one.
func (q question) verdicts() (toCaller, toAccount, identity iampolicy.Says) {
	ask := iampolicy.Request{Action: q.Action, Resource: q.Resource, Context: q.context, Lists: q.lists, Whole: true}
	if q.Caller.Role != nil {
		for _, d := range q.Caller.Role.Policies() {
			identity = identity.And(d.policy.Says(ask))
		}
	}
	if q.ResourcePolicy == nil {
		return toCaller, toAccount, identity
	}
	ask.Principal = q.Caller.principal()
	toCaller = q.ResourcePolicy.policy.Says(ask)
	if q.Caller.Service == "" && q.Caller.AccountID != "" {
		ask.Principal = &iampolicy.Principal{Account: q.Caller.AccountID}
		toAccount = q.ResourcePolicy.policy.Says(ask)
	}
	return toCaller, toAccount, identity
}

// principal is the caller as statements name him.
func (c Caller) principal() *iampolicy.Principal {
	p := &iampolicy.Principal{Service: c.Service}
	if c.ARN != "" {
		p.ARNs = append(p.ARNs, c.ARN)
	}
	if c.Role != nil {
		p.ARNs = append(p.ARNs, c.Role.ARN)
	}
	return p
}

// What a policy perhaps allows, it does not allow here, and what it perhaps
// denies, it denies. ParseDocument refuses what would leave it open, but for a
// resource's * that would have to reach over a colon.
func allows(s iampolicy.Says) bool { return s.Answer() == iampolicy.Yes }

func denied(says ...iampolicy.Says) bool {
	for _, s := range says {
		if s.Denies != iampolicy.No {
			return true
		}
	}
	return false
}

// question is a request, prepared for matching.
type question struct {
	Request
	context map[string]string   // keys in lower case
	lists   map[string][]string // those with several values
}

func newQuestion(r Request) question {
	q := question{Request: r, context: map[string]string{}, lists: map[string][]string{}}
	several := severalValues()
	for k, v := range r.Context {
		if k = strings.ToLower(k); several[k] {
			q.lists[k] = strings.Split(v, ValueSeparator)
		} else {
			q.context[k] = v
		}
	}
	for k, v := range r.Caller.conditionKeys() {
		q.context[k] = v
	}
	if resource, is := iampolicy.ParseARN(r.Resource); is && q.ResourceAccount == "" {
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
