package infra

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/function/functionenv"
)

// testRole compares the role's policy with a table of what the function may
// do, action by action and resource by resource, and with a table of what it
// must never be able to do.
func (r relations) testRole(t *testing.T) {
	role := r.one(t, "AWS::IAM::Role")
	equal(t, "name", role.at("RoleName"), any(r.member(r.region).RoleName()))
	trusting(nil, false)(t, r)
	equal(t, "number of policies", len(role.at("Policies").(list)), 1)
	if got := role.at("ManagedPolicyArns"); got != nil {
		t.Errorf("managed policies: got %v, want none", got)
	}

	bucket := func(region string) string { return r.member(region).BucketARN() }
	var sources, sourceObjects []string
	for _, other := range r.set.Others(r.region) {
		sources = append(sources, bucket(other))
		sourceObjects = append(sourceObjects, bucket(other)+"/*")
	}
	target := []string{bucket(r.region) + "/*"}
	logs := []string{r.member(r.region).LogGroupARN() + ":*"}
	must := map[string][]string{
		"s3:PutObject":                target,
		"s3:PutObjectTagging":         target,
		"s3:GetObject":                target,
		"s3:AbortMultipartUpload":     target,
		"s3:ListMultipartUploadParts": target,
		"s3:GetObjectVersion":         sourceObjects,
		"s3:GetObjectVersionTagging":  sourceObjects,
		"s3:ListBucket":               append([]string{bucket(r.region)}, sources...),
		"lambda:InvokeFunction":       {r.member(r.region).FunctionARN()},
		"sqs:SendMessage":             {r.member(r.region).QueueARN()},
		"logs:CreateLogStream":        logs,
		"logs:PutLogEvents":           logs,
	}
	got := map[string][]string{}
	for _, s := range role.at("Policies.0.PolicyDocument.Statement").(list) {
		statement := s.(object)
		equal(t, "effect", statement["Effect"], any("Allow"))
		bound := any(nil)
		if strings.HasPrefix(texts(statement["Action"])[0], "s3:") {
			bound = ownBuckets
		}
		equal(t, fmt.Sprintf("condition of %s", statement["Sid"]), statement["Condition"], bound)
		for _, action := range texts(statement["Action"]) {
			got[action] = append(got[action], texts(statement["Resource"])...)
		}
	}
	for _, table := range []map[string][]string{got, must} {
		for action := range table {
			slices.Sort(table[action])
		}
	}
	equal(t, "actions and their resources", got, must)

	// These would follow from a wildcard or from a careless addition.
	for _, action := range []string{
		"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration",
		"s3:BypassGovernanceRetention", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sns:Publish", "lambda:UpdateFunctionCode",
		"lambda:InvokeAsync",
		"s3:ListBucketMultipartUploads",
		"logs:CreateLogGroup", "iam:PassRole", "sts:AssumeRole",
	} {
		for granted := range got {
			if prefix, wild := strings.CutSuffix(granted, "*"); granted == action || wild && strings.HasPrefix(action, prefix) {
				t.Errorf("the role may %s through %s", action, granted)
			}
		}
	}
}

// trusting wants the function's role to trust Lambda and, unless nobody is
// listed, the account's roles and users for sessions that are not named as the
// function's.
func trusting(operators any, restricted bool) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		want := list{object{"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}
		want = append(want, trustsReconcile(r)...)
		account := object{"AWS": "arn:" + r.partition() + ":iam::" + testAccount + ":root"}
		session := object{"StringEquals": object{"sts:RoleSessionName": r.set.FunctionName() + "-operator"}}
		also := object{"Effect": "Allow", "Principal": account, "Action": list{"sts:SetSourceIdentity", "sts:TagSession"}}
		if restricted {
			session["ArnEquals"] = object{"aws:PrincipalArn": operators}
			also["Condition"] = object{"ArnEquals": object{"aws:PrincipalArn": operators}}
		}
		if !restricted || operators != nil {
			want = append(want, object{"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole", "Condition": session}, also)
		}
		for _, role := range r.all("AWS::IAM::Role") {
			if role.at("RoleName") == any(r.member(r.region).RoleName()) {
				equal(t, "trust", role.at("AssumeRolePolicyDocument.Statement"), any(want))
			}
		}
	}
}

