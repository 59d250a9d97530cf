package infra

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// synthesized is a replica set with its templates, by Region.
type synthesized struct {
	set     replicaset.Config
	dir     string
	regions map[string]template
	meshes  map[string]template
	points  template // of the access points; empty if the set has none
	audit   template // of the audit trail; empty if the set has none
}

func synthesize(t *testing.T, set replicaset.Config) synthesized {
	t.Helper()
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	s := synthesized{set: set, dir: synth(t, set), regions: map[string]template{}, meshes: map[string]template{}}
	for _, region := range set.Regions {
		s.regions[region] = load(t, s.dir, set, set.RegionStackName(region), region)
		s.meshes[region] = load(t, s.dir, set, set.MeshStackName(region), region)
	}
	if set.AccessPoint != nil {
		s.points = load(t, s.dir, set, set.AccessPointStackName(), set.AccessPointRegion())
	}
	if set.AuditTrail != nil {
		s.audit = load(t, s.dir, set, set.AuditStackName(), set.AuditRegion())
	}
	return s
}

// TestRelations checks what the parts of a set say of each other, for the
// default set and for one of five Regions of which two are opt-in.
func TestRelations(t *testing.T) {
	for _, set := range []replicaset.Config{defaultSet(t), fiveRegions()} {
		t.Run(set.Name, func(t *testing.T) {
			s := synthesize(t, set)
			t.Run("subscriptions", s.testSubscriptions)
			t.Run("stack dependencies", s.testStackDependencies)
			for _, region := range set.Regions {
				t.Run(region, func(t *testing.T) {
					at := relations{synthesized: s, region: region, template: s.regions[region]}
					t.Run("bucket", at.testBucket)
					t.Run("topic", at.testTopic)
					t.Run("dead letters", at.testDeadLetters)
					t.Run("function", at.testFunction)
					t.Run("permissions", at.testPermissions)
					t.Run("role", at.testRole)
					t.Run("no other resources", at.testResourceTypes)
				})
			}
		})
	}
}

// relations are the checks of one Region stack.
type relations struct {
	synthesized
	template
	region string
}

// all and one find resources that are there for neither an adopted bucket nor a
// scheduled comparison.
func (r relations) all(kind string) []resource {
	return slices.DeleteFunc(r.template.all(kind), func(r resource) bool { return isAdoption(r) || isReconcile(r) })
}

func (r relations) one(t *testing.T, kind string) resource {
	t.Helper()
	found := r.all(kind)
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, want one", len(found), kind)
	}
	return found[0]
}

// adopted says that the Region's bucket is not made.
func (r relations) adopted() bool { return r.set.Adopts(r.region) }

func (s synthesized) member(region string) replicaset.Member {
	return s.set.Member(testAccount, region)
}

func (s synthesized) partition() string { return replicaset.Partition(s.set.Regions[0]) }

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

// object and list build the values that encoding/json makes.
type (
	object = map[string]any
	list   = []any
)

func (s synthesized) testSubscriptions(t *testing.T) {
	for _, region := range s.set.Regions {
		subscriptions := s.meshes[region].all("AWS::SNS::Subscription")
		equal(t, region+": resources of the mesh stack", len(s.meshes[region].resources), len(s.set.Regions)-1)
		var endpoints, want []string
		for _, other := range s.set.Others(region) {
			want = append(want, s.member(other).FunctionARN())
		}
		for _, r := range subscriptions {
			endpoints = append(endpoints, r.at("Endpoint").(string))
			equal(t, r.ID+": protocol", r.at("Protocol"), any("lambda"))
			equal(t, r.ID+": topic", r.at("TopicArn"), any(s.member(region).TopicARN()))
			equal(t, r.ID+": redrive policy", r.at("RedrivePolicy"),
				any(object{"deadLetterTargetArn": s.member(region).QueueARN()}))
			equal(t, r.ID+": filter scope", r.at("FilterPolicyScope"), any("MessageBody"))
			// The role of the topic's own Region is the one whose events are replica events.
			export := s.set.RegionStackName(region) + "-role-id"
			equal(t, region+": exports", s.regions[region].exports, object{export: "AROA-" + region})
			prefix := "AWS:imported(" + export + "):"
			filter := object{"Records": object{"userIdentity": object{
				"principalId": list{object{"anything-but": object{"prefix": prefix}}}}}}
			if s.set.FollowAny().Deletions {
				filter = object{"$or": list{filter, object{"Records": object{"eventName": list{"ObjectRemoved:DeleteMarkerCreated"}}}}}
			}
			equal(t, r.ID+": filter policy", r.at("FilterPolicy"), any(filter))
		}
		slices.Sort(endpoints)
		slices.Sort(want)
		equal(t, region+": endpoints", endpoints, want)
	}
}

