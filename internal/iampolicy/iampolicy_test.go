package iampolicy_test

import (
	"testing"

	"s3fanout/internal/iampolicy"
)

const (
	no      = iampolicy.No
	perhaps = iampolicy.Perhaps
	yes     = iampolicy.Yes
)

// Both of the package's users ask all of this: doctor, which does not know all
// of a request, and the sandbox, which does.
func TestAsk(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:111122223333:media-object-created"
	s3 := &iampolicy.Principal{Service: "s3.amazonaws.com"}
	publish := iampolicy.Request{
		Principal: s3, Action: "sns:Publish", Resource: topic,
		Context: map[string]string{"aws:sourcearn": "arn:aws:s3:::b", "aws:securetransport": "true"},
	}
	objects := iampolicy.Request{
		Action: "s3:PutObject", Resource: "arn:aws:s3:::b/*", Context: map[string]string{"aws:securetransport": "true"},
	}
	decrypt := iampolicy.Request{
		Action: "kms:Decrypt", Resource: "arn:aws:kms:eu-west-1:111122223333:key/*",
		Context: map[string]string{"kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::b/*"},
		Lists:   map[string][]string{"kms:resourcealiases": {"alias/one", "alias/two"}, "empty": {}},
	}
	own := publish
	own.Absent = []string{"aws:sourceorgid"}
	assume := iampolicy.Request{Principal: s3, Action: "sts:AssumeRole"}
	role := iampolicy.Request{
		Principal: &iampolicy.Principal{ARNs: []string{"arn:aws:iam::111122223333:role/r", "arn:aws:sts::111122223333:assumed-role/r/s"}},
		Action:    "s3:GetObject", Resource: "arn:aws:s3:::b/k",
	}
	account := role
	account.Principal = &iampolicy.Principal{Account: "111122223333"}
	when := func(condition string) string {
		return `{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{` + condition + `}}`
	}
	const who, on = `"Principal":{"Service":"s3.amazonaws.com"}`, `"Resource":"` + topic + `"`
	const all, ofAll = `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},`, `{"Effect":"Allow","Action":"*","Resource":"*"},`
	for _, c := range []struct {
		name, statements string
		ask              iampolicy.Request
		want, wantWhole  iampolicy.Answer // where the request is all that is known, and where it is all that there is
	}{
		{"nothing", ``, publish, no, no},
		{"plain", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `}`, publish, yes, yes},
		{"case of the action", `{"Effect":"Allow",` + who + `,"Action":"SNS:publish",` + on + `}`, publish, yes, yes},
		{"wildcards", `{"Effect":"Allow","Principal":"*","Action":["sns:P*"],"Resource":"arn:aws:sns:*:*:media-?bject-created"}`,
			publish, yes, yes},
		{"a wildcard over a colon", `{"Effect":"Allow","Principal":"*","Action":"sns:*","Resource":"arn:aws:sns:eu*:media-object-created"}`,
			publish, perhaps, perhaps},
		{"another Region", `{"Effect":"Allow","Principal":"*","Action":"sns:*","Resource":"arn:aws:sns:us-*:*:*"}`, publish, no, no},
		{"anybody, spelt out", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:*","Resource":"*"}`, publish, yes, yes},
		{"list of services",
			`{"Effect":"Allow","Principal":{"Service":["x.amazonaws.com","s3.amazonaws.com"]},"Action":"sns:*","Resource":"*"}`,
			publish, yes, yes},
		{"an account", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}`, publish, no, no},
		{"all but one principal", `{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}`, publish,
			perhaps, perhaps},
		{"a principal in a form of its own", `{"Effect":"Allow","Principal":7,"Action":"sns:*","Resource":"*"}`, publish, perhaps, perhaps},
		{"nobody is named", `{"Effect":"Allow","Action":"sns:*","Resource":"*"}`, publish, no, no},
		{"somebody is named in the role's own policy", `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`,
			objects, no, no},
		{"all but another action", `{"Effect":"Allow",` + who + `,"NotAction":"sns:Subscribe",` + on + `}`, publish, yes, yes},
		{"all but this action", `{"Effect":"Allow",` + who + `,"NotAction":"sns:*",` + on + `}`, publish, no, no},
		{"all but this resource", `{"Effect":"Allow",` + who + `,"Action":"sns:*","NotResource":"` + topic + `"}`, publish, no, no},
		{"all but another resource", `{"Effect":"Allow",` + who + `,"Action":"sns:*","NotResource":"` + topic + `-2"}`, publish, yes, yes},
		{"no resource", `{"Effect":"Allow","Principal":"*","Action":"*"}`, publish, no, no},
		{"condition holds",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"ArnEquals":{"AWS:SourceArn":"arn:aws:s3:::*"}}}`,
			publish, yes, yes},
		{"one of two values",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on +
				`,"Condition":{"StringEquals":{"aws:SourceArn":["x","arn:aws:s3:::b"]}}}`, publish, yes, yes},
		{"condition does not hold",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on +
				`,"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:s3:::*"}}}`, publish, no, no},
		{"negated condition",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on +
				`,"Condition":{"StringNotEquals":{"aws:SourceArn":"arn:aws:s3:::b"}}}`, publish, no, no},
		{"missing key",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceOrgID":"o"}}}`,
			publish, perhaps, no},
		{"missing key, negated",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringNotEquals":{"aws:SourceOrgID":"o"}}}`,
			publish, perhaps, yes},
		{"missing key, if it exists",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEqualsIfExists":{"aws:SourceOrgID":"o"}}}`,
			publish, perhaps, yes},
		{"a key that is known to be missing",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceOrgID":"o"}}}`,
			own, no, no},
		{"a key that is known to be missing, negated",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringNotEquals":{"aws:SourceOrgID":"o"}}}`,
			own, yes, yes},
		{"is a key missing?",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"Null":{"aws:SourceOrgID":"true"}}}`, publish,
			perhaps, yes},
		{"a key that is there is not missing",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"Null":{"aws:SourceArn":true}}}`,
			publish, no, no},
		{"unknown operator",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"DateLessThan":{"aws:SourceArn":"x"}}}`, publish,
			perhaps, perhaps},
		{"no operator",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"NotStringEquals":{"aws:SourceArn":"x"}}}`,
			publish, perhaps, perhaps},
		{"missing key and one that fails",
			`{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on +
				`,"Condition":{"StringEquals":{"aws:SourceOrgID":"o","aws:SourceArn":"x"}}}`, publish, no, no},
		{"a deny wins", all + `{"Effect":"Deny",` + who + `,"Action":"sns:*",` + on + `}`, publish, no, no},
		{"a deny that may apply",
			all + `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",` +
				`"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o"}}}`, publish, perhaps, no},
		{"a deny without TLS",
			all + `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}`,
			publish, yes, yes},
		{"all objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, objects, yes, yes},
		{"every bucket's objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}`, objects, yes, yes},
		{"some objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/a/*"}`, objects, no, no},
		{"some objects denied", ofAll + `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/a/*"}`, objects, no, yes},
		{"some objects denied, across buckets", ofAll + `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*/a"}`,
			objects, no, yes},
		{"other objects denied", ofAll + `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::c/*"}`, objects, yes, yes},
		{"all but some objects", `{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/a/*"}`, objects, no, yes},
		{"all but some objects denied", ofAll + `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/a/*"}`, objects, no, no},
		{"all but these objects denied", ofAll + `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`, objects, yes, yes},
		{"a variable", ofAll + `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/bucket}/*"}`, objects,
			perhaps, perhaps},
		{"a variable in a condition",
			`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:SecureTransport":"${x}"}}}`, objects,
			perhaps, perhaps},
		{"any of several values", when(`"ForAnyValue:StringEquals":{"kms:ResourceAliases":["alias/x","alias/two"]}`), decrypt, yes, yes},
		{"none of several values", when(`"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/x"}`), decrypt, no, no},
		{"any of several values that is not", when(`"ForAnyValue:StringNotEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, yes, yes},
		{"all of several values", when(`"ForAllValues:StringLike":{"kms:ResourceAliases":"alias/*"}`), decrypt, yes, yes},
		{"not all of several values", when(`"ForAllValues:StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, no, no},
		{"any of no values", when(`"ForAnyValue:StringLike":{"empty":"*"}`), decrypt, no, no},
		{"all of no values", when(`"ForAllValues:StringLike":{"empty":"x"}`), decrypt, yes, yes},
		{"any of one value", when(`"ForAnyValue:StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::*"}`), decrypt, yes, yes},
		{"any of what is not known", when(`"ForAnyValue:StringEquals":{"kms:Other":"x"}`), decrypt, perhaps, no},
		{"any of what is not known, negated", when(`"ForAnyValue:StringNotEquals":{"kms:Other":"x"}`), decrypt, perhaps, no},
		{"all of what is not known", when(`"ForAllValues:StringEquals":{"kms:Other":"x"}`), decrypt, perhaps, yes},
		{"several values as one", when(`"StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, perhaps, perhaps},
		{"a quantifier that nobody knows", when(`"ForSomeValues:StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt,
			perhaps, perhaps},
		{"a pattern for many", when(`"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b*"}`), decrypt, yes, yes},
		{"a pattern for some of many", when(`"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b/a/*"}`), decrypt, no, no},
		{"a text for many", when(`"StringEquals":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b/*"}`), decrypt, perhaps, yes},
		{"a trust policy", `{"Effect":"Allow",` + who + `,"Action":"sts:AssumeRole"}`, assume, yes, yes},
		{"the role", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"s3:*","Resource":"*"}`,
			role, yes, yes},
		{"the role's session",
			`{"Effect":"Allow","Principal":{"AWS":["x","arn:aws:sts::111122223333:assumed-role/r/s"]},"Action":"s3:*","Resource":"*"}`,
			role, yes, yes},
		{"another role", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/q"},"Action":"s3:*","Resource":"*"}`,
			role, no, no},
		{"the role's account is not the role", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}`,
			role, no, no},
		{"the account", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}`, account, yes, yes},
		{"the account's root", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":"*"}`,
			account, yes, yes},
		{"anybody is not the account", `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`, account, no, no},
	} {
		for _, whole := range []bool{false, true} {
			ask, want := c.ask, c.want
			if whole {
				ask.Whole, want = true, c.wantWhole
			}
			got, err := iampolicy.Ask([]string{`{"Version":"2012-10-17","Statement":[` + c.statements + `]}`}, ask)
			if err != nil || got != want {
				t.Errorf("%s, whole %t: got %v, %v, want %v", c.name, whole, got, err, want)
			}
		}
	}
	for _, text := range []string{`{`, `{"Statement":7}`, `[]`, `{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}`} {
		if got, err := iampolicy.Ask([]string{text}, publish); err == nil || got != perhaps {
			t.Errorf("%s: got %v, %v, want perhaps and an error", text, got, err)
		}
	}
}