// TestOperatorSessionsHaveOneName holds the name that the roles trust and the
// command uses against the one that functions know.
func TestOperatorSessionsHaveOneName(t *testing.T) {
	set := defaultSet(t)
	equal(t, "session", functionenv.OperatorSession(set.FunctionName()), set.OperatorSession())
}

// ownBuckets is the condition of every statement about S3.
var ownBuckets any = object{"StringEquals": object{"aws:ResourceAccount": testAccount}}

// TestStatementsAboutS3NameTheAccount looks at every Allow of every role, with
// everything switched on that grants something: a bucket's ARN has no account,
// and whoever takes a deleted bucket's name would be meant.
func TestStatementsAboutS3NameTheAccount(t *testing.T) {
	set := fiveRegions()
	set.Encryption, set.BatchOperations, set.Tracing, set.AlarmEmail = "kms", true, true, "ops@example.com"
	s := synthesize(t, set)
	for _, region := range set.Regions {
		found := 0
		for _, kind := range []string{"AWS::IAM::Role", "AWS::IAM::Policy"} {
			for _, r := range s.regions[region].all(kind) {
				for _, statement := range statements(r.Properties) {
					if strings.HasPrefix(texts(statement["Action"])[0], "s3:") {
						found++
						equal(t, fmt.Sprintf("%s: %s: %s", region, r.ID, statement["Sid"]), statement["Condition"], ownBuckets)
					}
				}
			}
		}
		if found != 5 { // three of the function's, two of jobs'
			t.Errorf("%s: %d statements about S3, want 5", region, found)
		}
	}
}

// texts reads what may be one string or a list of strings.
func texts(v any) []string {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	var all []string
	for _, each := range v.([]any) {
		all = append(all, each.(string))
	}
	return all
}

// TestNoWildcards looks at every Allow of every policy document, wherever it
// is: no action and no principal with a wildcard, and resources with one only
// for a bucket's objects and a log group's streams.
func TestNoWildcards(t *testing.T) {
	set := fiveRegions()
	s := synthesize(t, set)
	allows := 0
	for _, region := range set.Regions {
		for _, r := range s.regions[region].resources {
			for _, statement := range statements(r.Properties) {
				if statement["Effect"] != "Allow" {
					continue
				}
				allows++
				if statement["Principal"] == "*" {
					t.Errorf("%s: %s allows everybody: %v", region, r.ID, statement)
				}
				for _, action := range texts(statement["Action"]) {
					if strings.Contains(action, "*") {
						t.Errorf("%s: %s allows %s", region, r.ID, action)
					}
				}
				if statement["Resource"] == nil { // a trust policy has none
					continue
				}
				for _, arn := range texts(statement["Resource"]) {
					exact := strings.TrimSuffix(arn, ":*")
					if strings.HasPrefix(arn, "arn:aws:s3:::") {
						exact = strings.TrimSuffix(arn, "/*")
					}
					if strings.Contains(exact, "*") {
						t.Errorf("%s: %s allows on %s", region, r.ID, arn)
					}
				}
			}
		}
	}
	// Topic, queue, three of trust and six statements of the role.
	if want := 11 * len(set.Regions); allows != want {
		t.Errorf("%d Allow statements, want %d", allows, want)
	}
}

// statements finds all policy statements in a tree of properties.
func statements(v any) []object {
	var found []object
	switch v := v.(type) {
	case list:
		for _, each := range v {
			found = append(found, statements(each)...)
		}
	case object:
		if _, ok := v["Effect"]; ok {
			return []object{v}
		}
		for _, each := range v {
			found = append(found, statements(each)...)
		}
	}
	return found
}
