package infra

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"s3fanout/internal/iampolicy"
	"s3fanout/internal/replicaset"
)

// onlyByAccessPoint wants the bucket's policy to have the statement, or none but
// that about TLS, as the set is configured.
func onlyByAccessPoint(t *testing.T, r relations) {
	t.Helper()
	if r.adopted() {
		return
	}
	statements := r.one(t, "AWS::S3::BucketPolicy").at("PolicyDocument.Statement").(list)
	if !r.set.OnlyByAccessPoint() {
		equal(t, "statements", len(statements), 1)
		return
	}
	var direct list
	for _, arn := range r.set.DirectAccess(testAccount) {
		direct = append(direct, arn)
	}
	equal(t, "statement", statements[1], any(object{
		"Sid": "OnlyByAccessPoint", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": r.member(r.region).BucketARN() + "/*",
		"Condition": object{
			"ArnNotLike": object{"s3:DataAccessPointArn": "arn:aws:s3::" + testAccount + ":accesspoint/*", "aws:PrincipalArn": direct},
		}}))
}

// onlySet has everything that brings roles which reach objects.
func onlySet() replicaset.Config {
	return replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, BatchOperations: true, AccessPoint: &replicaset.AccessPoint{},
		Access: replicaset.AccessPointOnly, OperatorARNs: []string{"arn:aws:iam::{account}:role/team/ops"},
		DirectAccessARNs: []string{"arn:aws:iam::444455556666:role/etl"},
	}
}

// TestAccessPointOnlyPolicy asks the policy of the bucket in us-east-1 what it
// denies, and whom.
func TestAccessPointOnlyPolicy(t *testing.T) {
	here := newSite(testAccount, onlySet(), "us-east-1")
	bucket := here.BucketARN()
	raw, err := json.Marshal(policyDocument(here.bucketPolicy(bucket)...))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iampolicy.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) string { return "arn:aws:iam::" + testAccount + ":role/" + name }
	const (
		point   = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"
		foreign = "arn:aws:s3::444455556666:accesspoint/mfzwi23gnjvgw.mrap"
		local   = "arn:aws:s3:us-east-1:111122223333:accesspoint/local"
	)
	object := bucket + "/films/a.mp4"
	for _, tt := range []struct {
		who, action, resource, by string
		denied                    bool
	}{
		{role("app"), "s3:GetObject", object, "", true},
		{role("app"), "s3:PutObject", object, "", true},
		{role("app"), "s3:DeleteObject", object, "", true},
		{role("app"), "s3:DeleteObjectVersion", object, "", true},
		{role("app"), "s3:PutObjectTagging", object, "", true},
		{role("app"), "s3:AbortMultipartUpload", object, "", true},
		{role("app"), "s3:BypassGovernanceRetention", object, "", true},
		{"", "s3:GetObject", object, "", true}, // a service, or nobody in particular
		{"arn:aws:iam::" + testAccount + ":root", "s3:GetObject", object, "", true},

		{role("app"), "s3:GetObject", object, point, false},
		{role("app"), "s3:PutObject", object, point, false},
		{role("app"), "s3:GetObject", object, foreign, true},
		{role("app"), "s3:GetObject", object, local, true},
		{role("app"), "s3:GetObject", object, "arn:aws-cn:s3::111122223333:accesspoint/a.mrap", true},

		// So that the policy can be repaired, and what there is can be seen.
		{role("app"), "s3:ListBucket", bucket, "", false},
		{role("app"), "s3:PutBucketPolicy", bucket, "", false},
		{role("app"), "s3:DeleteBucketPolicy", bucket, "", false},
		{role("app"), "s3:PutLifecycleConfiguration", bucket, "", false},

		// The set's own roles, of all Regions, and those who are named.
		{role("media-replicator-us-east-1"), "s3:PutObject", object, "", false},
		{role("media-replicator-eu-west-1"), "s3:GetObjectVersion", object, "", false},
		{role("media-batch-us-east-1"), "s3:PutObject", object, "", false},
		{role("team/ops"), "s3:GetObject", object, "", false},
		{"arn:aws:iam::444455556666:role/etl", "s3:GetObject", object, "", false},

		// Those who only look like them.
		{role("ops"), "s3:GetObject", object, "", true},
		{role("media-replicator-us-east-1-mine"), "s3:GetObject", object, "", true},
		{role("media-replicator-us-west-2"), "s3:GetObject", object, "", true},
		{"arn:aws:iam::444455556666:role/media-replicator-us-east-1", "s3:GetObject", object, "", true},
		{"arn:aws:iam::" + testAccount + ":user/media-replicator-us-east-1", "s3:GetObject", object, "", true},
		{role("etl"), "s3:GetObject", object, "", true},
	} {
		t.Run(fmt.Sprint(tt.who, " ", tt.action, " by ", tt.by), func(t *testing.T) {
			r := iampolicy.Request{
				Action: tt.action, Resource: tt.resource, Principal: &iampolicy.Principal{ARNs: []string{tt.who}}, Whole: true,
				Context: map[string]string{"aws:securetransport": "true"},
			}
			if tt.who != "" {
				r.Context["aws:principalarn"] = tt.who
			} else {
				r.Principal = &iampolicy.Principal{Service: "logging.s3.amazonaws.com"}
			}
			if tt.by != "" {
				r.Context["s3:dataaccesspointarn"] = tt.by
			}
			if got := policy.Says(r).Denies; (got == iampolicy.Yes) != tt.denied || got == iampolicy.Perhaps {
				t.Errorf("denies: %s, want %t", got, tt.denied)
			}
		})
	}
}

// The commands' sessions are of the functions' roles, and aws:PrincipalArn is the
// role's: without any of these ARNs somebody would be shut out who has work to do.
func TestDirectAccessHasAllRoles(t *testing.T) {
	set := onlySet()
	set.Reconcile = &replicaset.Reconcile{}
	got := strings.Join(set.DirectAccess(testAccount), "\n")
	for _, member := range set.Members(testAccount) {
		for _, arn := range []string{member.RoleARN(), member.JobRoleARN(), member.ReconcileRoleARN()} {
			if !strings.Contains(got, arn) {
				t.Errorf("%s is missing in\n%s", arn, got)
			}
		}
	}
	set.BatchOperations, set.Reconcile = false, nil
	if list := set.DirectAccess(testAccount); len(list) != 4 { // two functions, operators and etl
		t.Errorf("%d ARNs, want 4: %v", len(list), list)
	}
}

// S3 takes a policy of 20 KiB. The message is about the list that makes it so long.
func TestLongListsOfDirectAccessAreRefused(t *testing.T) {
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("arn:aws:iam::{account}:role/%064d", i))
	}
	for field, change := range map[string]func(*replicaset.Config){
		"directAccessArns": func(set *replicaset.Config) { set.DirectAccessARNs = many },
		"operatorArns":     func(set *replicaset.Config) { set.OperatorARNs = many },
	} {
		set := onlySet()
		change(&set)
		err := Config(set).Validate()
		if err == nil || !strings.HasPrefix(err.Error(), "s3fanout."+field+": they make the policy of the bucket in us-east-1 ") ||
			!strings.HasSuffix(err.Error(), "AWS allows 20480; list fewer, for instance one role that the others assume") {
			t.Errorf("got %v, want %s", err, field)
		}
	}
}

// What docs/one-endpoint.md tells owners of adopted buckets to put into their
// policies is what the set puts into those of its own buckets, with the roles of
// all kinds.
func TestPageShowsTheStatementForAdoptedBuckets(t *testing.T) {
	page, err := os.ReadFile("../docs/one-endpoint.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Only through the access point\n")
	section, _, _ = strings.Cut(section, "\n## ")
	text, shown, ok := strings.Cut(section, "```json\n")
	shown, _, closed := strings.Cut(shown, "```")
	if !ok || !closed {
		t.Fatal("the page shows no statement")
	}
	set := onlySet()
	set.BatchOperations, set.OperatorARNs, set.DirectAccessARNs = false, nil, []string{}
	document, err := json.Marshal(policyDocument(newSite(testAccount, set, "us-east-1").bucketPolicy("arn:aws:s3:::my-old-bucket")...))
	if err != nil {
		t.Fatal(err)
	}
	var policy struct{ Statement []any }
	var statement any
	if err := json.Unmarshal(document, &policy); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(shown), &statement); err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	equal(t, "statement", statement, policy.Statement[1])
	for _, member := range set.Members(testAccount) {
		for _, name := range []string{member.JobRoleName(), member.ReconcileRoleName()} {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the page does not name role %s", name)
			}
		}
	}
}

// endpoints wants an endpoint in the first Region, or none.
func endpoints(there bool) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		there := there && r.region == r.set.Regions[0]
		if !there {
			equal(t, "endpoints", len(r.all("AWS::EC2::VPCEndpoint")), 0)
			return
		}
		endpoint := r.one(t, "AWS::EC2::VPCEndpoint")
		for name, want := range map[string]any{
			"ServiceName": "com.amazonaws.s3-global.accesspoint", "VpcEndpointType": "Interface", "VpcId": "vpc-01234567",
			"SubnetIds":        list{"subnet-01234567"},
			"SecurityGroupIds": nil, "PrivateDnsEnabled": true,
		} {
			equal(t, name, endpoint.at(name), want)
		}
	}
}

// TestEndpointPolicy asks the policy of an endpoint what it lets through: an
// action on an object takes an answer for the access point and one for the bucket.
func TestEndpointPolicy(t *testing.T) {
	here := newSite(testAccount, onlySet(), "us-east-1")
	raw, err := json.Marshal(policyDocument(here.endpointPolicy()...))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iampolicy.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	const (
		point = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"
		own   = "arn:aws:s3:::media-111122223333-us-east-1"
		other = "arn:aws:s3:::media-111122223333-eu-west-1"
	)
	for _, tt := range []struct {
		action, resource, account, owner string
		want                             iampolicy.Answer
	}{
		{"s3:GetObject", point + "/object/a/b", testAccount, testAccount, iampolicy.Yes},
		{"s3:GetObject", own + "/a/b", testAccount, testAccount, iampolicy.Yes},
		{"s3:GetObject", other + "/a/b", testAccount, testAccount, iampolicy.Yes},
		{"s3:PutObject", other + "/a", testAccount, testAccount, iampolicy.Yes},
		{"s3:AbortMultipartUpload", point + "/object/a", testAccount, testAccount, iampolicy.Yes},
		{"s3:DeleteObjectTagging", point + "/object/a", testAccount, testAccount, iampolicy.Yes},
		{"s3:DeleteObjectTagging", own + "/a", testAccount, testAccount, iampolicy.Yes},
		{"s3:ListBucket", point, testAccount, testAccount, iampolicy.Yes},
		{"s3:ListBucket", other, testAccount, testAccount, iampolicy.Yes},

		{"s3:GetObject", "arn:aws:s3:::elsewhere/a", testAccount, testAccount, iampolicy.No},
		{"s3:GetObject", "arn:aws:s3::444455556666:accesspoint/mfzwi23gnjvgw.mrap/object/a", testAccount, "444455556666", iampolicy.No},
		{"s3:GetObject", own + "/a", "444455556666", testAccount, iampolicy.No},
		{"s3:GetObject", own + "/a", testAccount, "444455556666", iampolicy.No}, // a bucket's name that somebody else has taken
		{"s3:DeleteObjectVersion", own + "/a", testAccount, testAccount, iampolicy.No},
		{"s3:GetObjectVersion", own + "/a", testAccount, testAccount, iampolicy.No},
		{"s3:PutObjectAcl", own + "/a", testAccount, testAccount, iampolicy.No},
		{"s3:PutBucketPolicy", own, testAccount, testAccount, iampolicy.No},
		{"s3:DeleteBucket", own, testAccount, testAccount, iampolicy.No},
		{"s3:ListBucketVersions", own, testAccount, testAccount, iampolicy.No},
	} {
		got := policy.Says(iampolicy.Request{
			Action: tt.action, Resource: tt.resource,
			Principal: &iampolicy.Principal{ARNs: []string{"arn:aws:iam::" + tt.account + ":role/app"}}, Whole: true,
			Context: map[string]string{"aws:principalaccount": tt.account, "aws:resourceaccount": tt.owner},
		}).Answer()
		if got != tt.want {
			t.Errorf("%s on %s by %s of %s: %s, want %s", tt.action, tt.resource, tt.account, tt.owner, got, tt.want)
		}
	}
}
