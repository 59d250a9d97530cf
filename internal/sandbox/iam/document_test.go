package iam

import (
	"strings"
	"testing"

	"s3fanout/internal/iampolicy"
)

func TestParseDocumentRefuses(t *testing.T) {
	statement := func(more string) string {
		return `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"` + more + `}]}`
	}
	for _, tt := range []struct{ name, text, want string }{
		{"not JSON", `{`, "policy document: not valid JSON"},
		{"not an object", `[]`, "not an object"},
		{"empty", `{}`, "has no Statement"},
		{"no statements", `{"Statement":[]}`, "has no Statement"},
		{"version", `{"Version":"2012-10-18","Statement":[]}`, `Version: "2012-10-18" is not a version`},
		{"unknown element", `{"Statements":[]}`, "Statements: not an element of a policy"},
		{"statement is text", `{"Statement":"x"}`, "Statement[0]: not an object"},
		{"unknown element of a statement", statement(`,"Actions":"x"`), "Statement[0]: Actions: not an element of a statement"},
		{"element in another case", statement(`,"condition":{}`), "condition: not an element"},
		{"NotAction", statement(`,"NotAction":"s3:*"`), "NotAction: not supported"},
		{"NotResource", statement(`,"NotResource":"*"`), "NotResource: not supported"},
		{"NotPrincipal", statement(`,"NotPrincipal":"*"`), "NotPrincipal: not supported"},
		{"twice the same element", statement(`,"Effect":"Deny"`), `"Effect" is there twice`},
		{"no effect", `{"Statement":{"Action":"s3:*","Resource":"*"}}`, "has no Effect"},
		{"effect in another case", `{"Statement":{"Effect":"allow","Action":"s3:*"}}`, `Effect: "allow" is neither`},
		{"no action", `{"Statement":{"Effect":"Allow","Resource":"*"}}`, "has no Action"},
		{"action without service", `{"Statement":{"Effect":"Allow","Action":"GetObject"}}`, `Action: "GetObject" is not * or service:Name`},
		{"action list empty", `{"Statement":{"Effect":"Allow","Action":[]}}`, "Action: the list is empty"},
		{"action number", `{"Statement":{"Effect":"Allow","Action":[1]}}`, "Action: 1 is not a string"},
		{"resource no ARN", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"media/*"}}`,
			`Resource: "media/*" is not * or an ARN`},
		{"resource incomplete", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:media"}}`, "is not * or an ARN"},
		{"resource with a variable", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::m/${aws:userid}"}}`,
			"policy variables are not supported"},
		{"sid twice", `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*"},{"Sid":"A","Effect":"Allow","Action":"*"}]}`,
			`Statement[1]: the Sid "A" is there twice`},
		{"principal text", statement(`,"Principal":"123456789012"`), `Principal: "123456789012" is not a principal`},
		{"principal nobody", statement(`,"Principal":{}`), "Principal: names nobody"},
		{"principal kind", statement(`,"Principal":{"Federated":"x"}`), "kind Federated are not supported"},
		{"principal wildcard in ARN", statement(`,"Principal":{"AWS":"arn:aws:iam::123456789012:role/*"}`), "Principal: AWS:"},
		{"principal no identity", statement(`,"Principal":{"AWS":"arn:aws:s3:::media"}`), "Principal: AWS:"},
		{"principal service wildcard", statement(`,"Principal":{"Service":"*"}`), "is not a service principal"},
		{"operator", statement(`,"Condition":{"StringEqual":{"aws:SourceArn":"x"}}`), "Condition: StringEqual: not a condition operator"},
		{"set operator for one value", statement(`,"Condition":{"ForAnyValue:StringEquals":{"aws:SourceArn":"x"}}`),
			"aws:SourceArn: a key with several values is asked for with ForAnyValue:, and no other"},
		{"several values without a set operator", statement(`,"Condition":{"StringEquals":{"kms:ResourceAliases":"x"}}`),
			"kms:ResourceAliases: a key with several values"},
		{"other set operator", statement(`,"Condition":{"ForAllValues:StringEquals":{"kms:ResourceAliases":"x"}}`),
			"ForAllValues:StringEquals: not a condition operator"},
		{"date operator", statement(`,"Condition":{"DateLessThan":{"aws:CurrentTime":"x"}}`), "DateLessThan: not a condition operator"},
		{"null if exists", statement(`,"Condition":{"NullIfExists":{"aws:SourceArn":"true"}}`), "NullIfExists: not a condition operator"},
		{"key", statement(`,"Condition":{"StringEquals":{"aws:SourceARM":"x"}}`), "StringEquals: aws:SourceARM: not a condition key"},
		{"value", statement(`,"Condition":{"StringEquals":{"aws:SourceArn":{}}}`), "{} is not a string"},
		{"no values", statement(`,"Condition":{"StringEquals":{"aws:SourceArn":[]}}`), "the list is empty"},
		{"no keys", statement(`,"Condition":{"StringEquals":{}}`), "names no condition key"},
		{"not an ARN", statement(`,"Condition":{"ArnLike":{"aws:SourceArn":"media"}}`), `"media" is not an ARN`},
		{"not a boolean", statement(`,"Condition":{"Bool":{"aws:SecureTransport":"no"}}`), `"no" is neither true nor false`},
		{"not a number", statement(`,"Condition":{"NumericEquals":{"aws:userid":"x"}}`), `"x" is not a number`},
		{"variable in a condition", statement(`,"Condition":{"StringEquals":{"aws:SourceArn":"${aws:userid}"}}`),
			"policy variables are not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseDocument([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParseAs(t *testing.T) {
	const (
		bare      = `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`
		identity  = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
		trust     = `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}}`
		resources = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}}`
	)
	for _, tt := range []struct {
		kind Kind
		text string
		want string // "" is accepted
	}{
		{IdentityPolicy, identity, ""},
		{IdentityPolicy, bare, "identity-based policy: Statement[0] has no Resource"},
		{IdentityPolicy, resources, "identity-based policy: Statement[0] must not have a Principal: it is the role"},
		{ResourcePolicy, resources, ""},
		{ResourcePolicy, identity, "resource policy: Statement[0] has no Principal"},
		{ResourcePolicy, trust, "resource policy: Statement[0] has no Resource"},
		{TrustPolicy, trust, ""},
		{TrustPolicy, bare, "trust policy: Statement[0] has no Principal"},
		{TrustPolicy, resources, "trust policy: Statement[0] must not have a Resource: it is the role"},
	} {
		_, err := ParseAs(tt.kind, []byte(tt.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("ParseAs(%s, %s) = %q, want %q", tt.kind, tt.text, got, tt.want)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*","Action":"sns:*","Resource":"*",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/r"],` +
		`"Service":"s3.amazonaws.com"},"Action":["s3:Get*"],"Resource":"arn:aws:s3:::m/*"}}`)
	f.Add(`{"Statement":[{"Effect":"Allow","Action":[],"Resource":{}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDocument([]byte(text))
		if (d == nil) == (err == nil) {
			t.Fatalf("ParseDocument(%q) = %v, %v", text, d, err)
		}
		if err != nil {
			return
		}
		// What is taken is understood: nothing is left open.
		q := newQuestion(Request{
			Caller: Caller{Service: "s3.amazonaws.com"}, Action: "s3:GetObject", Resource: objectARN, ResourcePolicy: d,
		})
		if says, _, _ := q.verdicts(); says.Allows == iampolicy.Perhaps || says.Denies == iampolicy.Perhaps {
			t.Fatalf("ParseDocument(%q) takes what is not understood: %+v", text, says)
		}
	})
}
