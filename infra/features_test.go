package infra

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// level is one way to configure a feature, and what follows for a Region's
// template.
type level struct {
	name  string
	set   func(*replicaset.Config)
	check func(*testing.T, relations)
}

// features are what can be configured, each with its levels; the first is the
// default.
func features() [][]level {
	nothing := func(*replicaset.Config) {}
	// property is a check that a property of the only resource of a type has
	// a value; nil means that it is not there.
	property := func(kind, path string, want any) func(*testing.T, relations) {
		return func(t *testing.T, r relations) {
			t.Helper()
			equal(t, kind+" "+path, r.one(t, kind).at(path), want)
		}
	}
	return [][]level{
		{
			{"opt-in Regions left out", nothing, nil},
			{"opt-in Region", func(c *replicaset.Config) { c.Regions[1], c.OptInRegions = "eu-south-1", true }, nil},
		},
		{
			{"namespace by default", nothing, namespaced("", nil)},
			{"global namespace", func(c *replicaset.Config) { c.BucketNamespace = "global" }, namespaced("", "global")},
			{"account-regional namespace", func(c *replicaset.Config) { c.BucketNamespace = "account-regional" }, namespaced("-an", "account-regional")},
		},
		{
			{"buckets that are made", nothing, nil},
			{"one adopted", func(c *replicaset.Config) { c.Buckets = map[string]string{c.Regions[0]: "my-old-bucket"} }, adopts(map[int]bool{0: true})},
			{"one adopted, with a key", func(c *replicaset.Config) {
				c.Buckets, c.BucketKeyARNs = map[string]string{c.Regions[1]: "my.other.bucket"}, givenKeys(c.Regions[1:])
			}, adopts(map[int]bool{1: true})},
		},
		{
			{"every key", nothing, announced(nil)},
			{"one filter", func(c *replicaset.Config) { c.Filters = []replicaset.Filter{{Prefix: "a b/", Suffix: ".jpg"}} },
				announced(list{list{rule("prefix", "a+b/"), rule("suffix", ".jpg")}})},
			{"two filters", func(c *replicaset.Config) { c.Filters = []replicaset.Filter{{Suffix: ".jpg"}, {Suffix: ".p=g"}} },
				announced(list{list{rule("suffix", ".jpg")}, list{rule("suffix", ".p%3Dg")}})},
		},
		{
			{"nothing left out", nothing, nil}, // relations.testFunction looks at it
			{"keys left out", func(c *replicaset.Config) {
				c.Exclude = replicaset.Exclusions{{Suffix: ".jpg.part"}, {Prefix: "a b/tmp/"}}
			}, nil},
		},
		{
			{"first write wins", nothing, followed("s3:ObjectCreated:*")},
			{"overwrites", func(c *replicaset.Config) { c.Follow = overwrites }, followed("s3:ObjectCreated:*")},
			{"deletions", func(c *replicaset.Config) { c.Follow = deletions }, followed("s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated")},
			{"overwrites and tags", func(c *replicaset.Config) { c.Follow = replicaset.Follow{Overwrites: true, Tags: true} },
				followed("s3:ObjectCreated:*", "s3:ObjectTagging:*")},
			{"everything", func(c *replicaset.Config) { c.Follow = everything },
				followed("s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*")},
			{"overwrites, since a while", func(c *replicaset.Config) {
				c.Follow, c.FollowSince = overwrites, time.Date(2026, 11, 29, 8, 30, 0, 0, time.UTC)
			}, since("2026-11-29T08:30:00Z")},
		},
		{
			{"copying by default", nothing, nil}, // relations.testFunction looks at it
			{"copying", func(c *replicaset.Config) {
				c.MultipartThresholdMiB, c.MultipartParallel, c.ReplicaStorageClass = 5, 1, "source"
			}, nil},
		},
		{
			{"no jobs", nothing, roles(1)},
			{"jobs", func(c *replicaset.Config) { c.BatchOperations = true }, roles(2)},
		},
		{
			{"memory by default", nothing, property("AWS::Lambda::Function", "MemorySize", 256.0)},
			{"memory", func(c *replicaset.Config) { c.FunctionMemoryMiB = 1024 }, property("AWS::Lambda::Function", "MemorySize", 1024.0)},
		},
		{
			{"arm64 by default", nothing, runsOn("arm64")},
			{"x86_64", func(c *replicaset.Config) { c.FunctionArchitecture = "x86_64" }, runsOn("x86_64")},
		},
		{
			{"shared concurrency", nothing, property("AWS::Lambda::Function", "ReservedConcurrentExecutions", nil)},
			{"reserved concurrency", func(c *replicaset.Config) { c.ReservedConcurrency = 7 }, property("AWS::Lambda::Function", "ReservedConcurrentExecutions", 7.0)},
		},
		{
			{"logs by default", nothing, property("AWS::Logs::LogGroup", "RetentionInDays", 30.0)},
			{"logs for a year", func(c *replicaset.Config) { c.LogRetentionDays = 365 }, property("AWS::Logs::LogGroup", "RetentionInDays", 365.0)},
		},
		{
			{"no traces", nothing, traced(nil, nil)},
			{"traces", func(c *replicaset.Config) { c.Tracing = true }, traced("Active", list{
				object{"Sid": "SendTraces", "Effect": "Allow", "Action": list{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, "Resource": "*"}})},
		},
		{
			{"nobody told", nothing, told(func(string) any { return nil })},
			{"alarms by mail", func(c *replicaset.Config) { c.AlarmEmail = "ops@example.com" }, func(t *testing.T, r relations) {
				topic := "arn:" + r.partition() + ":sns:" + r.region + ":" + testAccount + ":" + r.set.Name + "-alarms"
				told(func(string) any { return list{topic} })(t, r)
				alarms := "arn:" + r.partition() + ":cloudwatch:" + r.region + ":" + testAccount + ":alarm:" + r.set.Name + "-*"
				equal(t, "policy of the alarms' topic", r.topicPolicy(t, topic).at("PolicyDocument.Statement"), any(list{
					object{"Sid": "AlarmsPublish", "Effect": "Allow", "Principal": object{"Service": "cloudwatch.amazonaws.com"},
						"Action": "sns:Publish", "Resource": topic, "Condition": object{
							"ArnLike":      object{"aws:SourceArn": alarms},
							"StringEquals": object{"aws:SourceAccount": testAccount}}},
					tlsOnlyStatement("sns:Publish", topic),
				}))
				mail := r.one(t, "AWS::SNS::Subscription")
				equal(t, "protocol", mail.at("Protocol"), any("email"))
				equal(t, "endpoint", mail.at("Endpoint"), any("ops@example.com"))
			}},
			{"alarms to a topic", func(c *replicaset.Config) { c.AlarmTopicARN = "arn:aws:sns:{region}:{account}:alarms" },
				told(func(region string) any { return list{"arn:aws:sns:" + region + ":" + testAccount + ":alarms"} })},
		},
		{
			{"S3's keys", nothing, encrypted(func(relations) any { return nil })},
			{"keys that are made", func(c *replicaset.Config) { c.Encryption = "kms" }, encrypted(func(r relations) any { return madeKey(r.region) })},
			{"keys that are given", func(c *replicaset.Config) { c.Encryption, c.KMSKeyARNs = "kms", givenKeys(c.Regions) },
				encrypted(func(r relations) any { return givenKeys(r.set.Regions)[r.region] })},
		},
		{
			{"no access logs", nothing, func(t *testing.T, r relations) {
				for _, bucket := range r.all("AWS::S3::Bucket") {
					equal(t, "access logs", bucket.at("LoggingConfiguration"), nil)
				}
			}},
			{"access logs", func(c *replicaset.Config) { c.AccessLogBucket = "logs-{region}" }, func(t *testing.T, r relations) {
				if r.adopted() {
					return
				}
				equal(t, "access logs", r.one(t, "AWS::S3::Bucket").at("LoggingConfiguration"), any(object{
					"DestinationBucketName": "logs-" + r.region, "LogFilePrefix": r.member(r.region).Bucket + "/"}))
			}},
			{"access logs with a prefix", func(c *replicaset.Config) {
				c.AccessLogBucket, c.AccessLogPrefix = "logs-{account}-{region}", "s3/{region}/"
			}, func(t *testing.T, r relations) {
				if r.adopted() {
					return
				}
				equal(t, "access logs", r.one(t, "AWS::S3::Bucket").at("LoggingConfiguration"), any(object{
					"DestinationBucketName": "logs-" + testAccount + "-" + r.region, "LogFilePrefix": "s3/" + r.region + "/"}))
			}},
		},
		{
			{"retained", nothing, removed("Retain")},
			{"destroyed", func(c *replicaset.Config) { c.RemovalPolicy = "destroy" }, removed("Delete")},
		},
		{
			{"unbounded", nothing, bounded(nil)},
			{"bounded", func(c *replicaset.Config) { c.PermissionsBoundary = "arn:aws:iam::{account}:policy/b" }, bounded("arn:aws:iam::" + testAccount + ":policy/b")},
		},
		{
			{"operators by the account", nothing, trusting(nil, false)},
			{"one operator", func(c *replicaset.Config) { c.OperatorARNs = []string{"arn:aws:iam::{account}:role/ops"} },
				trusting("arn:aws:iam::"+testAccount+":role/ops", true)},
			{"operators", func(c *replicaset.Config) {
				c.OperatorARNs = []string{"arn:aws:iam::{account}:role/team/ops", "arn:aws:iam::" + testAccount + ":user/jo"}
			}, trusting(list{"arn:aws:iam::" + testAccount + ":role/team/ops", "arn:aws:iam::" + testAccount + ":user/jo"}, true)},
			{"no operators", func(c *replicaset.Config) { c.OperatorARNs = []string{} }, trusting(nil, true)},
		},
		{
			{"untagged", nothing, tagged(nil)},
			{"tagged", func(c *replicaset.Config) { c.Tags = map[string]string{"team": "platform", "cost center": "42"} },
				tagged(list{object{"Key": "cost center", "Value": "42"}, object{"Key": "team", "Value": "platform"}})},
		},
	}
}

// roles wants so many roles in a Region stack.
func roles(n int) func(*testing.T, relations) {
	return func(t *testing.T, r relations) { equal(t, "roles", len(r.all("AWS::IAM::Role")), n) }
}

// traced wants the function to be traced so, and its role to have these
// statements about X-Ray.
func traced(mode any, want list) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		equal(t, "tracing", r.one(t, "AWS::Lambda::Function").at("TracingConfig.Mode"), mode)
		var got list
		for _, role := range r.all("AWS::IAM::Role") {
			for _, s := range role.at("Policies.0.PolicyDocument.Statement").(list) {
				if strings.HasPrefix(texts(s.(object)["Action"])[0], "xray:") {
					got = append(got, s)
				}
			}
		}
		equal(t, "statements about X-Ray", got, want)
	}
}

