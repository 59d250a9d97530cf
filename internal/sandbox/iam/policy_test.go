package iam

import (
	"errors"
	"testing"
)

const (
	account   = "123456789012"
	bucketARN = "arn:aws:s3:::media"
	objectARN = "arn:aws:s3:::media/a b/c"
	topicARN  = "arn:aws:sns:us-east-1:123456789012:created"
)

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newRole returns a role with one policy (none if empty) and a caller in a session of it.
func newRole(t *testing.T, policy string) Caller {
	t.Helper()
	s := NewStore("aws", account)
	trust := parse(t, `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	r, err := s.CreateRole(RoleConfig{Name: "replicator", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		r.PutPolicy("p", parse(t, policy))
	}
	_, c, err := s.AssumeRoleForService(r.ARN, "fn", "lambda.amazonaws.com", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func statementFor(effect, principal string) string {
	if principal != "" {
		principal = `"Principal":` + principal + `,`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `",` + principal + `"Action":"s3:GetObject","Resource":"` +
		bucketARN + `/*"}]}`
}

// The cases are those of "Policy evaluation for requests within a single
// account" and "The difference between explicit and implicit denies".
func TestAuthorizeWithinOneAccount(t *testing.T) {
	allow, deny := statementFor("Allow", ""), statementFor("Deny", "")
	role := `{"AWS":"arn:aws:iam::123456789012:role/replicator"}`
	session := `{"AWS":"arn:aws:sts::123456789012:assumed-role/replicator/fn"}`
	otherSession := `{"AWS":"arn:aws:sts::123456789012:assumed-role/replicator/other"}`
	root, id := `{"AWS":"arn:aws:iam::123456789012:root"}`, `{"AWS":"123456789012"}`
	stranger := `{"AWS":"210987654321"}`
	user := `{"AWS":"arn:aws:iam::123456789012:user/administrator"}`
	service := `{"Service":"sns.amazonaws.com"}`

	admin := func(*testing.T) Caller {
		s := NewStore("aws", account)
		_, c, _ := s.Lookup(s.Admin().AccessKeyID)
		return c
	}
	sns := func(*testing.T) Caller { return Caller{Service: "sns.amazonaws.com", SourceAccount: account} }
	with := func(policy string) func(*testing.T) Caller {
		return func(t *testing.T) Caller { return newRole(t, policy) }
	}
	nobody := func(*testing.T) Caller { return Caller{} }
	for _, tt := range []struct {
		name     string
		caller   func(*testing.T) Caller
		resource string // policy of the resource
		reason   string // "" is allowed
	}{
		{"role without policies", with(""), "", reasonNone},
		{"role by identity policy", with(allow), "", ""},
		{"role with explicit deny", with(deny), "", reasonIdentityDeny},
		{"identity deny beats resource allow", with(deny), statementFor("Allow", role), reasonIdentityDeny},
		{"resource deny beats identity allow", with(allow), statementFor("Deny", `"*"`), reasonResourceDeny},
		{"resource allow to the role", with(""), statementFor("Allow", role), ""},
		{"resource allow to the session", with(""), statementFor("Allow", session), ""},
		{"resource allow to another session", with(""), statementFor("Allow", otherSession), reasonNone},
		{"resource allow to everyone", with(""), statementFor("Allow", `"*"`), ""},
		{"resource allow to everyone, spelled out", with(""), statementFor("Allow", `{"AWS":"*"}`), ""},
		{"resource allow to the account delegates", with(""), statementFor("Allow", root), reasonNone},
		{"resource allow to the account id delegates", with(""), statementFor("Allow", id), reasonNone},
		{"delegation and identity allow", with(allow), statementFor("Allow", root), ""},
		{"resource deny to the account", with(allow), statementFor("Deny", root), reasonResourceDeny},
		{"resource deny to the role", with(allow), statementFor("Deny", role), reasonResourceDeny},
		{"resource deny to another account", with(allow), statementFor("Deny", stranger), ""},
		{"resource deny to a service", with(allow), statementFor("Deny", service), ""},
		{"administrator", admin, "", ""},
		{"administrator, deny to everyone", admin, statementFor("Deny", `"*"`), reasonResourceDeny},
		{"administrator, deny to the account", admin, statementFor("Deny", id), reasonResourceDeny},
		{"administrator, deny to the user", admin, statementFor("Deny", user), reasonResourceDeny},
		{"administrator, deny to a role", admin, statementFor("Deny", role), ""},
		{"service without a policy", sns, "", reasonNoResource},
		{"service that is named", sns, statementFor("Allow", service), ""},
		{"service, another is named", sns, statementFor("Allow", `{"Service":"s3.amazonaws.com"}`), reasonNoResource},
		{"service, the account is named", sns, statementFor("Allow", id), reasonNoResource},
		{"service, everyone", sns, statementFor("Allow", `"*"`), ""},
		{"service, one of a list", sns, statementFor("Allow", `{"Service":["s3.amazonaws.com","sns.amazonaws.com"]}`), ""},
		{"service, denied", sns, statementFor("Deny", `"*"`), reasonResourceDeny},
		{"nobody", nobody, "", reasonNone},
		{"a policy of the wrong kind grants nothing", sns, allow, reasonNoResource},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Request{Caller: tt.caller(t), Action: "s3:GetObject", Resource: objectARN}
			if tt.resource != "" {
				r.ResourcePolicy = parse(t, tt.resource)
			}
			err := Authorize(r)
			var deniedErr *DeniedError
			switch {
			case tt.reason == "" && err != nil:
				t.Errorf("Authorize: %v, want allowed", err)
			case tt.reason != "" && !errors.As(err, &deniedErr):
				t.Errorf("Authorize: %v, want a DeniedError", err)
			case tt.reason != "" && deniedErr.Reason != tt.reason:
				t.Errorf("reason = %q, want %q", deniedErr.Reason, tt.reason)
			}
		})
	}
}

func TestSeveralPolicies(t *testing.T) {
	c := newRole(t, statementFor("Allow", ""))
	c.Role.PutPolicy("deny", parse(t, `{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::media/a b/*"}}`))
	if err := Authorize(Request{Caller: c, Action: "s3:GetObject", Resource: objectARN}); err == nil {
		t.Error("a deny in a second policy does not count")
	}
	if err := Authorize(Request{Caller: c, Action: "s3:GetObject", Resource: bucketARN + "/other"}); err != nil {
		t.Errorf("the deny reaches too far: %v", err)
	}
}

func TestActionsAndResources(t *testing.T) {
	for _, tt := range []struct {
		name, action, resource string // of the statement, JSON
		askAction, askResource string
		want                   bool
	}{
		{"exact", `"s3:GetObject"`, `"arn:aws:s3:::media/k"`, "s3:GetObject", "arn:aws:s3:::media/k", true},
		{"action in any case", `"S3:getobject"`, `"*"`, "s3:GetObject", objectARN, true},
		{"action is no prefix", `"s3:GetObject"`, `"*"`, "s3:GetObjectVersion", objectARN, false},
		{"action star", `"s3:GetObject*"`, `"*"`, "s3:GetObjectVersion", objectARN, true},
		{"action question mark", `"s3:?etObject"`, `"*"`, "s3:GetObject", objectARN, true},
		{"all actions of a service", `"s3:*"`, `"*"`, "sns:Publish", topicARN, false},
		{"all actions", `"*"`, `"*"`, "sns:Publish", topicARN, true},
		{"one of a list", `["s3:PutObject","s3:GetObject"]`, `["arn:aws:s3:::x/*","arn:aws:s3:::media/*"]`, "s3:GetObject",
			objectARN, true},
		{"resource in another case", `"s3:*"`, `"arn:aws:s3:::Media/*"`, "s3:GetObject", objectARN, false},
		{"objects are not the bucket", `"s3:*"`, `"arn:aws:s3:::media/*"`, "s3:ListBucket", bucketARN, false},
		{"the bucket is not its objects", `"s3:*"`, `"arn:aws:s3:::media"`, "s3:GetObject", objectARN, false},
		{"star in the bucket's name covers slashes", `"s3:*"`, `"arn:aws:s3:::med*"`, "s3:GetObject", objectARN, true},
		{"question mark", `"s3:*"`, `"arn:aws:s3:::medi?/a?b/c"`, "s3:GetObject", objectARN, true},
		{"star stays in its part", `"sns:*"`, `"arn:aws:sns:*:created"`, "sns:Publish", topicARN, false},
		{"star in the Region", `"sns:*"`, `"arn:aws:sns:*:123456789012:created"`, "sns:Publish", topicARN, true},
		{"other partition", `"sns:*"`, `"arn:aws-cn:sns:us-east-1:123456789012:created"`, "sns:Publish", topicARN, false},
		{"colons in the last part", `"logs:*"`, `"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*"`,
			"logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:log-stream:s", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := `{"Statement":{"Effect":"Allow","Action":` + tt.action + `,"Resource":` + tt.resource + `}}`
			d, err := ParseDocument([]byte(text))
			if err != nil { // an incomplete ARN never becomes a policy at all
				if tt.want {
					t.Fatal(err)
				}
				return
			}
			c := newRole(t, "")
			c.Role.PutPolicy("p", d)
			got := Authorize(Request{Caller: c, Action: tt.askAction, Resource: tt.askResource}) == nil
			if got != tt.want {
				t.Errorf("allowed = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTrustPolicyHasNoResource(t *testing.T) {
	noResource := parse(t, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}`)
	c := Caller{Service: "lambda.amazonaws.com"}
	if err := Authorize(Request{
		Caller: c, Action: "sts:AssumeRole", Resource: "arn:aws:iam::123456789012:role/r", ResourcePolicy: noResource,
	}); err != nil {
		t.Errorf("AssumeRole: %v", err)
	}
	if err := Authorize(Request{Caller: c, Action: "s3:GetObject", Resource: objectARN, ResourcePolicy: noResource}); err == nil {
		t.Error("a statement without Resource allows more than to assume a role")
	}
}

func TestAssumeRoleNeedsTrust(t *testing.T) {
	s := NewStore("aws", account)
	trust := parse(t, `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	r, err := s.CreateRole(RoleConfig{Name: "r", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	var deniedErr *DeniedError
	if _, _, err := s.AssumeRoleForService(r.ARN, "x", "ec2.amazonaws.com", ""); !errors.As(err, &deniedErr) {
		t.Errorf("AssumeRole by another service: %v, want a DeniedError", err)
	}
}

// A resource of another account takes an Allow of both sides
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).
func TestAuthorizeAcrossAccounts(t *testing.T) {
	const foreign = "210987654321"
	allow := statementFor("Allow", "")
	bound := `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"` +
		account + `"}}}]}`
	everybody, ours := statementFor("Allow", `"*"`), statementFor("Allow", `{"AWS":"`+account+`"}`)
	admin := Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}
	for _, tt := range []struct {
		name     string
		caller   Caller
		resource string // policy of the resource
		owner    string
		allowed  bool
	}{
		{"both sides", newRole(t, allow), everybody, foreign, true},
		{"both sides, by the account", newRole(t, allow), ours, foreign, true},
		{"the caller's alone", newRole(t, allow), "", foreign, false},
		{"the resource's alone", newRole(t, ""), everybody, foreign, false},
		{"a Deny of the resource", newRole(t, allow), statementFor("Deny", `"*"`), foreign, false},
		{"an administrator, let in", admin, everybody, foreign, true},
		{"an administrator, not let in", admin, "", foreign, false},
		{"bound to the own account", newRole(t, bound), everybody, foreign, false},
		{"bound to the own account, there", newRole(t, bound), "", account, true},
		{"bound, and the account is not known", newRole(t, bound), "", "", false},
	} {
		r := Request{Caller: tt.caller, Action: "s3:GetObject", Resource: objectARN, ResourceAccount: tt.owner}
		if tt.resource != "" {
			r.ResourcePolicy = parse(t, tt.resource)
		}
		if err := Authorize(r); (err == nil) != tt.allowed {
			t.Errorf("%s: %v, want allowed %t", tt.name, err, tt.allowed)
		}
	}
	topic := Request{Caller: newRole(t,
		`{"Statement":[{"Effect":"Allow","Action":"sns:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"`+
			account+`"}}}]}`),
		Action: "sns:Publish", Resource: topicARN}
	if err := Authorize(topic); err != nil {
		t.Errorf("the account in a topic's ARN: %v, want it allowed", err)
	}
}
