package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"

	"s3fanout/internal/sandbox/template"
)

// deployment is one run over the templates' resources.
type deployment struct {
	*Sandbox
	partition string
	assembly  *template.Assembly
}

// target says where a resource is made.
type target struct {
	stack     string
	region    string
	logicalID string
	kind      string // the resource's type
}

// resource is what a template made, as it was made or last changed.
type resource struct {
	kind       string // its type
	retain     bool
	properties json.RawMessage
	created    template.Created
	// unsettled is a resource that failed and could not be put back: what it is
	// like is not known, so that the next deployment changes it in any case.
	unsettled bool
}

// maker makes one resource from its resolved properties. When it fails there
// is nothing, unless the error is a *custom.FailedError.
type maker func(ctx context.Context, d *deployment, t target, properties json.RawMessage) (template.Created, error)

// updater gives a resource other properties. When it fails, the resource is as
// it was or as it should be, or in between.
type updater func(ctx context.Context, d *deployment, t target, old resource, properties json.RawMessage) (template.Created, error)

// keeping is an update after which a resource goes by the same names.
func keeping(change func(ctx context.Context, d *deployment, t target, old resource, properties json.RawMessage) error) updater {
	return func(ctx context.Context, d *deployment, t target, old resource, properties json.RawMessage) (template.Created, error) {
		return old.created, change(ctx, d, t, old, properties)
	}
}

// kind is what the sandbox can do with a type of resource.
type kind struct {
	make       maker
	properties func() any // a pointer to what its properties are decoded into
	// check, instead of properties, is for a type whose properties are anything.
	check func(properties json.RawMessage) error
	// inPlace are the properties that can change while the resource lives, here
	// and on AWS; another one would be another resource there. Without inPlace
	// but with fixed, all can but those.
	inPlace, fixed []string
	update         updater
	// drift finds what was changed by hand. It is nil for what the services'
	// interfaces cannot change here.
	drift func(d *deployment, t target, old resource) (drift, error)
	// remove deletes it.
	remove func(ctx context.Context, d *deployment, t target, old resource) error
}