func (s synthesized) testStackDependencies(t *testing.T) {
	m := readManifest(t, s.dir)
	var regions []string
	for _, region := range s.set.Regions {
		regions = append(regions, s.set.RegionStackName(region))
	}
	slices.Sort(regions)
	stacks := 2 * len(regions)
	if s.set.AccessPoint != nil {
		point := m.Artifacts[s.set.AccessPointStackName()]
		equal(t, "dependencies of the access point's stack", point.Dependencies, regions)
		equal(t, "environment of the access point's stack", point.Environment, "aws://unknown-account/"+s.set.AccessPointRegion())
		stacks++
	}
	if s.set.AuditTrail != nil {
		trail := m.Artifacts[s.set.AuditStackName()]
		equal(t, "dependencies of the trail's stack", len(trail.Dependencies), 0)
		equal(t, "environment of the trail's stack", trail.Environment, "aws://unknown-account/"+s.set.Regions[0])
		stacks++
	}
	equal(t, "number of stacks", len(m.Artifacts), stacks)
	for _, region := range s.set.Regions {
		stack, mesh := m.Artifacts[s.set.RegionStackName(region)], m.Artifacts[s.set.MeshStackName(region)]
		equal(t, region+": dependencies of the Region stack", len(stack.Dependencies), 0)
		equal(t, region+": dependencies of the mesh stack", mesh.Dependencies, regions)
		equal(t, region+": environment", stack.Environment, "aws://unknown-account/"+region)
		equal(t, region+": environment of the mesh", mesh.Environment, "aws://unknown-account/"+region)
	}
}

func (r relations) testBucket(t *testing.T) {
	bucket := r.one(t, "AWS::S3::Bucket")
	equal(t, "name", bucket.at("BucketName"), any(r.member(r.region).Bucket))
	equal(t, "notifications", bucket.at("NotificationConfiguration"), any(object{"TopicConfigurations": list{object{
		"Event": "s3:ObjectCreated:*", "Topic": r.member(r.region).TopicARN()}}}))
	equal(t, "dependencies", bucket.DependsOn, []string{r.one(t, "AWS::SNS::TopicPolicy").ID})
	equal(t, "versioning", bucket.at("VersioningConfiguration.Status"), any("Enabled"))
	for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		equal(t, block, bucket.at("PublicAccessBlockConfiguration."+block), any(true))
	}
	equal(t, "ownership", bucket.at("OwnershipControls.Rules.0.ObjectOwnership"), any("BucketOwnerEnforced"))
	equal(t, "encryption", bucket.at("BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"),
		any("AES256"))
	equal(t, "unfinished uploads", bucket.at("LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation"), any(7.0))
	equal(t, "lifecycle rule", bucket.at("LifecycleConfiguration.Rules.0.Status"), any("Enabled"))
	equal(t, "on deletion", bucket.Deletion, "Retain")

	policy := r.one(t, "AWS::S3::BucketPolicy")
	arn := r.member(r.region).BucketARN()
	equal(t, "policy's bucket", policy.at("Bucket"), bucket.at("BucketName"))
	equal(t, "policy", policy.at("PolicyDocument.Statement"), any(list{tlsOnlyStatement("s3:*", list{arn, arn + "/*"})}))
	equal(t, "policy on deletion", policy.Deletion, "Retain")
}

func tlsOnlyStatement(action string, target any) object {
	return object{"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": target,
		"Condition": object{"Bool": object{"aws:SecureTransport": "false"}}}
}

// topic is the one that announces objects; there can be another for alarms.
func (r relations) topic(t *testing.T) resource {
	t.Helper()
	for _, topic := range r.all("AWS::SNS::Topic") {
		if topic.at("TopicName") == r.set.TopicName() {
			return topic
		}
	}
	t.Fatalf("there is no topic %s", r.set.TopicName())
	return resource{}
}

// topicPolicy is the policy of a topic alone.
func (r relations) topicPolicy(t *testing.T, topicARN string) resource {
	t.Helper()
	for _, policy := range r.all("AWS::SNS::TopicPolicy") {
		if reflect.DeepEqual(policy.at("Topics"), any(list{topicARN})) {
			return policy
		}
	}
	t.Fatalf("%s has no policy", topicARN)
	return resource{}
}

func (r relations) testTopic(t *testing.T) {
	arn := r.member(r.region).TopicARN()
	r.topic(t)
	policy := r.topicPolicy(t, arn)
	equal(t, "policy", policy.at("PolicyDocument.Statement"), any(list{
		object{"Sid": "BucketPublishes", "Effect": "Allow", "Principal": object{"Service": "s3.amazonaws.com"},
			"Action": "sns:Publish", "Resource": arn, "Condition": object{
				"ArnEquals":    object{"aws:SourceArn": r.member(r.region).BucketARN()},
				"StringEquals": object{"aws:SourceAccount": testAccount}}},
		tlsOnlyStatement("sns:Publish", arn),
	}))
}

