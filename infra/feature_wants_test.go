package infra

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// roles wants so many roles in a Region stack.
func roles(n int) func(*testing.T, relations) {
	return func(t *testing.T, r relations) { equal(t, "roles", len(r.all("AWS::IAM::Role")), n) }
}

// dashboards wants so many in the stack of the first Region, and none in others.
func dashboards(n int) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		want := 0
		if r.region == r.set.Regions[0] {
			want = n
		}
		equal(t, "dashboards", len(r.all("AWS::CloudWatch::Dashboard")), want)
	}
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

// lateAfter checks the alarms that say that replicas are late, or will be.
func lateAfter(threshold time.Duration) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		seen := 0
		for _, a := range r.regions[r.region].all("AWS::CloudWatch::Alarm") {
			name := a.at("AlarmName").(string)
			if name != r.set.Name+"-events-waiting" && name != r.set.Name+"-replication-slow" {
				continue
			}
			seen++
			equal(t, name, a.at("Threshold"), any(float64(threshold.Milliseconds())))
			if text := a.at("AlarmDescription").(string); !strings.Contains(text, "more than "+replicaset.Span(threshold)) {
				t.Errorf("%s says %q", name, text)
			}
		}
		equal(t, "alarms of what is late", seen, 2)
	}
}

// announcesLate checks what the function and its role are told of events.
func announcesLate(on any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		equal(t, "events", r.one(t, "AWS::Lambda::Function").at("Environment.Variables."+functionenv.ReplicationTimeEvents), on)
		if r.set.FunctionRoleARN != "" {
			return
		}
		var found any
		for _, role := range r.regions[r.region].all("AWS::IAM::Role") {
			if role.at("RoleName") != any(r.member(r.region).RoleName()) {
				continue
			}
			for _, s := range role.at("Policies.0.PolicyDocument.Statement").(list) {
				if s.(object)["Sid"] == any("AnnounceLate") {
					found = s
				}
			}
		}
		var want any
		if on != nil {
			want = object{
				"Sid": "AnnounceLate", "Effect": "Allow", "Action": "events:PutEvents", "Resource": r.member(r.region).DefaultBusARN(),
				"Condition": object{"StringEquals": object{"events:source": "s3fanout"}},
			}
		}
		equal(t, "statement about events", found, want)
	}
}

func existingKeys(regions []string) map[string]string {
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
			if e := c["Event"]; e == any("s3:ObjectCreated:*") || e == any("s3:ObjectCreated:Put") {
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
			bucket = object{
				"BucketKeyEnabled": true, "ServerSideEncryptionByDefault": object{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": want},
			}
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
		"AWS::IAM::Policy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::SQS::QueuePolicy",
		"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::KMS::Alias", "AWS::Scheduler::Schedule", adoptionType,
	}
	return func(t *testing.T, r relations) {
		for _, each := range r.resources {
			if !slices.Contains(untaggable, each.Type) {
				equal(t, "tags of "+each.Type, each.at("Tags"), want)
			}
		}
	}
}

// alarmsNotify checks what every alarm of a Region notifies, in ALARM and in OK.
func alarmsNotify(want func(region string) any) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		for _, a := range r.all("AWS::CloudWatch::Alarm") {
			equal(t, a.ID+": AlarmActions", a.Properties["AlarmActions"], want(r.region))
			equal(t, a.ID+": OKActions", a.Properties["OKActions"], want(r.region))
		}
	}
}
