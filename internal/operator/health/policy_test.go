package health

import "testing"

func TestDecide(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:111122223333:media-object-created"
	publish := request{
		service: "s3.amazonaws.com", action: "sns:Publish", resource: topic,
		context: map[string]string{"aws:sourcearn": "arn:aws:s3:::b", "aws:securetransport": "true"},
	}
	objects := request{action: "s3:PutObject", resource: "arn:aws:s3:::b/*", context: map[string]string{"aws:securetransport": "true"}}
	decrypt := request{
		action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-1:111122223333:key/*",
		context: map[string]string{"kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::b/*"},
		lists:   map[string][]string{"kms:resourcealiases": {"alias/one", "alias/two"}, "empty": {}},
	}
	when := func(condition string) string {
		return `{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{` + condition + `}}`
	}
	const who, on = `"Principal":{"Service":"s3.amazonaws.com"}`, `"Resource":"` + topic + `"`
	for _, c := range []struct {
		name, statements string
		ask              request
		want             verdict
	}{
		{"nothing", ``, publish, no},
		{"plain", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `}`, publish, yes},
		{"case of the action", `{"Effect":"Allow",` + who + `,"Action":"SNS:publish",` + on + `}`, publish, yes},
		{"wildcards", `{"Effect":"Allow","Principal":"*","Action":["sns:P*"],"Resource":"arn:aws:sns:*:*:media-?bject-created"}`, publish, yes},
		{"anybody, spelt out", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:*","Resource":"*"}`, publish, yes},
		{"list of services", `{"Effect":"Allow","Principal":{"Service":["x.amazonaws.com","s3.amazonaws.com"]},"Action":"sns:*","Resource":"*"}`, publish, yes},
		{"an account", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}`, publish, no},
		{"all but one principal", `{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}`, publish, perhaps},
		{"all but another action", `{"Effect":"Allow",` + who + `,"NotAction":"sns:Subscribe",` + on + `}`, publish, yes},
		{"all but this action", `{"Effect":"Allow",` + who + `,"NotAction":"sns:*",` + on + `}`, publish, no},
		{"all but this resource", `{"Effect":"Allow",` + who + `,"Action":"sns:*","NotResource":"` + topic + `"}`, publish, no},
		{"condition holds", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"ArnEquals":{"AWS:SourceArn":"arn:aws:s3:::*"}}}`, publish, yes},
		{"one of two values", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceArn":["x","arn:aws:s3:::b"]}}}`, publish, yes},
		{"condition does not hold", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:s3:::*"}}}`, publish, no},
		{"negated condition", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringNotEquals":{"aws:SourceArn":"arn:aws:s3:::b"}}}`, publish, no},
		{"unknown key", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceOrgID":"o"}}}`, publish, perhaps},
		{"unknown operator", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"DateLessThan":{"aws:SourceArn":"x"}}}`, publish, perhaps},
		{"unknown key and one that fails", `{"Effect":"Allow",` + who + `,"Action":"sns:Publish",` + on + `,"Condition":{"StringEquals":{"aws:SourceOrgID":"o","aws:SourceArn":"x"}}}`, publish, no},
		{"a deny wins", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny",` + who + `,"Action":"sns:*",` + on + `}`, publish, no},
		{"a deny that may apply", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o"}}}`, publish, perhaps},
		{"a deny without TLS", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}`, publish, yes},
		{"all objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, objects, yes},
		{"every bucket's objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}`, objects, yes},
		{"some objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/a/*"}`, objects, no},
		{"some objects denied", `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/a/*"}`, objects, no},
		{"other objects denied", `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::c/*"}`, objects, yes},
		{"any of several values", when(`"ForAnyValue:StringEquals":{"kms:ResourceAliases":["alias/x","alias/two"]}`), decrypt, yes},
		{"none of several values", when(`"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/x"}`), decrypt, no},
		{"any of several values that is not", when(`"ForAnyValue:StringNotEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, yes},
		{"all of several values", when(`"ForAllValues:StringLike":{"kms:ResourceAliases":"alias/*"}`), decrypt, yes},
		{"not all of several values", when(`"ForAllValues:StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, no},
		{"any of no values", when(`"ForAnyValue:StringLike":{"empty":"*"}`), decrypt, no},
		{"all of no values", when(`"ForAllValues:StringLike":{"empty":"x"}`), decrypt, yes},
		{"any of one value", when(`"ForAnyValue:StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::*"}`), decrypt, yes},
		{"any of what is not known", when(`"ForAnyValue:StringEquals":{"kms:Other":"x"}`), decrypt, perhaps},
		{"several values as one", when(`"StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, perhaps},
		{"a quantifier that nobody knows", when(`"ForSomeValues:StringEquals":{"kms:ResourceAliases":"alias/one"}`), decrypt, perhaps},
		{"a pattern for many", when(`"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b*"}`), decrypt, yes},
		{"a pattern for some of many", when(`"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b/a/*"}`), decrypt, no},
		{"a text for many", when(`"StringEquals":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b/*"}`), decrypt, perhaps},
	} {
		got, err := decide([]string{`{"Statement":[` + c.statements + `]}`}, c.ask)
		if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	for _, text := range []string{`{`, `{"Statement":7}`, `[]`} {
		if got, err := decide([]string{text}, publish); err == nil || got != perhaps {
			t.Errorf("%s: got %v, %v, want perhaps and an error", text, got, err)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*", "a", true}, {"*b", "aab", true}, {"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false}, {"?", "a", true}, {"?", "", false}, {"a/*", "a/*", true}, {"a/?", "a/*", true}, {"a", "A", false},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.s, got)
		}
	}
}
