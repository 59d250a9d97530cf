package infra

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// audited wants the set to have a trail of its buckets' objects with where the events
// go, as the configuration says, or no stack for it.
func audited(there bool) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		if equal(t, "an audit trail", r.set.AuditTrail != nil, there); !there {
			equal(t, "resources of the audit trail", len(r.audit.resources), 0)
			return
		}
		trail := r.audit.one(t, "AWS::CloudTrail::Trail")
		for name, want := range map[string]any{
			"TrailName": r.set.Name + "-audit", "IsLogging": true, "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
			"EnableLogFileValidation": true,
			"S3BucketName":            auditBucket, "CloudWatchLogsLogGroupArn": r.set.AuditLogGroupARN(testAccount) + ":*",
			"CloudWatchLogsRoleArn": "arn:aws:iam::" + testAccount + ":role/" + r.set.Name + "-audit", "EventSelectors": nil,
			"InsightSelectors": nil,
		} {
			equal(t, "trail: "+name, trail.at(name), want)
		}
		equal(t, "trail waits", trail.DependsOn, []string{r.audit.one(t, "AWS::S3::BucketPolicy").ID})
		var objects list
		for _, region := range r.set.Regions {
			objects = append(objects, r.member(region).BucketARN()+"/")
		}
		selectors := list{
			object{"Field": "eventCategory", "Equals": list{"Data"}},
			object{"Field": "resources.type", "Equals": list{"AWS::S3::Object"}},
			object{"Field": "readOnly", "Equals": list{"false"}},
			object{"Field": "resources.ARN", "StartsWith": objects},
		}
		if !r.set.AuditTrail.OwnWrites {
			var own []string
			for _, region := range r.set.Regions {
				session := "arn:aws:sts::" + testAccount + ":assumed-role/" + r.member(region).RoleName() + "/" + r.set.Name + "-replicator"
				own = append(own, session)
				if r.set.Reconcile != nil && r.set.Reconcile.Copy {
					own = append(own, session+"-reconcile")
				}
			}
			slices.Sort(own)
			var values list
			for _, session := range own {
				values = append(values, session)
			}
			selectors = append(selectors, object{"Field": "userIdentity.arn", "NotEquals": values})
		}
		equal(t, "selectors", trail.at("AdvancedEventSelectors"),
			any(list{object{"Name": "writes of objects", "FieldSelectors": selectors}}))

		days := any(365.0)
		if n := r.set.AuditTrail.RetentionDays; n != 0 {
			days = float64(n)
		}
		equal(t, "retention of the log group", r.audit.one(t, "AWS::Logs::LogGroup").at("RetentionInDays"), days)
		bucket := r.audit.one(t, "AWS::S3::Bucket")
		equal(t, "name of the log bucket", bucket.at("BucketName"), nil)
		equal(t, "retention of the log bucket", bucket.at("LifecycleConfiguration.Rules.0.ExpirationInDays"), days)
		equal(t, "notifications of the log bucket", bucket.at("NotificationConfiguration"), nil)
		equal(t, "public access", bucket.at("PublicAccessBlockConfiguration"), any(object{
			"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}))

		arn := "arn:aws:s3:::" + auditBucket
		source := "arn:aws:cloudtrail:" + r.set.AuditRegion() + ":" + testAccount + ":trail/" + r.set.Name + "-audit"
		trust := object{"Service": "cloudtrail.amazonaws.com"}
		equal(t, "policy of the log bucket", r.audit.one(t, "AWS::S3::BucketPolicy").at("PolicyDocument.Statement"), any(list{
			tlsOnlyStatement("s3:*", list{arn, arn + "/*"}),
			object{"Sid": "TrailSeesBucket", "Effect": "Allow", "Principal": trust, "Action": "s3:GetBucketAcl", "Resource": arn,
				"Condition": object{"StringEquals": object{"aws:SourceArn": source}}},
			object{"Sid": "TrailWrites", "Effect": "Allow", "Principal": trust, "Action": "s3:PutObject",
				"Resource":  arn + "/AWSLogs/" + testAccount + "/*",
				"Condition": object{"StringEquals": object{"aws:SourceArn": source, "s3:x-amz-acl": "bucket-owner-full-control"}}},
		}))
		role := r.audit.one(t, "AWS::IAM::Role")
		equal(t, "who has the role", role.at("AssumeRolePolicyDocument.Statement"), any(list{object{
			"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}}))
		equal(t, "what the role may", role.at("Policies.0.PolicyDocument.Statement"), any(list{object{
			"Sid": "WriteEvents", "Effect": "Allow", "Action": list{"logs:CreateLogStream", "logs:PutLogEvents"},
			"Resource": "arn:aws:logs:" + r.set.AuditRegion() + ":" + testAccount + ":log-group:" + r.set.Name + "-audit:log-stream:" +
				testAccount + "_CloudTrail_" + r.set.AuditRegion() + "*"}}))

		queries := r.audit.all("AWS::Logs::QueryDefinition")
		equal(t, "saved queries", len(queries), 5)
		for _, query := range queries {
			equal(t, "log groups of "+query.ID, query.at("LogGroupNames"), any(list{r.set.AuditLogGroupName()}))
			if name := query.at("Name").(string); !strings.HasPrefix(name, r.set.Name+"/") {
				t.Errorf("query %q does not begin with the set's name", name)
			}
		}
		equal(t, "resources of the audit trail", len(r.audit.resources), 10)
	}
}

// The trail says which buckets it records, and changes nothing in any Region: an
// adopted bucket's policy least of all.
func TestAuditTrailChangesNoRegion(t *testing.T) {
	set := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Buckets: map[string]string{"eu-west-1": "my-old-bucket"},
	}
	without := synthesize(t, set)
	set.AuditTrail = &replicaset.AuditTrail{}
	with := synthesize(t, set)
	for _, region := range set.Regions {
		equal(t, region, shapes(t, with.regions[region]), shapes(t, without.regions[region]))
		equal(t, region+": mesh", shapes(t, with.meshes[region]), shapes(t, without.meshes[region]))
	}
	equal(t, "objects", with.audit.one(t, "AWS::CloudTrail::Trail").at("AdvancedEventSelectors.0.FieldSelectors.3.StartsWith"),
		any(list{with.member("us-east-1").BucketARN() + "/", "arn:aws:s3:::my-old-bucket/"}))
}

// The trail stays where it is when its Region leaves the set.
func TestAuditTrailOutsideOfTheSet(t *testing.T) {
	s := synthesize(t, replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AuditTrail: &replicaset.AuditTrail{StackRegion: "us-west-2"},
	})
	trail := s.audit.one(t, "AWS::CloudTrail::Trail")
	equal(t, "log group", trail.at("CloudWatchLogsLogGroupArn"), any("arn:aws:logs:us-west-2:"+testAccount+":log-group:media-audit:*"))
	equal(t, "role", s.audit.one(t, "AWS::IAM::Role").at("RoleName"), any("media-audit"))
}

// With roles of somebody else's the trail leaves out their sessions and has a role
// that is given.
func TestAuditTrailOfOwnRoles(t *testing.T) {
	s := synthesize(t, rolesOfMine())
	equal(t, "roles made", len(s.audit.all("AWS::IAM::Role")), 0)
	trail := s.audit.one(t, "AWS::CloudTrail::Trail")
	equal(t, "role", trail.at("CloudWatchLogsRoleArn"), any("arn:aws:iam::"+testAccount+":role/trail-us-east-1"))
	session := "arn:aws:sts::" + testAccount + ":assumed-role/copies-"
	equal(t, "left out", trail.at("AdvancedEventSelectors.0.FieldSelectors.4.NotEquals"), any(list{
		session + "eu-west-1/media-replicator", session + "eu-west-1/media-replicator-reconcile",
		session + "us-east-1/media-replicator", session + "us-east-1/media-replicator-reconcile"}))
}

// An app with stacks of its own makes the trail in one of them.
func TestNewAuditTrail(t *testing.T) {
	config := Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AuditTrail: &AuditTrail{}}
	none := config
	none.AuditTrail = nil
	elsewhere := config
	elsewhere.AuditTrail = &AuditTrail{StackRegion: "us-west-2"}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
	for _, tt := range []struct {
		region string
		config Config
		want   string
	}{
		{"us-east-1", config, ""},
		{"us-east-1", none, "replica set media has no audit trail; set Config.AuditTrail"},
		{"eu-west-1", config,
			"stack s2 is not in us-east-1; make the audit trail in a stack there, or name another Region in Config.AuditTrail.StackRegion"},
		{"us-west-2", elsewhere, ""},
	} {
		name := "s" + string(rune('0'+len(*app.Node().Children())))
		stack := awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{Env: &awscdk.Environment{Region: jsii.String(tt.region)}})
		_, err := NewAuditTrail(stack, "AuditTrail", AuditTrailProps{Config: tt.config})
		if (tt.want == "") != (err == nil) || err != nil && err.Error() != tt.want {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}