// runsOn wants the function to run on the processor, with the program for it.
func runsOn(processor string) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		function := r.one(t, "AWS::Lambda::Function")
		equal(t, "processor", function.at("Architectures"), any(list{processor}))
		key, _ := function.at("Code.S3Key").(string)
		staged := filepath.Join(r.dir, "asset."+strings.TrimSuffix(key, ".zip"), "bootstrap")
		if program, err := os.ReadFile(staged); err != nil || string(program) != processor {
			t.Errorf("the code is %q (%v), want the program for %s", program, err, processor)
		}
	}
}

func rule(name, value string) object { return object{"Name": name, "Value": value} }

// since wants the function to be told since when changes are followed.
func since(at string) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		equal(t, "since", r.one(t, "AWS::Lambda::Function").at("Environment.Variables."+functionenv.FollowSince), any(at))
	}
}

func givenKeys(regions []string) map[string]string {
	keys := map[string]string{}
	for _, region := range regions {
		keys[region] = "arn:aws:kms:" + region + ":" + testAccount + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
	}
	return keys
}

func namespaced(suffix string, namespace any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		if r.adopted() {
			return
		}
		bucket := r.one(t, "AWS::S3::Bucket")
		equal(t, "bucket", bucket.at("BucketName"), any(r.set.Name+"-"+testAccount+"-"+r.region+suffix))
		equal(t, "namespace", bucket.at("BucketNamespace"), namespace)
	}
}

