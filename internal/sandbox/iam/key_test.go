package iam

import (
	"errors"
	"testing"
)

const keyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// The cases are those of "Default key policy": the account's statement leaves
// the decision to IAM, and without it IAM decides nothing.
func TestAuthorizeKey(t *testing.T) {
	policy := func(effect, principal, condition string) string {
		if principal != "" {
			principal = `"Principal":` + principal + `,`
		}
		if condition != "" {
			condition = `,"Condition":` + condition
		}
		return `{"Statement":{"Effect":"` + effect + `",` + principal + `"Action":"kms:Decrypt","Resource":"*"` + condition + `}}`
	}
	root, role := `{"AWS":"arn:aws:iam::123456789012:root"}`, `{"AWS":"arn:aws:iam::123456789012:role/replicator"}`
	allow := policy("Allow", "", "")
	aliased := policy("Allow", "", `{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/media"}}`)
	inBucket := policy("Allow", "", `{"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::media/*"}}`)
	session := func(policy string) func(*testing.T) Caller {
		return func(t *testing.T) Caller { return newRole(t, policy) }
	}
	admin := func(*testing.T) Caller {
		s := NewStore("aws", account)
		_, c, _ := s.Lookup(s.Admin().AccessKeyID)
		return c
	}
	service := func(*testing.T) Caller { return Caller{Service: "s3.amazonaws.com", SourceAccount: account} }
	for _, tt := range []struct {
		name    string
		caller  func(*testing.T) Caller
		key     string // its policy
		context map[string]string
		reason  string // "" is allowed
	}{
		{"the account decides, and so does the role's policy", session(allow), policy("Allow", root, ""), nil, ""},
		{"the account decides, and the role has no policy", session(""), policy("Allow", root, ""), nil, reasonNone},
		{"the role has a policy, and the account does not decide", session(allow), policy("Allow", `{"Service":"s3.amazonaws.com"}`, ""),
			nil, reasonKeyPolicy},
		{"the key names the role", session(""), policy("Allow", role, ""), nil, ""},
		{"the key denies the role", session(allow), policy("Deny", role, ""), nil, reasonResourceDeny},
		{"the key denies the account", session(allow), policy("Deny", root, ""), nil, reasonResourceDeny},
		{"the role is denied", session(policy("Deny", "", "")), policy("Allow", role, ""), nil, reasonIdentityDeny},
		{"the administrator", admin, policy("Allow", root, ""), nil, ""},
		{"the administrator, and the account does not decide", admin, policy("Allow", role, ""), nil, reasonKeyPolicy},
		{"a service by name", service, policy("Allow", `{"Service":"s3.amazonaws.com"}`, ""), nil, ""},
		{"a service by the account", service, policy("Allow", root, ""), nil, reasonKeyPolicy},
		{"one of two aliases", session(aliased), policy("Allow", root, ""),
			map[string]string{"kms:ResourceAliases": "alias/a" + ValueSeparator + "alias/media"}, ""},
		{"another alias", session(aliased), policy("Allow", root, ""), map[string]string{"kms:ResourceAliases": "alias/media2"},
			reasonNone},
		{"no alias", session(aliased), policy("Allow", root, ""), nil, reasonNone},
		{"the encryption context", session(inBucket), policy("Allow", root, ""),
			map[string]string{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::media/key"}, ""},
		{"another encryption context", session(inBucket), policy("Allow", root, ""),
			map[string]string{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other/key"}, reasonNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := AuthorizeKey(Request{
				Caller: tt.caller(t), Action: "kms:Decrypt", Resource: keyARN, ResourcePolicy: parse(t, tt.key), Context: tt.context,
			})
			var denied *DeniedError
			switch {
			case tt.reason == "" && err != nil:
				t.Errorf("got %v, want it allowed", err)
			case tt.reason != "" && (!errors.As(err, &denied) || denied.Reason != tt.reason):
				t.Errorf("got %v, want %q", err, tt.reason)
			}
		})
	}
}
