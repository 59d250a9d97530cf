package health

import (
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// carefulSet has what is optional and has grants or resources of its own.
func carefulSet() replicaset.Config {
	set := testSet()
	set.Encryption, set.BatchOperations, set.Tracing = replicaset.EncryptionKMS, true, true
	set.ReplicationTimeEvents, set.NoUserCopies = true, true
	return set
}

func TestHealthyCarefulSetHasNoFindings(t *testing.T) {
	if got := Check(healthyOf(carefulSet())); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	careful := carefulSet()
	careful.KMSKeyARNs = map[string]string{}
	for _, region := range careful.Regions {
		careful.KMSKeyARNs[region] = testKey(region)
	}
	if got := Check(healthyOf(careful)); len(got) != 0 {
		t.Errorf("findings %+v with keys that are given, want none", got)
	}
}

func carefulTroubles() []trouble {
	const otherKey = "arn:aws:kms:eu-west-1:111122223333:key/99999999-2222-3333-4444-555555555555"
	function := func(old, with string) func(r *Region) {
		return func(r *Region) { replace(&r.Role.Value.Policies.Value[0], old, with) }
	}
	job := func(old, with string) func(r *Region) {
		return func(r *Region) { replace(&r.JobRole.Value.Policies.Value[0], old, with) }
	}
	const decrypt = `"kms:Decrypt","Resource":"`
	own := testKey("eu-west-1")
	return []trouble{
		{"copies announced that are not followed",
			func(r *Region) { r.Bucket.Value.Notifications.Value[0].Events = []string{"s3:ObjectCreated:*"} },
			checkNotification, Warning, "sends topic media-object-created events of copies, though copiesByUsers is false"},
		{"uploads not announced", func(r *Region) {
			r.Bucket.Value.Notifications.Value = r.Bucket.Value.Notifications.Value[1:]
		}, checkNotification, Failed, "sends topic media-object-created no events of objects made by Put"},
		{"bucket with S3's keys", func(r *Region) { r.Bucket.Value.Encryption.Value = Encryption{Algorithm: "AES256"} }, checkBucketKey,
			Failed, "by AES256, not by aws:kms"},
		{"bucket encrypted twice", func(r *Region) { r.Bucket.Value.Encryption.Value.Algorithm = "aws:kms:dsse" }, checkBucketKey, Failed,
			"by aws:kms:dsse, not"},
		{"bucket with AWS's own key", func(r *Region) { r.Bucket.Value.Encryption.Value.Key = "" }, checkBucketKey, Failed,
			"AWS's own key, not with " + own},
		{"bucket with another key", func(r *Region) { r.Bucket.Value.Encryption.Value.Key = otherKey }, checkBucketKey, Failed,
			"with " + otherKey + ", not with " + own},
		{"no bucket key", func(r *Region) { r.Bucket.Value.Encryption.Value.BucketKey = false }, checkBucketKey, Warning, "no bucket key"},
		{"bucket's encryption denied", func(r *Region) { r.Bucket.Value.Encryption = Look[Encryption]{Why: denied} }, checkBucketKey,
			Unknown, denied},
		{"topic without a key", func(r *Region) { r.Topic.Value.Key = "" }, checkTopicKey, Failed, "no KMS key, not with " + own},
		{"topic with another key", func(r *Region) { r.Topic.Value.Key = otherKey }, checkTopicKey, Failed, otherKey},
		{"topic with AWS's key", func(r *Region) { r.Topic.Value.Key = "alias/aws/sns" }, checkTopicKey, Failed, "alias/aws/sns"},
		{"queue without a key", func(r *Region) { r.Queue.Value.Key = "" }, checkQueueKey, Failed, "no KMS key"},
		{"queue with another key", func(r *Region) { r.Queue.Value.Key = otherKey }, checkQueueKey, Failed, otherKey},

		{"may not announce", function("events:PutEvents", "events:PutRule"), checkActions, Failed,
			"late replicas cause no EventBridge events"},
		{"may not encrypt", function("kms:GenerateDataKey", "kms:DescribeKey"), checkActions, Failed, "kms:GenerateDataKey on " + own},
		{"may not decrypt here", function(decrypt+own, decrypt+otherKey), checkActions, Failed, "kms:Decrypt on " + own},
		{"may not decrypt one source", function(":kms:us-east-1:", ":kms:us-east-2:"), checkActions, Failed,
			"nothing is copied from us-east-1"},
		{"keys of another alias", function("alias/media-replica-set", "alias/other"), checkActions, Failed,
			"kms:Decrypt on arn:aws:kms:us-east-1:"},
		{"only what has a bucket key", function(`,"arn:aws:s3:::media-*-1/*"`, ""), checkActions, Failed, "kms:Decrypt on"},
		{"only what has no bucket key", function(`"arn:aws:s3:::media-*-1",`, ""), checkActions, Failed, "kms:Decrypt on"},
		{"conditions that are not understood", function("kms:ResourceAliases", "kms:CallerAccount"), checkActions, Unknown,
			"not understand"},
		{"may not pass tasks on", function(`function:media-replicator"},{`, `function:other"},{`), checkActions, Failed,
			"jobs copy nothing to us-east-1"},
		{"may not read current tags", function("s3:GetObjectTagging", "s3:GetObjectAcl"), checkActions, Failed,
			"jobs copy no objects with tags from us-east-1"},

		{"no traces", func(r *Region) { r.Function.Value.Tracing = "PassThrough" }, checkTracing, Warning, "sends no traces"},
		{"may not send traces", function("xray:PutTraceSegments", "xray:GetGroup"), checkTracing, Warning, "xray:PutTraceSegments on *"},
		{"traces under conditions",
			function(`"xray:PutTraceSegments","Resource":"*"`,
				`"xray:PutTraceSegments","Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"true"}}`),
			checkTracing, Warning, "not understand"},

		{"no role for jobs", func(r *Region) { r.JobRole = Look[Role]{State: Absent} }, checkJobRole, Failed,
			"role media-batch-eu-west-1 does not exist"},
		{"role for jobs denied", func(r *Region) { r.JobRole = Look[Role]{Why: denied} }, checkJobRole, Unknown, denied},
		{"role for jobs of another service", func(r *Region) { replace(&r.JobRole.Value.Trust, "batchoperations.s3.", "s3.") },
			checkJobTrust, Failed, "media-batch-eu-west-1"},
		{"jobs may not invoke", job("lambda:InvokeFunction", "lambda:GetFunction"), checkJobActions, Failed, "jobs copy nothing"},
		{"jobs may not list", job("s3:PutInventoryConfiguration", "s3:ListBucket"), checkJobActions, Failed, "jobs find no objects"},
		{"jobs may not report", job("/.s3fanout/reports/", "/elsewhere/"), checkJobActions, Failed, "s3:PutObject on"},
		{"jobs may not encrypt", job("kms:GenerateDataKey", "kms:DescribeKey"), checkJobActions, Failed, "kms:GenerateDataKey on " + own},
		{"jobs' permissions denied", func(r *Region) { r.JobRole.Value.Policies = Look[[]string]{Why: denied} }, checkJobActions,
			Unknown, denied},
		{"boundary of jobs", func(r *Region) { r.JobRole.Value.Boundary = "arn:b" }, checkBoundary, Note, "role media-batch-eu-west-1 has"},
	}
}

// A set that was deployed without keys, before cdk.json asked for them: no
// resource tells which key it is, and nothing passes for healthy.
func TestKeysThatAreNotDeployed(t *testing.T) {
	facts := healthy()
	facts.Set.Encryption = replicaset.EncryptionKMS
	got := map[string]Severity{}
	for _, f := range Check(facts) {
		if f.Region == "us-east-1" {
			got[f.Check+" "+string(f.Severity)] = f.Severity
		}
	}
	for _, want := range []string{
		"bucket-encryption failed", "topic-encryption failed", "queue-encryption failed", "role-permissions failed",
		"role-permissions unknown",
	} {
		if _, ok := got[want]; !ok {
			t.Errorf("findings %v lack %s", got, want)
		}
	}
}

// The key may be given by its ARN, by its ID, or by the alias that the stack
// makes; keys that are given have no such alias.
func TestNamesOfTheKey(t *testing.T) {
	own := testKey("eu-west-1")
	id := own[strings.LastIndex(own, "/")+1:]
	for _, c := range []struct {
		name string
		own  bool
		want bool
	}{
		{own, false, true}, {id, false, true}, {"alias/media-replica-set", false, true},
		{"arn:aws:kms:eu-west-1:111122223333:alias/media-replica-set", false, true},
		{"arn:aws:kms:us-east-1:111122223333:alias/media-replica-set", false, false},
		{"5", false, false}, {"", false, false}, {"alias/aws/sqs", false, false}, {testKey("us-east-1"), false, false},
		{own, true, true}, {id, true, true}, {"alias/media-replica-set", true, false},
	} {
		set := carefulSet()
		if c.own {
			set.KMSKeyARNs = map[string]string{
				"us-east-1": testKey("us-east-1"), "eu-west-1": own, "ap-northeast-1": testKey("ap-northeast-1"),
			}
		}
		facts := healthyOf(set)
		facts.Regions[1].Queue.Value.Key = c.name
		if findings := Check(facts); (len(findings) == 0) != c.want {
			t.Errorf("%s (given: %v): findings %+v", c.name, c.own, findings)
		}
	}
}
