package infra

import (
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

const adoptedKey = "arn:aws:kms:us-east-1:" + testAccount + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"

// adoptingSet adopts a bucket with a key of its own in the first Region.
func adoptingSet() replicaset.Config {
	return replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"},
		Buckets:       map[string]string{"us-east-1": "my-old.bucket"},
		BucketKeyARNs: map[string]string{"us-east-1": adoptedKey},
	}
}

const adoptionType = "Custom::S3FanoutAdoptedBucket"

// adoption are the resources of a Region stack that are there for an adopted
// bucket.
func (tp template) adoption() []resource {
	var found []resource
	for _, r := range tp.resources {
		if isAdoption(r) {
			found = append(found, r)
		}
	}
	return found
}

func isAdoption(r resource) bool { return strings.HasPrefix(r.ID, "Adoption") }

// TestAdoption looks at what a Region stack has for an adopted bucket, and at who
// names it elsewhere.
func TestAdoption(t *testing.T) {
	set := adoptingSet()
	set.Filters = []replicaset.Filter{{Prefix: "a b/", Suffix: ".jpg"}, {Prefix: "c/", OwnFollow: true, Follow: everything}}
	s := synthesize(t, set)
	here := s.member("us-east-1")
	const arn = "arn:aws:s3:::my-old.bucket"

	stack := s.regions["us-east-1"]
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} {
		equal(t, kind, len(stack.all(kind)), 0)
		equal(t, kind+" elsewhere", len(s.regions["eu-west-1"].all(kind)), 1)
	}
	for _, region := range []string{"eu-west-1", "ap-northeast-1"} {
		equal(t, "adoption in "+region, len(s.regions[region].adoption()), 0)
	}
	at := relations{synthesized: s, region: "us-east-1", template: stack}
	custom := at.template.one(t, adoptionType)
	equal(t, "properties", custom.Properties, object{
		"ServiceToken": here.ARN("lambda", "function:"+here.AdopterName()), "ServiceTimeout": 900.0,
		"Bucket": "my-old.bucket", "Account": testAccount, "IdPrefix": "s3fanout.media.",
		"Announcements": list{
			object{"Id": "s3fanout.media.1", "TopicArn": here.TopicARN(), "Events": list{"s3:ObjectCreated:*"}, "Prefix": "a+b/",
				"Suffix": ".jpg"},
			object{"Id": "s3fanout.media.2", "TopicArn": here.TopicARN(),
				"Events": list{"s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*"}, "Prefix": "c/"},
		},
	})
	equal(t, "dependencies", custom.DependsOn, []string{at.topicPolicy(t, here.TopicARN()).ID})
	equal(t, "topic's policy", at.topicPolicy(t, here.TopicARN()).at("PolicyDocument.Statement.0.Condition.ArnEquals"),
		any(object{"aws:SourceArn": arn}))
	at.testFunction(t)
	for _, region := range set.Regions {
		elsewhere := relations{synthesized: s, region: region, template: s.regions[region]}
		elsewhere.testFunction(t) // whose environment has the bucket
		var named []string
		for _, statement := range statements(elsewhere.one(t, "AWS::IAM::Role").Properties) {
			if statement["Resource"] != nil {
				named = append(named, texts(statement["Resource"])...)
			}
		}
		if !slices.Contains(named, arn) || !slices.Contains(named, arn+"/*") ||
			slices.ContainsFunc(named, func(s string) bool { return strings.Contains(s, "media-"+testAccount+"-"+here.Region) }) {
			t.Errorf("the role in %s may use %q, want the adopted bucket and none that is not made", region, named)
		}
	}
}

