package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// TestKeys reads the policies that encryption with keys brings: that of a key
// that is made, and what the role may do with the keys.
func TestKeys(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, Encryption: "kms"}
	made := synthesize(t, set)
	set.KMSKeyARNs = givenKeys(set.Regions)
	given := synthesize(t, set)

	bucket := "arn:aws:s3:::media-111122223333-us-east-1"
	topic := "arn:aws:sns:us-east-1:111122223333:media-object-created"
	use := list{"kms:GenerateDataKey", "kms:Decrypt"}
	key := made.regions["us-east-1"].one(t, "AWS::KMS::Key")
	equal(t, "rotation", key.at("EnableKeyRotation"), any(true))
	equal(t, "key policy", key.at("KeyPolicy.Statement"), any(list{
		object{"Sid": "AccountDecides", "Effect": "Allow", "Principal": object{"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
		object{"Sid": "BucketPublishes", "Effect": "Allow", "Principal": object{"Service": "s3.amazonaws.com"}, "Action": use, "Resource": "*",
			"Condition": object{"ArnEquals": object{"aws:SourceArn": bucket}, "StringEquals": object{"aws:SourceAccount": testAccount}}},
		object{"Sid": "TopicSendsUndelivered", "Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": use, "Resource": "*",
			"Condition": object{"ArnEquals": object{"aws:SourceArn": topic}}},
	}))

	// What the page asks of keys that are given is what a made key has.
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var said, has list
	_, text, _ := strings.Cut(string(page), "```json\n{\"Effect\"")
	text, _, _ = strings.Cut(text, "```")
	if err := json.Unmarshal([]byte(`[{"Effect"`+text+`]`), &said); err != nil {
		t.Fatalf("the page's statements: %v", err)
	}
	for _, s := range key.at("KeyPolicy.Statement").(list)[1:] {
		delete(s.(object), "Sid")
		has = append(has, s)
	}
	equal(t, "statements of the page", any(said), any(has))

	sources := list{"arn:aws:s3:::media-111122223333-*", "arn:aws:s3:::media-111122223333-*/*"}
	for _, tc := range []struct {
		what      string
		s         synthesized
		own       string
		others    list
		condition object
	}{
		{"made", made, madeKey("us-east-1"),
			list{"arn:aws:kms:eu-west-1:111122223333:key/*", "arn:aws:kms:ap-northeast-1:111122223333:key/*"},
			object{"StringLike": object{"kms:EncryptionContext:aws:s3:arn": sources},
				"ForAnyValue:StringEquals": object{"kms:ResourceAliases": "alias/media-replica-set"}}},
		{"given", given, set.KMSKeyARNs["us-east-1"],
			list{set.KMSKeyARNs["eu-west-1"], set.KMSKeyARNs["ap-northeast-1"]},
			object{"StringLike": object{"kms:EncryptionContext:aws:s3:arn": sources}}},
	} {
		role := tc.s.regions["us-east-1"].one(t, "AWS::IAM::Role")
		var got list
		for _, s := range role.at("Policies.0.PolicyDocument.Statement").(list) {
			if strings.HasPrefix(texts(s.(object)["Action"])[0], "kms:") {
				got = append(got, s)
			}
		}
		equal(t, "role with keys that are "+tc.what, any(got), any(list{
			object{"Sid": "EncryptHere", "Effect": "Allow", "Action": use, "Resource": tc.own},
			object{"Sid": "DecryptSources", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": tc.others, "Condition": tc.condition},
		}))
	}
}

// TestPolicyFitsTwentyRegions measures the role's policy where it is longest
// against the limit of what a role can hold inline, white space left out
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestPolicyFitsTwentyRegions(t *testing.T) {
	const limit = 10_240
	set := replicaset.Config{
		Name: "a-name-of-thirty-two-characters0", Encryption: "kms", BucketNamespace: "account-regional", OptInRegions: true, BatchOperations: true, Tracing: true,
		Regions: []string{
			"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
			"eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "eu-south-1", "ap-east-1", "af-south-1",
		},
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	code, out := codeDir(t), t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
	NewRegionStack(app, RegionStackProps{Set: set, Region: "us-east-1", FunctionDir: code})
	app.Synth(nil)
	stack := load(t, out, set, set.RegionStackName("us-east-1"), "us-east-1")
	var documents []any
	for _, role := range stack.all("AWS::IAM::Role") {
		if role.at("RoleName") == any(set.RoleName("us-east-1")) {
			documents = append(documents, role.at("Policies.0.PolicyDocument"))
		}
	}
	for _, policy := range stack.all("AWS::IAM::Policy") { // its roles' inline policies
		documents = append(documents, policy.at("PolicyDocument"))
	}
	total := 0
	for _, document := range documents {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		total += len(text)
	}
	if t.Logf("%d policies, %d characters", len(documents), total); total > limit {
		t.Errorf("the role's policies have %d characters, %d are allowed", total, limit)
	}
}
