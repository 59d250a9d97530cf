package iam

// ValueSeparator separates the values of a condition key that has several, in
// a Request's Context.
const ValueSeparator = "\x00"

const reasonKeyPolicy = "no key policy allows it"

// AuthorizeKey decides a request to a KMS key: nil, or a *DeniedError that says
// why not. Unlike with other resources, nobody may do anything unless the
// key's policy says so: it names the caller, or it names the account and so
// leaves it to identity-based policies
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
func AuthorizeKey(r Request) error {
	q := newQuestion(r)
	toCaller, toAccount := r.ResourcePolicy.decide(q, principalDirect), r.ResourcePolicy.decide(q, principalAccount)
	identity := silent
	if r.Caller.Role != nil {
		for _, d := range r.Caller.Role.Policies() {
			identity = max(identity, d.decide(q, principalNone))
		}
	}
	switch {
	case toCaller == denied || toAccount == denied:
		return q.deny(reasonResourceDeny)
	case identity == denied:
		return q.deny(reasonIdentityDeny)
	case toCaller == allowed:
		return nil
	case toAccount != allowed:
		return q.deny(reasonKeyPolicy)
	case identity == allowed, r.Caller.Role == nil: // the administrator needs no policy
		return nil
	}
	return q.deny(reasonNone)
}
