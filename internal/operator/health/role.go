package health

import (
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/iampolicy"
	"s3fanout/internal/replicaset"
)

// grant is an action that a role needs on a resource.
type grant struct {
	action, resource string
	why              string // what fails without it
	// when are the circumstances in which it is needed, as condition keys in
	// lower case: in each of them. None is any.
	when []map[string]string
	// aliases are those of the key, if the action is one on a key.
	aliases []string
}

// roleContext is where a role is, and what it is of.
type roleContext struct {
	replicaset.Member
	set    replicaset.Config
	others replicaset.Members
	keys   map[string]string // ARN of the Region's KMS key, where it is known
}

func newRoleContext(set replicaset.Config, here replicaset.Member, keys map[string]string) roleContext {
	return roleContext{Member: here, set: set, others: set.Members(here.Account).Except(here.Region), keys: keys}
}

// functionGrants is what the function's role needs to copy, and with
// traceGrants all that it needs.
// infra/role.go, infra/key.go and infra/batch.go grant it; tests hold the table
// and the templates together, here and in internal/proof/e2e.
func (p roleContext) functionGrants() []grant {
	target := p.BucketARN()
	logs := p.LogGroupARN() + ":*"
	list := []grant{
		{action: "s3:GetObject", resource: target + "/*", why: "replica events are taken for uploads"},
		{action: "s3:PutObject", resource: target + "/*", why: "nothing is copied"},
		{action: "s3:PutObjectTagging", resource: target + "/*", why: "objects with tags are not copied"},
		{action: "s3:AbortMultipartUpload", resource: target + "/*", why: "unfinished copies leave their parts"},
		{action: "s3:ListMultipartUploadParts", resource: target + "/*", why: "copies in parts do not continue"},
		{action: "s3:ListBucket", resource: target, why: "a missing object looks forbidden"},
		{action: "lambda:InvokeFunction", resource: p.FunctionARN(), why: "copies that take longer than 15 minutes do not continue"},
		{action: "sqs:SendMessage", resource: p.QueueARN(), why: "failed events leave no dead letter"},
		{action: "logs:CreateLogStream", resource: logs, why: "nothing is logged"},
		{action: "logs:PutLogEvents", resource: logs, why: "nothing is logged"},
	}
	for _, other := range p.others {
		source := other.BucketARN()
		list = append(
			list,
			grant{action: "s3:GetObjectVersion", resource: source + "/*", why: "nothing is copied from " + other.Region},
			grant{
				action:   "s3:GetObjectVersionTagging",
				resource: source + "/*",
				why:      "objects with tags are not copied from " + other.Region,
			},
			grant{action: "s3:ListBucket", resource: source, why: "a deleted source in " + other.Region + " looks forbidden"},
		)
	}
	list = append(list, p.followGrants()...)
	if p.set.ReplicationTimeEvents {
		list = append(list, grant{action: "events:PutEvents", resource: p.DefaultBusARN(), why: "late replicas cause no EventBridge events",
			when: []map[string]string{{"events:source": functionenv.EventSource}}})
	}
	if p.set.UsesKMS() {
		list = append(list, p.keyGrants()...)
	}
	list = append(list, p.adoptedKeyGrants()...)
	if p.set.BatchOperations {
		list = append(list, p.taskGrants()...)
	}
	return list
}

// adoptedKeyGrants are the function's on the keys of adopted buckets.
func (p roleContext) adoptedKeyGrants() []grant {
	within := func(m replicaset.Member) (when []map[string]string) {
		for _, of := range []string{m.BucketARN(), m.BucketARN() + "/*"} {
			when = append(when, map[string]string{"kms:encryptioncontext:aws:s3:arn": of})
		}
		return when
	}
	var list []grant
	if own := p.set.BucketKeyARNs[p.Region]; own != "" {
		list = append(list,
			grant{action: "kms:GenerateDataKey", resource: own, why: "nothing is copied", when: within(p.Member)},
			grant{action: "kms:Decrypt", resource: own, why: "copies in parts are not completed", when: within(p.Member)},
		)
	}
	for _, other := range p.others {
		if key := p.set.BucketKeyARNs[other.Region]; key != "" {
			list = append(
				list,
				grant{action: "kms:Decrypt", resource: key, why: "nothing is copied from " + other.Region, when: within(other)},
			)
		}
	}
	return list
}

