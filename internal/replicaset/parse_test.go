package replicaset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const allFields = "name, regions, allowOptInRegions, bucketNamespace, buckets, bucketKeyArns, filters, exclude, follow, followSince, " +
	"copiesByUsers, reconcile, replicationTimeThreshold, replicationTimeEvents, multipartThresholdMiB, multipartParallel, " +
	"replicaStorageClass, " +
	"batchOperations, functionMemoryMiB, functionArchitecture, reservedConcurrency, logRetentionDays, tracing, dashboard, alarmEmail, " +
	"alarmTopicArn, encryption, kmsKeyArns, accessLogBucket, accessLogPrefix, " +
	"removalPolicy, permissionsBoundary, roleArn, adoptRoleArn, jobRoleArn, reconcileRoleArn, scheduleRoleArn, auditRoleArn, roleIds, " +
	"operatorArns, accessPoint, access, directAccessArns, vpcEndpoints, auditTrail and tags"

const everyField = ` {"allowOptInRegions": true, "name": "media", "regions": ["us-east-1", "eu-south-1"], "bucketNamespace": "account-regional",
	"buckets": {"us-east-1": "my-old-bucket"}, "bucketKeyArns": {"us-east-1": "c"},
	"filters": [{"prefix": "in/", "suffix": ".jpg"}, {"prefix": "out/", "follow": []}], "exclude": [{"prefix": "in/tmp/"}, {"suffix": ".part"}], "follow": ["tags", "overwrites"], "followSince": "2026-11-29T09:30:00+01:00",
	"reconcile": {"every": "12 hours", "copy": true, "keyRanges": 40}, "replicationTimeThreshold": "20 minutes", "replicationTimeEvents": true, "multipartThresholdMiB": 64, "multipartParallel": 32, "replicaStorageClass": "STANDARD_IA", "batchOperations": true,
	"functionMemoryMiB": 512, "functionArchitecture": "x86_64", "reservedConcurrency": 20, "logRetentionDays": 90, "tracing": true, "dashboard": false, "copiesByUsers": false,
	"alarmEmail": "ops@example.com", "alarmTopicArn": "arn:aws:sns:{region}:111122223333:alarms",
	"encryption": "kms", "kmsKeyArns": {"us-east-1": "a", "eu-south-1": "b"},
	"accessLogBucket": "logs-{region}", "accessLogPrefix": "media/{region}/", "removalPolicy": "destroy",
	"permissionsBoundary": "arn:aws:iam::{account}:policy/boundary", "roleArn": "d", "adoptRoleArn": "e", "jobRoleArn": "f", "reconcileRoleArn": "h", "scheduleRoleArn": "i", "auditRoleArn": "n", "roleIds": {"us-east-1": "g"}, "operatorArns": ["arn:aws:iam::{account}:role/ops"],
	"accessPoint": {"region": "us-west-2", "points": [{"name": "old", "regions": ["us-east-1"]}, {"name": "new"}]}, "access": "access-point-only", "directAccessArns": ["j"],
	"vpcEndpoints": {"us-east-1": {"vpcId": "k", "subnetIds": ["l"], "securityGroupIds": ["m"]}}, "auditTrail": {"ownWrites": true, "retentionDays": 90}, "tags": {"team": "platform", "empty": ""}} `