// announced wants configurations for each list of rules, or without; followed
// looks at their events.
func announced(rules list) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		var want, got list
		for _, each := range rules {
			want = append(want, object{"S3Key": object{"Rules": each}})
		}
		if rules == nil {
			want = list{nil}
		}
		for _, c := range notifications(t, r) {
			if c["Event"] == any("s3:ObjectCreated:*") {
				got = append(got, c["Filter"])
			}
		}
		equal(t, "filters", got, want)
	}
}

// followed wants the events to be announced, each with every filter, the others
// not at all, and delete markers of the role to pass where deletions are.
func followed(events ...string) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		filters := max(len(r.set.Filters), 1)
		want, got := map[string]int{}, map[string]int{}
		for _, event := range events {
			want[event] = filters
		}
		distinct := map[string]bool{}
		for _, c := range notifications(t, r) {
			got[c["Event"].(string)]++
			equal(t, "topic", c["Topic"], any(r.member(r.region).TopicARN()))
			distinct[fmt.Sprint(c)] = true
		}
		equal(t, "events", got, want)
		equal(t, "different notifications", len(distinct), filters*len(events))
		deletions := slices.Contains(events, "s3:ObjectRemoved:DeleteMarkerCreated")
		for _, s := range r.meshes[r.region].all("AWS::SNS::Subscription") {
			_, either := s.at("FilterPolicy").(object)["$or"]
			equal(t, s.ID+": markers pass", either, deletions)
		}
	}
}