// followGrants are what following later changes takes besides.
func (p roleContext) followGrants() []grant {
	follow := p.set.FollowAny()
	target := p.BucketARN()
	var list []grant
	if follow.Overwrites {
		const versions = "it is not known which of two writes is later and what a deletion hid"
		list = append(
			list,
			grant{
				action:   "s3:GetBucketVersioning",
				resource: target,
				why:      "nothing is followed, because a write could destroy what it replaces",
			},
			grant{action: "s3:ListBucketVersions", resource: target, why: versions},
			grant{action: "s3:GetObjectVersion", resource: target + "/*", why: versions},
		)
		for _, other := range p.others {
			source := other.BucketARN()
			list = append(list, grant{action: "s3:ListBucketVersions", resource: source, why: versions})
			if !p.set.BatchOperations { // which needs the same
				list = append(list, grant{action: "s3:GetObject", resource: source + "/*", why: "nothing is followed from " + other.Region})
			}
		}
	}
	if follow.Deletions {
		list = append(list, grant{action: "s3:DeleteObject", resource: target + "/*", why: "deletions are not followed"})
	}
	if follow.Tags {
		for _, action := range []string{"s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging"} {
			list = append(list, grant{action: action, resource: target + "/*", why: "changes of tags are not followed"})
		}
	}
	return list
}

// keyGrants are the function's on keys: its own Region's, if that is known, and
// the sources'.
func (p roleContext) keyGrants() []grant {
	var list []grant
	if own := p.keys[p.Region]; own != "" {
		list = append(list,
			grant{action: "kms:GenerateDataKey", resource: own, why: "nothing is copied, and failed events leave no dead letter"},
			grant{action: "kms:Decrypt", resource: own, why: "copies in parts are not completed, and failed events leave no dead letter"},
		)
	}
	for _, other := range p.others {
		g := grant{action: "kms:Decrypt", resource: p.keys[other.Region], why: "nothing is copied from " + other.Region}
		if g.resource == "" {
			g.resource = other.ARN("kms", "key/*")
		}
		if p.set.MakesKeys() {
			g.aliases = []string{p.set.KeyAlias()}
		}
		// With a bucket key S3 asks for the bucket, and else for the object
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
		for _, of := range []string{other.BucketARN(), other.BucketARN() + "/*"} {
			g.when = append(g.when, map[string]string{"kms:encryptioncontext:aws:s3:arn": of})
		}
		list = append(list, g)
	}
	return list
}

// traceGrants are what Lambda needs of the role to send traces. Without them
// objects are copied all the same.
func (p roleContext) traceGrants() []grant {
	if !p.set.Tracing {
		return nil
	}
	return []grant{{action: "xray:PutTraceSegments", resource: "*"}, {action: "xray:PutTelemetryRecords", resource: "*"}}
}

// taskGrants are what the tasks of a job need of the function's role.
func (p roleContext) taskGrants() []grant {
	var list []grant
	for _, other := range p.others {
		source := other.BucketARN()
		list = append(list,
			grant{action: "s3:GetObject", resource: source + "/*", why: "jobs copy nothing from " + other.Region},
			grant{action: "s3:GetObjectTagging", resource: source + "/*", why: "jobs copy no objects with tags from " + other.Region},
			grant{action: "lambda:InvokeFunction", resource: other.FunctionARN(), why: "jobs copy nothing to " + other.Region},
		)
	}
	return list
}

// jobGrants is what the role of jobs of S3 Batch Operations needs, and all that
// it needs.
func (p roleContext) jobGrants() []grant {
	bucket := p.BucketARN()
	list := []grant{
		{action: "lambda:InvokeFunction", resource: p.FunctionARN(), why: "jobs copy nothing"},
		{action: "s3:PutInventoryConfiguration", resource: bucket, why: "jobs find no objects"},
		{action: "s3:PutObject", resource: bucket + "/" + replicaset.ReportPrefix + "/*", why: "jobs leave no report"},
	}
	if own := p.keys[p.Region]; own != "" {
		list = append(list,
			grant{action: "kms:GenerateDataKey", resource: own, why: "jobs leave no report"},
			grant{action: "kms:Decrypt", resource: own, why: "jobs leave no report"},
		)
	}
	return list
}

// in says whether a role's inline policies have the grant, on a resource of the
// account.
func (g grant) in(policies iampolicy.Policies, account string) iampolicy.Answer {
	when := g.when
	if len(when) == 0 {
		when = []map[string]string{{}}
	}
	worst := iampolicy.Yes
	for _, circumstances := range when {
		ask := iampolicy.Request{
			Action: g.action, Resource: g.resource,
			Context: map[string]string{"aws:securetransport": "true", "aws:resourceaccount": account},
		}
		for key, value := range circumstances {
			ask.Context[key] = value
		}
		if g.aliases != nil {
			ask.Lists = map[string][]string{"kms:resourcealiases": g.aliases}
		}
		worst = min(worst, policies.Ask(ask))
	}
	return worst
}
