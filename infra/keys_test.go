package infra

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// TestKeys reads the policies that encryption with keys brings: that of a key
// that is made, and what the role may do with the keys.
func TestKeys(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, Encryption: "kms"}
	made := synthesize(t, set)
	set.KMSKeyARNs = existingKeys(set.Regions)
	configured := synthesize(t, set)

	bucket := "arn:aws:s3:::media-111122223333-us-east-1"
	topic := "arn:aws:sns:us-east-1:111122223333:media-object-created"
	use := list{"kms:GenerateDataKey", "kms:Decrypt"}
	key := made.regions["us-east-1"].one(t, "AWS::KMS::Key")
	equal(t, "rotation", key.at("EnableKeyRotation"), any(true))
	equal(t, "key policy", key.at("KeyPolicy.Statement"), any(list{
		object{"Sid": "AccountDecides", "Effect": "Allow", "Principal": object{"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*",
			"Resource": "*"},
		object{"Sid": "BucketPublishes", "Effect": "Allow", "Principal": object{"Service": "s3.amazonaws.com"}, "Action": use,
			"Resource":  "*",
			"Condition": object{"ArnEquals": object{"aws:SourceArn": bucket}, "StringEquals": object{"aws:SourceAccount": testAccount}}},
		object{"Sid": "TopicSendsUndelivered", "Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": use,
			"Resource":  "*",
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
		{"given", configured, set.KMSKeyARNs["us-east-1"],
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