// kinds returns what the sandbox can make, by resource type. What AWS changes
// in place is said, property by property, in
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html.
func kinds() map[string]kind {
	return map[string]kind{
		"AWS::CloudTrail::Trail": {
			make: makeTrail, properties: func() any { return new(trailProperties) },
			fixed: []string{"TrailName"}, update: keeping(updateTrail), remove: removeTrail, drift: trailDrift,
		},
		"AWS::CloudWatch::Alarm": {
			make: makeAlarm, properties: func() any { return new(alarmProperties) },
			fixed: []string{"AlarmName"}, update: keeping(updateAlarm), remove: removeAlarm,
		},
		"AWS::DynamoDB::Table": {
			make: makeTable, properties: func() any { return new(tableProperties) },
			inPlace: []string{"Tags"}, update: keeping(changeNothing), remove: removeTable,
		},
		"AWS::IAM::Policy": {
			make: makeRolePolicy, properties: func() any { return new(rolePolicyProperties) },
			inPlace: []string{"PolicyDocument"}, update: keeping(updateRolePolicy), remove: removeRolePolicy,
		},
		"AWS::IAM::Role": {
			make: makeRole, properties: func() any { return new(roleProperties) },
			inPlace: []string{"AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "PermissionsBoundary", "Policies", "Tags"},
			update:  keeping(updateRole), remove: removeRole,
		},
		"AWS::KMS::Alias": {
			make: makeAlias, properties: func() any { return new(aliasProperties) }, remove: removeAlias,
		},
		"AWS::KMS::Key": {
			make: makeKey, properties: func() any { return new(keyProperties) },
			inPlace: []string{
				"Description",
				"EnableKeyRotation",
				"PendingWindowInDays",
				"Tags",
			}, update: keeping(changeNothing), remove: removeKey,
		},
		"AWS::Lambda::EventInvokeConfig": {
			make: makeEventInvokeConfig, properties: func() any { return new(eventInvokeProperties) },
			inPlace: []string{"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"},
			update:  keeping(updateEventInvokeConfig), remove: removeEventInvokeConfig,
		},
		"AWS::Lambda::Function": {
			make: makeFunction, properties: func() any { return new(functionProperties) },
			inPlace: []string{
				"Architectures", "Code", "DeadLetterConfig", "Description", "Environment", "Handler", "LoggingConfig", "MemorySize",
				"RecursiveLoop", "ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout",
			},
			update: keeping(updateFunction), drift: functionDrift, remove: removeFunction,
		},
		"AWS::Lambda::Permission": {
			make: makePermission, properties: func() any { return new(permissionProperties) },
			drift: permissionDrift, remove: removePermission,
		},
		"AWS::Logs::LogGroup": {
			make: makeLogGroup, properties: func() any { return new(logGroupProperties) },
			inPlace: []string{"RetentionInDays", "Tags"}, update: keeping(changeNothing), remove: removeLogGroup,
		},
		"AWS::Logs::QueryDefinition": {
			make: makeSavedQuery, properties: func() any { return new(savedQueryProperties) },
			inPlace: []string{"LogGroupNames", "Name", "QueryString"}, update: keeping(updateSavedQuery), remove: removeNothing,
		},
		"AWS::S3::Bucket": {
			make: makeBucket, properties: func() any { return new(bucketProperties) },
			inPlace: []string{
				"BucketEncryption", "LifecycleConfiguration", "LoggingConfiguration", "NotificationConfiguration",
				"OwnershipControls", "PublicAccessBlockConfiguration", "Tags",
			},
			update: keeping(updateBucket), drift: bucketDrift, remove: removeBucket,
		},
		"AWS::S3::BucketPolicy": {
			make: makeBucketPolicy, properties: func() any { return new(bucketPolicyProperties) },
			inPlace: []string{"PolicyDocument"}, update: keeping(updateBucketPolicy), remove: removeBucketPolicy, drift: bucketPolicyDrift,
		},
		"AWS::S3::MultiRegionAccessPoint": {
			make: makeAccessPoint, properties: func() any { return new(accessPointProperties) }, remove: removeAccessPoint,
		},
		"AWS::S3::MultiRegionAccessPointPolicy": {
			make: makeAccessPointPolicy, properties: func() any { return new(accessPointPolicyProperties) },
			inPlace: []string{"Policy"}, update: keeping(updateAccessPointPolicy), remove: removeAccessPointPolicy,
		},
		"AWS::SNS::Subscription": {
			make: makeSubscription, properties: func() any { return new(subscriptionProperties) },
			inPlace: []string{"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"},
			update:  keeping(updateSubscription), drift: subscriptionDrift, remove: removeSubscription,
		},
		"AWS::SNS::Topic": {
			make: makeTopic, properties: func() any { return new(topicProperties) },
			inPlace: []string{"DisplayName", "KmsMasterKeyId", "Tags"}, update: keeping(updateTopic), remove: removeTopic,
		},
		"AWS::SNS::TopicPolicy": {
			make: makeTopicPolicy, properties: func() any { return new(topicPolicyProperties) },
			inPlace: []string{"PolicyDocument"}, update: keeping(updateTopicPolicy), remove: removeTopicPolicy,
		},
		"AWS::Scheduler::Schedule": {
			make: makeSchedule, properties: func() any { return new(scheduleProperties) },
			inPlace: []string{"Description", "ScheduleExpression", "State", "Target"},
			update:  keeping(updateSchedule), drift: scheduleDrift, remove: removeSchedule,
		},
		"AWS::SQS::Queue": {
			make: makeQueue, properties: func() any { return new(queueProperties) },
			inPlace: []string{"KmsMasterKeyId", "MessageRetentionPeriod", "SqsManagedSseEnabled", "Tags", "VisibilityTimeout"},
			update:  keeping(updateQueue), remove: removeQueue,
		},
		"AWS::SQS::QueuePolicy": {
			make: makeQueuePolicy, properties: func() any { return new(queuePolicyProperties) },
			inPlace: []string{"PolicyDocument"}, update: keeping(updateQueuePolicy), remove: removeQueuePolicy,
		},
		// It is kept and described; nothing runs its states.
		"AWS::StepFunctions::StateMachine": {
			make: makeMachine, properties: func() any { return new(machineProperties) },
			inPlace: []string{"Definition", "RoleArn", "Tags"}, update: keeping(updateMachine), drift: machineDrift, remove: removeMachine,
		},
	}
}

// inertTypes are the resource types that a template may hold and that do
// nothing here, each with the reason. Anything else unknown is an error.
func inertTypes() map[string]string {
	return map[string]string{
		"AWS::CDK::Metadata":         "statistics of the CDK",
		"AWS::CloudWatch::Dashboard": "nothing shows the metrics",
		"AWS::EC2::VPCEndpoint":      "nothing here is in a VPC",
	}
}

// supported lists every resource type that a template may hold, in order.
func supported() []string {
	var list []string
	for t := range kinds() {
		list = append(list, t)
	}
	for t := range inertTypes() {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

// note records a part of the Region's state.
func (d *deployment) note(region string, change func(*RegionState)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.state.Regions[region]
	change(&r)
	d.state.Regions[region] = r
	if r == (RegionState{}) {
		delete(d.state.Regions, region)
	}
}

// physicalName names a resource that the template leaves to CloudFormation.
func physicalName(t target) string {
	return t.stack + "-" + t.logicalID + "-" + requestID()[:8]
}

func requestID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