func TestParse(t *testing.T) {
	want := Config{
		Name: "media", Regions: []string{"us-east-1", "eu-south-1"}, OptInRegions: true, BucketNamespace: AccountRegionalNamespace,
		Buckets: map[string]string{"us-east-1": "my-old-bucket"}, BucketKeyARNs: map[string]string{"us-east-1": "c"},
		Filters: []Filter{{Prefix: "in/", Suffix: ".jpg"}, {Prefix: "out/", OwnFollow: true}},
		Exclude: Exclusions{{Prefix: "in/tmp/"}, {Suffix: ".part"}}, Follow: Follow{Overwrites: true, Tags: true},
		FollowSince:              time.Date(2026, 11, 29, 8, 30, 0, 0, time.UTC),
		Reconcile:                &Reconcile{Every: 12 * time.Hour, Copy: true, KeyRanges: 40},
		ReplicationTimeThreshold: 20 * time.Minute, ReplicationTimeEvents: true, MultipartThresholdMiB: 64, MultipartParallel: 32,
		ReplicaStorageClass: "STANDARD_IA", BatchOperations: true,
		FunctionMemoryMiB: 512, FunctionArchitecture: X86, ReservedConcurrency: 20, LogRetentionDays: 90, Tracing: true, NoDashboard: true,
		NoUserCopies: true,
		AlarmEmail:   "ops@example.com", AlarmTopicARN: "arn:aws:sns:{region}:111122223333:alarms",
		Encryption: EncryptionKMS, KMSKeyARNs: map[string]string{"us-east-1": "a", "eu-south-1": "b"},
		AccessLogBucket: "logs-{region}", AccessLogPrefix: "media/{region}/", RemovalPolicy: Destroy,
		PermissionsBoundary: "arn:aws:iam::{account}:policy/boundary", FunctionRoleARN: "d", AdoptRoleARN: "e", JobRoleARN: "f",
		ReconcileRoleARN: "h", ScheduleRoleARN: "i", OwnAuditRoleARN: "n", RoleIDs: map[string]string{"us-east-1": "g"},
		OperatorARNs: []string{"arn:aws:iam::{account}:role/ops"},
		AccessPoint:  &AccessPoint{StackRegion: "us-west-2", Points: []Point{{Name: "old", Regions: []string{"us-east-1"}}, {Name: "new"}}},
		Access:       AccessPointOnly, DirectAccessARNs: []string{"j"},
		VPCEndpoints: map[string]VPCEndpoint{"us-east-1": {VPCID: "k", SubnetIDs: []string{"l"}, SecurityGroupIDs: []string{"m"}}},
		AuditTrail:   &AuditTrail{OwnWrites: true, RetentionDays: 90},
		Tags:         map[string]string{"team": "platform", "empty": ""},
	}
	got, err := Parse([]byte(everyField))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse:\ngot  %+v, %v\nwant %+v", got, err, want)
	}
	// So that a field of Config cannot be forgotten in JSON, or here.
	value := reflect.ValueOf(got)
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("field %s is not set by any field of the configuration", value.Type().Field(i).Name)
		}
	}
}