func (r relations) testDeadLetters(t *testing.T) {
	queue := r.one(t, "AWS::SQS::Queue")
	arn := r.member(r.region).QueueARN()
	equal(t, "queue", queue.Properties, object{"QueueName": r.set.QueueName(),
		"MessageRetentionPeriod": 14 * 24 * 3600.0, "SqsManagedSseEnabled": true})
	policy := r.one(t, "AWS::SQS::QueuePolicy")
	equal(t, "policy's queues", policy.at("Queues"), any(list{"https://queue/" + r.region}))
	equal(t, "policy", policy.at("PolicyDocument.Statement"), any(list{
		object{"Sid": "TopicSendsUndelivered", "Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"},
			"Action": "sqs:SendMessage", "Resource": arn, "Condition": object{
				"ArnEquals": object{"aws:SourceArn": r.member(r.region).TopicARN()}}},
		object{"Sid": "OnlyFunctionAndTopicSend", "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
			"Condition": object{"ArnNotEquals": object{
				"aws:PrincipalArn": r.member(r.region).RoleARN(),
				"aws:SourceArn":    r.member(r.region).TopicARN()}}},
		tlsOnlyStatement("sqs:*", arn),
	}))
}

func (r relations) testFunction(t *testing.T) {
	function := r.one(t, "AWS::Lambda::Function")
	for path, want := range map[string]any{
		"FunctionName":           r.set.FunctionName(),
		"Runtime":                "provided.al2023",
		"Handler":                "bootstrap",
		"Architectures":          list{r.set.Architecture()},
		"Timeout":                900.0,
		"MemorySize":             float64(r.set.FunctionMemory()),
		"RecursiveLoop":          "Terminate",
		"Role":                   r.member(r.region).RoleARN(),
		"LoggingConfig.LogGroup": r.set.LogGroupName(), "LoggingConfig.LogFormat": "JSON",
		"LoggingConfig.ApplicationLogLevel": "INFO", "LoggingConfig.SystemLogLevel": "WARN",
	} {
		equal(t, path, function.at(path), want)
	}
	equal(t, "log group", r.one(t, "AWS::Logs::LogGroup").at("LogGroupName"), any(r.set.LogGroupName()))

	// What the function reads is what was meant.
	variables := function.at("Environment.Variables").(object)
	got, err := functionenv.Decode(func(name string) string {
		switch name {
		case functionenv.Region:
			return r.region
		case functionenv.FunctionName:
			return r.set.FunctionName()
		}
		value, _ := variables[name].(string)
		return value
	})
	want := functionenv.Config{Target: r.member(r.region), FunctionName: r.set.FunctionName(),
		Role:                r.member(r.region).RoleARN(),
		MultipartThreshold:  int64(r.set.MultipartThresholdMiB) << 20,
		MultipartParallel:   r.set.MultipartParallel,
		ReplicaStorageClass: r.set.ReplicaStorageClass, Follow: r.set.FollowRules(), Exclude: r.set.Exclude,
		ReplicationTime: r.set.ReplicationTimeThreshold, ReplicationTimeEvents: r.set.ReplicationTimeEvents}
	for _, other := range slices.Sorted(slices.Values(r.set.Others(r.region))) {
		want.Sources = append(want.Sources, r.member(other))
		last := &want.Sources[len(want.Sources)-1] // of which the environment does not say all
		*last = asTheFunctionKnows(*last)
	}
	want.Target = asTheFunctionKnows(want.Target)
	if err != nil {
		t.Errorf("environment: %v", err)
	}
	equal(t, "environment", got, want)

	equal(t, "failures", r.one(t, "AWS::Lambda::EventInvokeConfig").Properties, object{
		"FunctionName": r.set.FunctionName(), "Qualifier": "$LATEST",
		"MaximumRetryAttempts": 2.0, "MaximumEventAgeInSeconds": 21600.0,
		"DestinationConfig": object{"OnFailure": object{"Destination": r.member(r.region).QueueARN()}}})
}

// asTheFunctionKnows is a member without what the environment does not say.
func asTheFunctionKnows(m replicaset.Member) replicaset.Member {
	m.Adopted, m.OwnRole, m.OwnJobRole, m.OwnReconcileRole, m.OwnScheduleRole = false, "", "", "", ""
	return m
}

func (r relations) testPermissions(t *testing.T) {
	got, want := map[string]any{}, map[string]any{}
	for _, p := range r.all("AWS::Lambda::Permission") {
		got[p.at("SourceArn").(string)] = p.Properties
	}
	for _, other := range r.set.Others(r.region) {
		topic := r.member(other).TopicARN()
		want[topic] = object{"Action": "lambda:InvokeFunction", "SourceArn": topic,
			"FunctionName": r.member(r.region).FunctionARN(),
			"Principal":    replicaset.SNSPrincipal(other, r.region)}
	}
	equal(t, "number of permissions", len(r.all("AWS::Lambda::Permission")), len(want))
	equal(t, "permissions by topic", got, want)
}

func (r relations) testResourceTypes(t *testing.T) {
	counts := map[string]int{}
	for _, each := range r.resources {
		counts[each.Type]++
	}
	want := map[string]int{"AWS::Lambda::Permission": len(r.set.Regions) - 1, "AWS::CloudWatch::Alarm": len(site{}.alarms())}
	if r.region == r.set.Regions[0] {
		want["AWS::CloudWatch::Dashboard"] = 1
	}
	for _, kind := range []string{
		"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
		"AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::Lambda::Function", "AWS::Lambda::EventInvokeConfig",
	} {
		want[kind] = 1
	}
	if !maps.Equal(counts, want) {
		t.Errorf("resources:\ngot  %v\nwant %v", counts, want)
	}
}
