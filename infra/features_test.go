package infra

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

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
			{"account-regional namespace", func(c *replicaset.Config) { c.BucketNamespace = "account-regional" },
				namespaced("-an", "account-regional")},
		},
		{
			{"buckets that are made", nothing, nil},
			{"one adopted", func(c *replicaset.Config) { c.Buckets = map[string]string{c.Regions[0]: "my-old-bucket"} },
				adopts(map[int]bool{0: true})},
			{"one adopted, with a key", func(c *replicaset.Config) {
				c.Buckets, c.BucketKeyARNs = map[string]string{c.Regions[1]: "my.other.bucket"}, existingKeys(c.Regions[1:])
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
			{"no copies by users", func(c *replicaset.Config) { c.NoUserCopies = true },
				followed("s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:CompleteMultipartUpload")},
			{"overwrites", func(c *replicaset.Config) { c.Follow = overwrites }, followed("s3:ObjectCreated:*")},
			{"deletions", func(c *replicaset.Config) { c.Follow = deletions },
				followed("s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated")},
			{"overwrites and tags", func(c *replicaset.Config) { c.Follow = replicaset.Follow{Overwrites: true, Tags: true} },
				followed("s3:ObjectCreated:*", "s3:ObjectTagging:*")},
			{"everything", func(c *replicaset.Config) { c.Follow = everything },
				followed("s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*")},
			{"overwrites, since a while", func(c *replicaset.Config) {
				c.Follow, c.FollowSince = overwrites, time.Date(2026, 11, 29, 8, 30, 0, 0, time.UTC)
			}, since("2026-11-29T08:30:00Z")},
		},
		{
			{"never compared", nothing, compared},
			{"compared", func(c *replicaset.Config) { c.Reconcile = &replicaset.Reconcile{Every: 6 * time.Hour} }, compared},
			{"compared and repaired", func(c *replicaset.Config) {
				c.Reconcile = &replicaset.Reconcile{Every: 30 * 24 * time.Hour, Copy: true}
			}, compared},
			{"compared in ranges", func(c *replicaset.Config) {
				c.Reconcile = &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true, KeyRanges: 40}
			}, compared},
		},
		{
			{"late after 15 minutes", nothing, lateAfter(15 * time.Minute)},
			{"late after 2 hours", func(c *replicaset.Config) { c.ReplicationTimeThreshold = 2 * time.Hour }, lateAfter(2 * time.Hour)},
		},
		{
			{"what is late is logged", nothing, announcesLate(nil)},
			{"what is late is an event", func(c *replicaset.Config) { c.ReplicationTimeEvents = true }, announcesLate("true")},
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
			{"memory by default", nothing, property("AWS::Lambda::Function", "MemorySize", 128.0)},
			{"memory", func(c *replicaset.Config) { c.FunctionMemoryMiB = 1024 }, property("AWS::Lambda::Function", "MemorySize", 1024.0)},
		},
		{
			{"arm64 by default", nothing, runsOn("arm64")},
			{"x86_64", func(c *replicaset.Config) { c.FunctionArchitecture = "x86_64" }, runsOn("x86_64")},
		},
		{
			{"shared concurrency", nothing, property("AWS::Lambda::Function", "ReservedConcurrentExecutions", nil)},
			{"reserved concurrency", func(c *replicaset.Config) { c.ReservedConcurrency = 7 },
				property("AWS::Lambda::Function", "ReservedConcurrentExecutions", 7.0)},
		},
		{
			{"logs by default", nothing, property("AWS::Logs::LogGroup", "RetentionInDays", 30.0)},
			{"logs for a year", func(c *replicaset.Config) { c.LogRetentionDays = 365 },
				property("AWS::Logs::LogGroup", "RetentionInDays", 365.0)},
		},
		{
			{"no traces", nothing, traced(nil, nil)},
			{"traces", func(c *replicaset.Config) { c.Tracing = true }, traced("Active", list{
				object{"Sid": "SendTraces", "Effect": "Allow", "Action": list{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
					"Resource": "*"}})},
		},
		{
			{"a dashboard", nothing, dashboards(1)},
			{"no dashboard", func(c *replicaset.Config) { c.NoDashboard = true }, dashboards(0)},
		},
		{
			{"nobody told", nothing, alarmsNotify(func(string) any { return nil })},
			{"alarms by mail", func(c *replicaset.Config) { c.AlarmEmail = "ops@example.com" }, func(t *testing.T, r relations) {
				topic := "arn:" + r.partition() + ":sns:" + r.region + ":" + testAccount + ":" + r.set.Name + "-alarms"
				alarmsNotify(func(string) any { return list{topic} })(t, r)
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
				alarmsNotify(func(region string) any { return list{"arn:aws:sns:" + region + ":" + testAccount + ":alarms"} })},
		},
		{
			{"S3's keys", nothing, encrypted(func(relations) any { return nil })},
			{"keys that are made", func(c *replicaset.Config) { c.Encryption = "kms" },
				encrypted(func(r relations) any { return madeKey(r.region) })},
			{"keys that are given", func(c *replicaset.Config) { c.Encryption, c.KMSKeyARNs = "kms", existingKeys(c.Regions) },
				encrypted(func(r relations) any { return existingKeys(r.set.Regions)[r.region] })},
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
			{"bounded", func(c *replicaset.Config) { c.PermissionsBoundary = "arn:aws:iam::{account}:policy/b" },
				bounded("arn:aws:iam::" + testAccount + ":policy/b")},
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
			{"no access point", nothing, func(t *testing.T, r relations) {
				if r.set.AccessPoint == nil { // or another feature has brought one
					accessPoints(nil)(t, r)
				}
			}},
			{"an access point", func(c *replicaset.Config) { c.AccessPoint = &replicaset.AccessPoint{} },
				accessPoints(map[string][]int{"Main": {1, 0}})},
			{"two access points", func(c *replicaset.Config) {
				c.AccessPoint = &replicaset.AccessPoint{StackRegion: "us-west-2", Points: []replicaset.Point{
					{Name: "old", Regions: c.Regions[:1]}, {Name: "new", Regions: c.Regions}}}
			}, accessPoints(map[string][]int{"Old": {0}, "New": {1, 0}})},
		},
		{
			{"any access", nothing, onlyByAccessPoint},
			{"by an access point alone", func(c *replicaset.Config) {
				if len(c.Buckets) == 0 { // the two exclude each other
					if c.AccessPoint == nil {
						c.AccessPoint = &replicaset.AccessPoint{}
					}
					c.Access, c.DirectAccessARNs = "access-point-only", []string{"arn:aws:iam::{account}:role/etl"}
				}
			}, onlyByAccessPoint},
		},
		{
			{"no endpoints", nothing, endpoints(false)},
			{"an endpoint in a VPC", func(c *replicaset.Config) {
				if c.AccessPoint == nil {
					c.AccessPoint = &replicaset.AccessPoint{}
				}
				c.VPCEndpoints = map[string]replicaset.VPCEndpoint{
					c.Regions[0]: {VPCID: "vpc-01234567", SubnetIDs: []string{"subnet-01234567"}},
				}
			}, endpoints(true)},
		},
		{
			{"no audit trail", nothing, audited(false)},
			{"an audit trail", func(c *replicaset.Config) { c.AuditTrail = &replicaset.AuditTrail{} }, audited(true)},
			{"an audit trail of own writes too", func(c *replicaset.Config) {
				c.AuditTrail = &replicaset.AuditTrail{OwnWrites: true, RetentionDays: 30}
			}, audited(true)},
		},
		{
			{"untagged", nothing, tagged(nil)},
			{"tagged", func(c *replicaset.Config) { c.Tags = map[string]string{"team": "platform", "cost center": "42"} },
				tagged(list{object{"Key": "cost center", "Value": "42"}, object{"Key": "team", "Value": "platform"}})},
		},
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
	for _, name := range []string{
		"FunctionRoleARN", "AdoptRoleARN", "JobRoleARN", "ReconcileRoleARN", "ScheduleRoleARN", "OwnAuditRoleARN", "RoleIDs",
	} {
		varied[name] = true
	}
	kind := reflect.TypeFor[replicaset.Config]()
	for i := range kind.NumField() {
		if name := kind.Field(i).Name; !varied[name] {
			t.Errorf("no feature sets the field %s of the configuration", name)
		}
	}
}
