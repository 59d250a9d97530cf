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
func AuthorizeKey(r Request) error { return authorizeNamed(r, reasonKeyPolicy, reasonNone) }

// authorizeNamed decides a request to a resource whose policy has to name the caller, which
// is enough, or the caller's account, and then the caller's own policies have to allow it
// too. unnamed is why not if it names neither, noIdentity if those policies do not.
func authorizeNamed(r Request, unnamed, noIdentity string) error {
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
		return q.deny(unnamed)
	case allows(identity), r.Caller.Role == nil: // the administrator needs no policy
		return nil
	}
	return q.deny(noIdentity)
}