// parseErrors are values of the context key that Parse refuses, and how.
var parseErrors = []struct{ raw, want string }{
	{``, `s3fanout: an empty value is not JSON; use {"name": …, "regions": […]}`},
	{`{`, `s3fanout: { is not JSON; use {"name": …, "regions": […]}`},
	{`{} {}`, `s3fanout: {} {} is not JSON; use {"name": …, "regions": […]}`},
	{`null`, `s3fanout: null is not an object; use {"name": …, "regions": […]}`},
	{`["us-east-1"]`, `s3fanout: ["us-east-1"] is not an object; use {"name": …, "regions": […]}`},
	{`{"region": []}`, `s3fanout.region: no such field; did you mean regions?`},
	{`{"Name": "media"}`, `s3fanout.Name: no such field; did you mean name?`},
	{`{"replicas": 7}`, `s3fanout.replicas: no such field; known are ` + allFields},
	{`{"name": 7}`, `s3fanout.name: 7 is not a string`},
	{`{"name": null}`, `s3fanout.name: null is not a string`},
	{`{"regions": "us-east-1"}`, `s3fanout.regions: "us-east-1" is not a list of Region names`},
	{"{\"regions\": [\n1,\n2]}", `s3fanout.regions: [ 1, 2] is not a list of Region names`},
	{`{"allowOptInRegions": "yes"}`, `s3fanout.allowOptInRegions: "yes" is not true or false`},
	{`{"dashboard": "no"}`, `s3fanout.dashboard: "no" is not true or false`},
	{`{"dashboard": null}`, `s3fanout.dashboard: null is not true or false`},
	{`{"tracing": "Active"}`, `s3fanout.tracing: "Active" is not true or false`},
	{`{"batchOperations": null}`, `s3fanout.batchOperations: null is not true or false`},
	{`{"multipartThresholdMiB": 0}`, `s3fanout.multipartThresholdMiB: 0 is not a whole number from 1 on`},
	{`{"multipartThresholdMiB": 5.5}`, `s3fanout.multipartThresholdMiB: 5.5 is not a whole number from 1 on`},
	{`{"multipartThresholdMiB": "64"}`, `s3fanout.multipartThresholdMiB: "64" is not a whole number from 1 on`},
	{`{"multipartParallel": -1}`, `s3fanout.multipartParallel: -1 is not a whole number from 1 on`},
	{`{"multipartParallel": null}`, `s3fanout.multipartParallel: null is not a whole number from 1 on`},
	{`{"multipartParallel": 1e99}`, `s3fanout.multipartParallel: 1e99 is not a whole number from 1 on`},
	{`{"replicaStorageClass": 7}`, `s3fanout.replicaStorageClass: 7 is not a string`},
	{`{"functionArchitecture": ["arm64"]}`, `s3fanout.functionArchitecture: ["arm64"] is not a string`},
	{`{"reservedConcurrency": 0}`, `s3fanout.reservedConcurrency: 0 is not a whole number from 1 on, because 0 would stop the function`},
	{`{"buckets": ["my-old-bucket"]}`, `s3fanout.buckets: ["my-old-bucket"] is not an object of Regions and bucket names`},
	{`{"buckets": {"us-east-1": {"name": "b"}}}`, `s3fanout.buckets.us-east-1: {"name": "b"} is not a string`},
	{`{"buckets": {"us-east-1": "a", "us-east-1": "b"}}`, `s3fanout.buckets: field us-east-1 is given twice; remove one`},
	{`{"bucketKeyArns": "alias/mine"}`, `s3fanout.bucketKeyArns: "alias/mine" is not an object of Regions and key ARNs`},
	{`{"filters": {}}`, `s3fanout.filters: {} is not a list of {"prefix": …, "suffix": …}`},
	{`{"filters": []}`, `s3fanout.filters: the list is empty; give a filter, or leave filters out to copy every key`},
	{`{"filters": null}`, `s3fanout.filters: the list is empty; give a filter, or leave filters out to copy every key`},
	{`{"filters": [{"prefix": "a/"}, {"prefix": "a/", "prefix": "b/"}]}`, `s3fanout.filters[1]: field prefix is given twice; remove one`},
	{`{"filters": ["a/"]}`, `s3fanout.filters[0]: "a/" is not an object; use {"prefix": …, "suffix": …}`},
	{`{"filters": [{"prefix": "a/"}, {"begin": "b/"}]}`, `s3fanout.filters[1].begin: no such field; known are prefix, suffix and follow`},
	{`{"filters": [{"suffix": null}]}`, `s3fanout.filters[0].suffix: null is not a string`},
	{`{"exclude": {}}`, `s3fanout.exclude: {} is not a list of {"prefix": …, "suffix": …}`},
	{`{"exclude": []}`, `s3fanout.exclude: the list is empty; give an entry, or leave exclude out`},
	{`{"exclude": ["tmp/"]}`, `s3fanout.exclude[0]: "tmp/" is not an object; use {"prefix": …, "suffix": …}`},
	{`{"exclude": [{"prefix": "tmp/", "prefix": "a/"}]}`, `s3fanout.exclude[0]: field prefix is given twice; remove one`},
	{`{"exclude": [{"prefix": "tmp/", "follow": []}]}`, `s3fanout.exclude[0].follow: no such field; known are prefix and suffix`},
	{`{"exclude": [{"suffix": 7}]}`, `s3fanout.exclude[0].suffix: 7 is not a string`},
	{`{"exclude": [{"suffix": null}]}`, `s3fanout.exclude[0].suffix: null is not a string`},
	{`{"follow": "overwrites"}`, `s3fanout.follow: "overwrites" is not a list of "overwrites", "deletions" and "tags"`},
	{`{"follow": null}`, `s3fanout.follow: null is not a list of "overwrites", "deletions" and "tags"`},
	{`{"follow": ["overwrites", "deletes"]}`, `s3fanout.follow[1]: "deletes" is not known; use "overwrites", "deletions" or "tags"`},
	{`{"follow": ["overwrites", null]}`, `s3fanout.follow[1]: null is not a string`},
	{`{"follow": ["overwrites", "tags", "overwrites"]}`, `s3fanout.follow[2]: overwrites is listed already as [0]; remove one`},
	{`{"followSince": "2026-11-29"}`, `s3fanout.followSince: "2026-11-29" is not a time such as "2026-11-29T08:30:00Z"`},
	{`{"followSince": null}`, `s3fanout.followSince: null is not a time such as "2026-11-29T08:30:00Z"`},
	{`{"reconcile": true}`, `s3fanout.reconcile: true is not an object such as {"every": "1 day", "copy": true}`},
	{`{"reconcile": null}`, `s3fanout.reconcile: null is not an object such as {"every": "1 day", "copy": true}`},
	{`{"reconcile": "1 day"}`, `s3fanout.reconcile: "1 day" is not an object such as {"every": "1 day", "copy": true}`},
	{`{"reconcile": {"each": "1 day"}}`, `s3fanout.reconcile.each: no such field; known are every, copy and keyRanges`},
	{`{"reconcile": {"every": "1 day", "every": "2 days"}}`, `s3fanout.reconcile: field every is given twice; remove one`},
	{`{"reconcile": {"every": 24}}`, `s3fanout.reconcile.every: 24 is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": null}}`, `s3fanout.reconcile.every: null is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": "daily"}}`, `s3fanout.reconcile.every: "daily" is not a time such as "6 hours" or "1 day"`},
	{`{"replicationTimeThreshold": 15}`, `s3fanout.replicationTimeThreshold: 15 is not a time such as "15 minutes" or "1 hour"`},
	{`{"replicationTimeThreshold": "15m"}`, `s3fanout.replicationTimeThreshold: "15m" is not a time such as "15 minutes" or "1 hour"`},
	{`{"replicationTimeThreshold": "0 minutes"}`,
		`s3fanout.replicationTimeThreshold: "0 minutes" is not a time such as "15 minutes" or "1 hour"`},
	{`{"replicationTimeThreshold": "99999999999999999999 hours"}`,
		`s3fanout.replicationTimeThreshold: "99999999999999999999 hours" is not a time such as "15 minutes" or "1 hour"`},
	{`{"replicationTimeThreshold": null}`, `s3fanout.replicationTimeThreshold: null is not a time such as "15 minutes" or "1 hour"`},
	{`{"reconcile": {"every": "30 minutes"}}`, `s3fanout.reconcile.every: "30 minutes" is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": "0 days"}}`, `s3fanout.reconcile.every: "0 days" is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": "1.5 days"}}`, `s3fanout.reconcile.every: "1.5 days" is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": "100000 days"}}`, `s3fanout.reconcile.every: "100000 days" is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"every": "1 day\nx"}}`, `s3fanout.reconcile.every: "1 day\nx" is not a time such as "6 hours" or "1 day"`},
	{`{"reconcile": {"copy": "yes"}}`, `s3fanout.reconcile.copy: "yes" is not true or false`},
	{`{"reconcile": {"copy": null}}`, `s3fanout.reconcile.copy: null is not true or false`},
	{`{"reconcile": {"keyRanges": "4"}}`, `s3fanout.reconcile.keyRanges: "4" is not a whole number from 1 on`},
	{`{"reconcile": {"keyRanges": 0}}`, `s3fanout.reconcile.keyRanges: 0 is not a whole number from 1 on`},
	{`{"reconcile": {"keyRanges": null}}`, `s3fanout.reconcile.keyRanges: null is not a whole number from 1 on`},
	{`{"filters": [{"prefix": "a/", "follow": true}]}`,
		`s3fanout.filters[0].follow: true is not a list of "overwrites", "deletions" and "tags"`},
	{`{"filters": [{"prefix": "a/", "follow": null}]}`,
		`s3fanout.filters[0].follow: null is not a list of "overwrites", "deletions" and "tags"`},
	{`{"filters": [{"prefix": "a/", "follow": ["Overwrites"]}]}`,
		`s3fanout.filters[0].follow[0]: "Overwrites" is not known; use "overwrites", "deletions" or "tags"`},
	{`{"tags": ["a"]}`, `s3fanout.tags: ["a"] is not an object of strings`},
	{`{"tags": {"team": 7}}`, `s3fanout.tags.team: 7 is not a string`},
	{`{"tags": {"team": null}}`, `s3fanout.tags.team: null is not a string`},
	{`{"tags": {"a": "b", "a": "c"}}`, `s3fanout.tags: field a is given twice; remove one`},
	{`{"kmsKeyArns": null}`, `s3fanout.kmsKeyArns: null is not an object of Regions and key ARNs`},
	{`{"name": "a", "name": "b"}`, `s3fanout: field name is given twice; remove one`},
}

