package iam

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"s3fanout/internal/strictjson"
)

// principalMatch says in which ways a statement's principal can mean a caller.
type principalMatch int

const (
	principalNone    principalMatch = 1 << iota // an identity-based policy: there is no principal
	principalDirect                             // everyone, the role, the session, the user or the service
	principalAccount                            // the account, which leaves it to identity-based policies
)

// principal is a statement's Principal element; the zero value is none.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)
type principal struct {
	everyone bool
	accounts []string
	arns     []string
	services []string
}

func (p principal) isNone() bool {
	return !p.everyone && p.accounts == nil && p.arns == nil && p.services == nil
}

func (p principal) match(c Caller) principalMatch {
	if p.isNone() {
		return principalNone
	}
	is := func(want string) func(string) bool {
		return func(s string) bool { return want != "" && s == want }
	}
	var m principalMatch
	if p.everyone || anyOf(p.arns, is(c.ARN)) || anyOf(p.services, is(c.Service)) {
		m |= principalDirect
	}
	if c.Role != nil && anyOf(p.arns, is(c.Role.ARN)) {
		m |= principalDirect
	}
	if c.Service == "" && anyOf(p.accounts, is(c.AccountID)) {
		m |= principalAccount
	}
	return m
}

// The forms of a principal. Role and user names may have a path.
var (
	accountID        = regexp.MustCompile(`^[0-9]{12}$`)
	rootARN          = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):root$`)
	identityARN      = regexp.MustCompile(`^arn:aws[a-z-]*:(iam::[0-9]{12}:(role|user)/|sts::[0-9]{12}:assumed-role/[^/]+/)[^*?]+$`)
	servicePrincipal = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)
)

func parsePrincipal(raw json.RawMessage) (principal, error) {
	if s, ok := strictjson.Text(raw); ok {
		if s != "*" {
			return principal{}, fmt.Errorf(`%q is not a principal; use "*" or an object as {"Service": …}`, s)
		}
		return principal{everyone: true}, nil
	}
	members, err := strictjson.Members(raw)
	if err != nil {
		return principal{}, err
	}
	if len(members) == 0 {
		return principal{}, fmt.Errorf("names nobody")
	}
	var p principal
	for _, m := range members {
		values, err := textList(m.Value)
		if err != nil {
			return principal{}, fmt.Errorf("%s: %w", m.Name, err)
		}
		for _, v := range values {
			if err := p.add(m.Name, v); err != nil {
				return principal{}, err
			}
		}
	}
	return p, nil
}

func (p *principal) add(kind, value string) error {
	switch kind {
	case "AWS":
		root := rootARN.FindStringSubmatch(value)
		switch {
		case value == "*":
			p.everyone = true
		case accountID.MatchString(value):
			p.accounts = append(p.accounts, value)
		case root != nil:
			p.accounts = append(p.accounts, root[1])
		case identityARN.MatchString(value):
			p.arns = append(p.arns, value)
		default:
			return fmt.Errorf("AWS: %q is not *, an account id, or the whole ARN of an account's root, a role, a user or a role session", value)
		}
	case "Service":
		if !servicePrincipal.MatchString(value) {
			return fmt.Errorf("%s: %q is not a service principal, as sns.amazonaws.com", kind, value)
		}
		p.services = append(p.services, value)
	default:
		return fmt.Errorf("principals of kind %s are not supported; use AWS or Service", strings.TrimSpace(kind))
	}
	return nil
}