// TestCanonicalUser: that is an account, by an ID that nothing here knows. A Deny that
// names it may be about whoever asks, but no service.
func TestCanonicalUser(t *testing.T) {
	const role, topic = "arn:aws:iam::111122223333:role/r", "arn:aws:sns:eu-west-1:111122223333:t"
	d, err := iampolicy.Parse(
		[]byte(`{"Statement":[{"Effect":"Deny","Principal":{"CanonicalUser":"79a5"},"Action":"s3:*","Resource":"*"}]}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	for want, who := range map[iampolicy.Answer]iampolicy.Principal{
		iampolicy.Perhaps: {ARNs: []string{role}},
		iampolicy.No:      {Service: "sns.amazonaws.com"},
	} {
		if got := d.Says(iampolicy.Request{Principal: &who, Action: "s3:PutObject", Resource: topic}); got.Denies != want {
			t.Errorf("%+v: denies %v, want %v", who, got.Denies, want)
		}
	}
	if got := d.Says(iampolicy.Request{
		Principal: &iampolicy.Principal{Account: "111122223333"}, Action: "s3:PutObject", Resource: topic,
	}); got.Denies != iampolicy.Perhaps {
		t.Errorf("the account: denies %v", got.Denies)
	}
}

// A Deny of one document wins over an Allow of another.
func TestAskOfSeveralDocuments(t *testing.T) {
	r := iampolicy.Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k"}
	const allow, deny = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}}`
	for _, documents := range [][]string{{allow, deny}, {deny, allow}, {deny}, {}} {
		if got, err := iampolicy.Ask(documents, r); err != nil || got != no {
			t.Errorf("%v: got %v, %v, want no", documents, got, err)
		}
	}
}

// The older version of the language has no variables: $ and { are text.
func TestVariablesOfTheOlderVersion(t *testing.T) {
	r := iampolicy.Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/${x}"}
	const document = `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${x}"}}`
	if got, err := iampolicy.Ask([]string{document}, r); err != nil || got != yes {
		t.Errorf("got %v, %v, want yes", got, err)
	}
}