func TestParseErrors(t *testing.T) {
	for _, tc := range parseErrors {
		if _, err := Parse([]byte(tc.raw)); err == nil || err.Error() != tc.want {
			t.Errorf("Parse(%s):\ngot  %v\nwant %s", tc.raw, err, tc.want)
		}
	}
}

func TestLoad(t *testing.T) {
	for _, tc := range []struct {
		what, file string
		want       string // the message without the path, "" for none
	}{
		{"valid", `{"app": "x", "context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}}`, ""},
		{"malformed",
			"{\n  \"context\": {\n    \"s3fanout\": {]\n  }\n}", "line 3, column 18: ']' cannot be here; the file has to be JSON"},
		{"cut off", "{\n  \"context\":",
			"line 2, column 12: the JSON is not complete; a bracket or a quote is not closed, or the file is empty"},
		{"context is not an object", `{"context": 5}`, "line 1, column 13: context has to be an object"},
		{"not an object", `[]`, "line 1, column 1: the file has to be an object"},
		{"no context", `{}`, `key "s3fanout" is missing in "context"; add ` + example},
		{"no key", `{"context": {"other": 1}}`, `key "s3fanout" is missing in "context"; add ` + example},
		{"bad field", `{"context": {"s3fanout": {"title": "media"}}}`, "s3fanout.title: no such field; known are " + allFields},
		{"bad value", `{"context": {"s3fanout": {"name": "media", "regions": []}}}`,
			"s3fanout.regions: 0 given, a replica set needs at least two; add one"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cdk.json")
			if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(path)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got error %v", err)
			case tc.want == "" && (got.Name != "media" || len(got.Regions) != 2):
				t.Errorf("got %+v", got)
			case tc.want != "" && (err == nil || err.Error() != path+": "+tc.want):
				t.Errorf("\ngot  %v\nwant %s", err, path+": "+tc.want)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "cdk.json"))
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that is fs.ErrNotExist", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"name": "media", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"]}`,
		`{"name": "media", "regions": ["us-east-1", "eu-south-1"], "allowOptInRegions": true}`,
		`{"name": "m", "regions": ["us-east-1", "eu-west-1"], "multipartThresholdMiB": 64, "multipartParallel": ` +
			`32, "replicaStorageClass": "source"}`,
		everyField,
		`{"name": "m", "regions": ["us-east-1", "eu-west-1"], "filters": [{"prefix": "a/"}, {"prefix": "a", "suffix": "*"}], "tags": ` +
			`{"AWS:x": "y"}}`,
		`{"name": "m", "regions": ["us-east-1", "eu-west-1"], "bucketNamespace": "account-regional", "encryption": "kms"}`,
		`{"name": "sthree", "regions": ["us-gov-west-1", "us-gov-east-1"]}`,
		`{"name": "a", "name": "b"}`,
		`{"regions": [null]}`,
		"{\"\xff\": 1}",
		`[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			if m := err.Error(); strings.ContainsAny(m, "\n\r") || !strings.HasPrefix(m, ContextKey) {
				t.Errorf("Parse(%q): message %q is not one line that begins with the key", raw, m)
			}
			return
		}
		checkNames(t, c)
	})
}
