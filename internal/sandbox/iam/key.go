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
	toCaller, toAccount, identity := q.verdicts()
	switch {
	case denied(toCaller, toAccount):
		return q.deny(reasonResourceDeny)
	case denied(identity):
		return q.deny(reasonIdentityDeny)
	case allows(toCaller):
		return nil
	case !allows(toAccount):
		return q.deny(reasonKeyPolicy)
	case allows(identity), r.Caller.Role == nil: // the administrator needs no policy
		return nil
	}
	return q.deny(reasonNone)
}