// TestAdopter compares what the adopting function and its role may do with a table,
// and holds that another bucket has a function and a role of its own: those of the
// old one are still needed to take the entries out.
func TestAdopter(t *testing.T) {
	set := adoptingSet()
	s := synthesize(t, set)
	here := s.member("us-east-1")
	parts := map[string]resource{}
	for _, r := range s.regions["us-east-1"].adoption() {
		parts[r.Type] = r
	}
	equal(t, "resources", len(parts), 4)
	function, role, logs := parts["AWS::Lambda::Function"], parts["AWS::IAM::Role"], parts["AWS::Logs::LogGroup"]
	for path, want := range map[string]any{
		"FunctionName": here.AdopterName(), "Handler": "bootstrap", "Runtime": "provided.al2023", "Timeout": 120.0, "MemorySize": 128.0,
		"Architectures": list{"arm64"}, "LoggingConfig.LogGroup": "/aws/lambda/" + here.AdopterName(), "Environment": nil,
		"Role": "arn:aws:iam::" + testAccount + ":role/" + here.AdopterName(),
	} {
		equal(t, path, function.at(path), want)
	}
	equal(t, "role's name", role.at("RoleName"), any(here.AdopterName()))
	equal(t, "log group", logs.at("LogGroupName"), any("/aws/lambda/"+here.AdopterName()))
	equal(t, "trust", role.at("AssumeRolePolicyDocument.Statement"), any(list{
		object{"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}))
	equal(t, "policies", role.at("Policies"),
		any(list{object{"PolicyName": "adopt", "PolicyDocument": object{"Version": "2012-10-17", "Statement": list{
			object{"Sid": "EditNotifications", "Effect": "Allow", "Resource": "arn:aws:s3:::my-old.bucket", "Condition": ownBuckets,
				"Action": list{"s3:GetBucketNotification", "s3:PutBucketNotification", "s3:GetBucketVersioning"}},
			object{"Sid": "WriteLogs", "Effect": "Allow", "Action": list{"logs:CreateLogStream", "logs:PutLogEvents"},
				"Resource": "arn:aws:logs:us-east-1:" + testAccount + ":log-group:/aws/lambda/" + here.AdopterName() + ":*"},
		}}}}))
	equal(t, "attached policies", role.at("ManagedPolicyArns"), nil)

	set.Buckets = map[string]string{"us-east-1": "my-oldbucket"}
	for _, other := range synthesize(t, set).regions["us-east-1"].adoption() {
		if mine := parts[other.Type]; mine.ID == other.ID ||
			other.Type == "AWS::Lambda::Function" && mine.at("FunctionName") == other.at("FunctionName") ||
			other.Type == "AWS::IAM::Role" && mine.at("RoleName") == other.at("RoleName") {
			t.Errorf("%s %s serves two buckets", other.Type, other.ID)
		}
	}
}

// TestKeysOfAdoptedBuckets: each role may use the keys for these buckets alone,
// beside those that the set makes and without.
func TestKeysOfAdoptedBuckets(t *testing.T) {
	within := object{
		"StringLike": object{"kms:EncryptionContext:aws:s3:arn": list{"arn:aws:s3:::my-old.bucket", "arn:aws:s3:::my-old.bucket/*"}},
	}
	for _, encryption := range []string{"s3", "kms"} {
		set := adoptingSet()
		set.Encryption = encryption
		s := synthesize(t, set)
		for _, region := range set.Regions {
			want := map[string]any{
				"DecryptAdopted": object{
					"Sid": "DecryptAdopted", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": adoptedKey, "Condition": within,
				},
			}
			if region == "us-east-1" {
				want = map[string]any{"EncryptInAdopted": object{"Sid": "EncryptInAdopted", "Effect": "Allow",
					"Action": list{"kms:GenerateDataKey", "kms:Decrypt"}, "Resource": adoptedKey, "Condition": within}}
			}
			got := map[string]any{}
			r := relations{synthesized: s, region: region, template: s.regions[region]}
			for _, statement := range statements(r.one(t, "AWS::IAM::Role").Properties) {
				if sid, _ := statement["Sid"].(string); strings.HasSuffix(sid, "Adopted") {
					got[sid] = statement
				}
			}
			equal(t, encryption+": "+region, got, want)
			equal(t, encryption+": topic's key in "+region, r.topic(t).at("KmsMasterKeyId"),
				map[string]any{"s3": nil, "kms": madeKey(region)}[encryption])
		}
	}
}

// adopts wants the buckets of some of the set's Regions, by their place, to be
// adopted and the others to be made.
func adopts(indexes map[int]bool) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		want := map[bool]int{true: 1}[indexes[slices.Index(r.set.Regions, r.region)]]
		equal(t, "adopted buckets", len(r.template.all(adoptionType)), want)
		equal(t, "resources for them", len(r.adoption()), 4*want)
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} {
			equal(t, kind, len(r.all(kind)), 1-want)
		}
	}
}

// adoptedNotifications are the entries that an adopted bucket gets, in the form
// that a bucket of the set's own has them in its template.
func adoptedNotifications(t *testing.T, r relations) (all []object) {
	t.Helper()
	for _, a := range r.template.one(t, adoptionType).at("Announcements").(list) {
		a := a.(object)
		var rules list
		for _, name := range []string{"Prefix", "Suffix"} {
			if value, ok := a[name]; ok {
				rules = append(rules, rule(strings.ToLower(name), value.(string)))
			}
		}
		for _, event := range a["Events"].(list) {
			c := object{"Event": event, "Topic": a["TopicArn"]}
			if rules != nil {
				c["Filter"] = object{"S3Key": object{"Rules": rules}}
			}
			all = append(all, c)
		}
	}
	return all
}
