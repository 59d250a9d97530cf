package infra

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/function/functionenv"
)

// roleProps configure newRole.
type roleProps struct {
	Site site    // required
	Key  *string // ARN of the Region's KMS key; nil if there is none
}

// newRole makes the function's role, with what its calls need and nothing
// else. The policy is a part of the role, so the function cannot exist before
// it. What S3 asks for:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func newRole(scope constructs.Construct, id string, props roleProps) awsiam.CfnRole {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	return awsiam.NewCfnRole(this, jsii.String("Default"), &awsiam.CfnRoleProps{
		RoleName:                 jsii.String(here.RoleName()),
		AssumeRolePolicyDocument: trustDocument(here.trust()),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName:     jsii.String("replicate"),
			PolicyDocument: policyDocument(here.replicate(props.Key)...),
		}},
	})
}

// newPlainRole makes the role of a function that nobody else assumes.
func newPlainRole(scope constructs.Construct, name, policy string, statements ...statement) awsiam.CfnRole {
	return awsiam.NewCfnRole(scope, jsii.String("Role"), &awsiam.CfnRoleProps{
		RoleName:                 jsii.String(name),
		AssumeRolePolicyDocument: trustDocument([]any{trustLambda()}),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName:     jsii.String(policy),
			PolicyDocument: policyDocument(statements...),
		}},
	})
}

func trustLambda() map[string]any {
	return map[string]any{
		"Effect":    "Allow",
		"Principal": service("lambda.amazonaws.com"),
		"Action":    "sts:AssumeRole",
	}
}

// trust are the statements about who may assume the function's role: Lambda,
// and operators. A backfill copies as the function does, so that its copies are
// replicas too. That the account is the principal leaves it to the account's own
// policies which of its roles and users may; operatorArns restricts it to some,
// as a condition, because a principal that does not exist (yet) would end the
// deployment. The session's name is not the function's, by which events and
// CloudTrail tell them apart
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html).
//
// Who comes with a source identity or with tags that go along a chain of roles
// gets no session unless the role lets these be set
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
func (s site) trust() []any {
	trusted := []any{trustLambda()}
	trusted = append(trusted, s.trustReconcile()...)
	operators, restricted := s.Operators(s.Account)
	if restricted && len(operators) == 0 {
		return trusted
	}
	let := func(actions []string, condition map[string]any) {
		if restricted {
			condition["ArnEquals"] = map[string]any{"aws:PrincipalArn": oneOrMany(operators)}
		}
		statement := map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": s.AccountARN()},
			"Action":    oneOrMany(actions),
		}
		if len(condition) > 0 {
			statement["Condition"] = condition
		}
		trusted = append(trusted, statement)
	}
	let([]string{"sts:AssumeRole"}, map[string]any{"StringEquals": map[string]any{"sts:RoleSessionName": s.OperatorSession()}})
	let([]string{"sts:SetSourceIdentity", "sts:TagSession"}, map[string]any{})
	return trusted
}

func trustDocument(statements []any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// replicate are the statements of the function's policy. key is the ARN of the
// Region's KMS key, nil if there is none. Those about S3 name the account,
// because a bucket's ARN does not.
func (s site) replicate(key *string) []statement {
	target := s.BucketARN()
	buckets := []string{target}
	var sourceObjects []string
	for _, other := range s.others() {
		buckets = append(buckets, other.BucketARN())
		sourceObjects = append(sourceObjects, other.BucketARN()+"/*")
	}
	follow := s.FollowAny()
	// GetObject is for HEAD, which tells a replica from an object that is still to be
	// copied, and for conditions on the ETag. PutObject covers a multipart copy but
	// for finding what is done of it and giving it up.
	write := []string{
		"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging",
		"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
	}
	// A copy names its source's version. A task of S3 Batch Operations may name
	// none. One list of all sources, because a policy's length is limited.
	read := []string{"s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
	list := []string{"s3:ListBucket"}
	if s.BatchOperations || follow.Overwrites {
		read = append(read, "s3:GetObject") // HEAD of what is current
	}
	if s.BatchOperations {
		read = append(read, "s3:GetObjectTagging")
	}
	if follow.Overwrites {
		// Which of two writes in one second was the later, and what a deletion hid,
		// is read off a key's versions, at the source or where they were written.
		list = append(list, "s3:ListBucketVersions")
		write = append(write, "s3:GetObjectVersion") // HEAD of what a marker hides
	}
	if follow.Deletions {
		// It makes delete markers. s3:DeleteObjectVersion would destroy.
		write = append(write, "s3:DeleteObject")
	}
	if follow.Tags {
		// The replica's version is named, lest another one gets the tags.
		write = append(write, "s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging")
	}
	return slices.Concat([]statement{
		{
			sid:       "WriteReplicas",
			actions:   write,
			resources: []string{target + "/*"},
			condition: s.ownBuckets(),
		},
		{sid: "ReadSources", actions: read, resources: sourceObjects, condition: s.ownBuckets()},
		{
			// Without it a missing object answers 403 instead of 404.
			sid:       "TellMissingFromForbidden",
			actions:   list,
			resources: buckets,
			condition: s.ownBuckets(),
		},
		{
			// A large copy goes on in another invocation.
			sid:       "HandOver",
			actions:   []string{"lambda:InvokeFunction"},
			resources: []string{s.FunctionARN()},
		},
		{
			sid:       "SendDeadLetters",
			actions:   []string{"sqs:SendMessage"},
			resources: []string{s.QueueARN()},
		},
		{
			// The ":*" is the ARN form of a log group's streams.
			sid:       "WriteLogs",
			actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			resources: []string{s.LogGroupARN() + ":*"},
		},
	}, s.seeVersioning(), s.announceLate(), s.useKeys(key), s.trace())
}

// seeVersioning lets the function see that its bucket keeps versions before it
// writes over any: with versioning suspended a write destroys what was there.
func (s site) seeVersioning() []statement {
	if !s.FollowAny().Overwrites {
		return nil
	}
	return []statement{{
		sid:       "SeeVersioning",
		actions:   []string{"s3:GetBucketVersioning"},
		resources: []string{s.BucketARN()},
		condition: s.ownBuckets(),
	}}
}

// announceLate lets the function send events of replicas that are late, and of
// nothing else's name.
func (s site) announceLate() []statement {
	if !s.ReplicationTimeEvents {
		return nil
	}
	return []statement{{
		sid:       "AnnounceLate",
		actions:   []string{"events:PutEvents"},
		resources: []string{s.DefaultBusARN()},
		condition: map[string]any{"StringEquals": map[string]any{"events:source": functionenv.EventSource}},
	}}
}

// ownBuckets binds a statement about S3 to buckets of this account. The names
// can be guessed, and that of a deleted bucket is anybody's
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).
func (s site) ownBuckets() map[string]any {
	return map[string]any{"StringEquals": map[string]any{"aws:ResourceAccount": s.Account}}
}

// trace are the role's statements about X-Ray, which Lambda sends to as the
// role (https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html). They
// have the one wildcard that stands for everything: neither action knows
// resources (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
func (s site) trace() []statement {
	if !s.Tracing {
		return nil
	}
	return []statement{{
		sid:       "SendTraces",
		actions:   []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
		resources: []string{"*"},
	}}
}