func notifications(t *testing.T, r relations) (all []object) {
	t.Helper()
	if r.adopted() {
		return adoptedNotifications(t, r)
	}
	for _, c := range r.one(t, "AWS::S3::Bucket").at("NotificationConfiguration.TopicConfigurations").(list) {
		all = append(all, c.(object))
	}
	return all
}

// encrypted wants bucket, topic and queue to use the key, and a key and an
// alias in the stack only if it is one that the stack makes.
func encrypted(key func(relations) any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		want := key(r)
		bucket := object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}}
		sse := any(true)
		if want != nil {
			bucket = object{"BucketKeyEnabled": true, "ServerSideEncryptionByDefault": object{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": want}}
			sse = nil
		}
		if !r.adopted() {
			equal(t, "bucket", r.one(t, "AWS::S3::Bucket").at("BucketEncryption.ServerSideEncryptionConfiguration"), any(list{bucket}))
		}
		equal(t, "topic", r.topic(t).at("KmsMasterKeyId"), want)
		equal(t, "queue", r.one(t, "AWS::SQS::Queue").at("KmsMasterKeyId"), want)
		equal(t, "queue by SQS", r.one(t, "AWS::SQS::Queue").at("SqsManagedSseEnabled"), sse)
		made := 0
		if want == any(madeKey(r.region)) {
			made = 1
			alias := r.one(t, "AWS::KMS::Alias")
			equal(t, "alias", alias.Properties, object{"AliasName": "alias/media-replica-set", "TargetKeyId": "made"})
			equal(t, "alias on deletion", alias.Deletion, map[bool]string{true: "Delete", false: "Retain"}[r.set.DestroysOnRemoval()])
			equal(t, "key on deletion", r.one(t, "AWS::KMS::Key").Deletion, "Retain")
		}
		equal(t, "keys", len(r.all("AWS::KMS::Key")), made)
		equal(t, "aliases", len(r.all("AWS::KMS::Alias")), made)
	}
}

func removed(policy string) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		if r.adopted() {
			return
		}
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} {
			equal(t, kind+" on deletion", r.one(t, kind).Deletion, policy)
		}
	}
}

func bounded(want any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		for _, role := range r.template.all("AWS::IAM::Role") { // those of adopted buckets too
			equal(t, "boundary of "+role.ID, role.at("PermissionsBoundary"), want)
		}
	}
}

// tagged wants the tags on everything but what cannot have any.
func tagged(want any) func(*testing.T, relations) {
	untaggable := []string{
		"AWS::IAM::Policy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::SQS::QueuePolicy", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::KMS::Alias", adoptionType,
	}
	return func(t *testing.T, r relations) {
		for _, each := range r.resources {
			if !slices.Contains(untaggable, each.Type) {
				equal(t, "tags of "+each.Type, each.at("Tags"), want)
			}
		}
	}
}

// TestEveryPairOfFeatures synthesizes configurations in which every two
// levels of two features meet, and checks what follows from each level.
func TestEveryPairOfFeatures(t *testing.T) {
	all := features()
	counts := make([]int, len(all))
	for i, levels := range all {
		counts[i] = len(levels)
	}
	varied := map[string]bool{"Name": true}
	for n, row := range pairwise(counts) {
		set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
		var names []string
		for f, a := range row {
			all[f][a].set(&set)
			if a > 0 {
				names = append(names, all[f][a].name)
			}
		}
		value := reflect.ValueOf(set)
		for i := range value.NumField() {
			if !value.Field(i).IsZero() {
				varied[value.Type().Field(i).Name] = true
			}
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Log(strings.Join(names, ", "))
			s := synthesize(t, set)
			s.testSubscriptions(t)
			s.testStackDependencies(t)
			for _, region := range set.Regions {
				at := relations{synthesized: s, region: region, template: s.regions[region]}
				at.testTopic(t)
				at.testPermissions(t)
				at.testFunction(t)
				for f, a := range row {
					if check := all[f][a].check; check != nil {
						check(t, at)
					}
				}
			}
		})
	}
	// TestOwnRoles looks at these: they exclude other features.
	for _, name := range []string{"FunctionRoleARN", "AdoptRoleARN", "JobRoleARN", "RoleIDs"} {
		varied[name] = true
	}
	kind := reflect.TypeFor[replicaset.Config]()
	for i := range kind.NumField() {
		if name := kind.Field(i).Name; !varied[name] {
			t.Errorf("no feature sets the field %s of the configuration", name)
		}
	}
}

// told checks what every alarm of a Region notifies when it begins and ends.
func told(want func(region string) any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		for _, a := range r.all("AWS::CloudWatch::Alarm") {
			equal(t, a.ID+": told", a.Properties["AlarmActions"], want(r.region))
			equal(t, a.ID+": told of the end", a.Properties["OKActions"], want(r.region))
		}
	}
}
