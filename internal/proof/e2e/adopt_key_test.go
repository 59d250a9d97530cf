package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A bucket that its owner's key encrypts is copied to and from once the
// configuration names the key; the check and doctor say so where it does not.
func TestAdoptedBucketWithAKey(t *testing.T) {
	t.Parallel()
	w := startAccount(t)
	w.deployAll(nothingElse(t).withOwner())
	const bucket = "my-old-bucket"
	w.oldBucket("us-east-1", bucket)
	key, err := kms.NewFromConfig(w.config("us-east-1")).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/owners")})
	if err != nil {
		t.Fatal(err)
	}
	arn := *key.KeyMetadata.Arn
	if _, err := w.s3("us-east-1").PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{
		Bucket: aws.String(bucket),
		ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
				SSEAlgorithm: s3types.ServerSideEncryptionAwsKms, KMSMasterKeyID: &arn,
			},
		}}},
	}); err != nil {
		t.Fatal(err)
	}
	before := w.settingsOf("us-east-1", bucket)

	check := func(config string, want int) {
		t.Helper()
		if code, stdout, stderr := w.command("adopt", "--check", "--config", config); code != want {
			t.Errorf("adopt --check: exit %d, want %d\n%s%s", code, want, stdout, stderr)
		}
	}
	_, without := adopting(t, map[string]string{"us-east-1": bucket}, nil)
	check(without, 3)
	context, config := adopting(t, map[string]string{"us-east-1": bucket}, map[string]string{"us-east-1": arn})
	check(config, 0)
	set := editable(t, synthesize(t, context)).withOwner()
	set.operatorIn("media-us-east-1", "operator", adoptersPolicies(t, arn)...)
	w.deployAll(set, adoptRegions...)
	w.wantHealthOf(config, nil)
	w.as(w.mustAssume("arn:aws:iam::123456789012:role/operator", "operator")).wantHealthOf(config, nil)
	w.wantHealthOf(without, []string{"us-east-1 adopted-encryption"})
	in, out := object{key: "films/in", body: "encrypted by the owner's key as it comes in"},
		object{key: "films/out", body: "and decrypted as it goes out"}
	w.upload("eu-west-1", in)
	w.upload("us-east-1", out)
	w.settle()
	w.wantEverywhere(in)
	w.wantEverywhere(out)
	head, err := w.s3("us-east-1").HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &in.key})
	if err != nil || aws.ToString(head.SSEKMSKeyId) != arn {
		t.Errorf("the replica is encrypted by %s (%v), want the bucket's key", aws.ToString(head.SSEKMSKeyId), err)
	}

	// Without the permissions that the field gives, it is neither.
	nothing := func(s map[string]any) { s["Action"] = "kms:DescribeKey" }
	set.edit("media-us-east-1", ofStatement("EncryptInAdopted", nothing))
	set.edit("media-eu-west-1", ofStatement("DecryptAdopted", nothing))
	w.deployAll(set, adoptRegions...)
	w.upload("eu-west-1", object{key: "films/in too", body: "x"})
	w.upload("us-east-1", object{key: "films/out too", body: "x"})
	w.settle()
	w.wantMissing("us-east-1", "films/in too")
	w.wantMissing("eu-west-1", "films/out too")

	w.emptied("eu-west-1")
	w.emptied("ap-northeast-1")
	w.deployAll(nothingElse(t).withOwner())
	w.wantSettings("us-east-1", bucket, before)
}

// adoptersPolicies are those of docs/policies for looking at a set that adopts
// my-old-bucket with this key.
func adoptersPolicies(t *testing.T, key string) []map[string]any {
	t.Helper()
	looking, _ := pagePolicies(t)
	adopted := pagePolicy(t, "adopted")
	for _, s := range adopted["Statement"].([]any) {
		if statement := s.(map[string]any); statement["Sid"] == "LookAtItsKey" {
			statement["Resource"] = key
		}
	}
	var named []map[string]any
	for _, p := range []map[string]any{looking, adopted} {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var policy map[string]any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "s3fanout-", "media-")), &policy); err != nil {
			t.Fatal(err)
		}
		named = append(named, policy)
	}
	return named
}
