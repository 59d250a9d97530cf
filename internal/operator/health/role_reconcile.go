package health

import "s3fanout/internal/replicaset"

// compareGrants is what the role of the function that compares needs, and all that it
// needs. infra/reconcile.go grants it; tests hold the table and the templates together,
// here and in internal/proof/e2e.
func (p roleContext) compareGrants() []grant {
	const (
		blind     = "nothing is compared"
		forgotten = "its comparisons start from the beginning, or not at all"
	)
	own, logs := p.BucketARN(), p.ReconcilerLogGroupARN()+":*"
	list := []grant{
		{action: "s3:ListBucketMultipartUploads", resource: own, why: "large copies that are under way are made again"},
		{action: "s3:ListBucketVersions", resource: own, why: "each key that was deleted here is asked about by itself"},
		{action: "s3:ListMultipartUploadParts", resource: own + "/*", why: "large copies that are under way are made again"},
		{action: "dynamodb:GetItem", resource: p.ReconcileTableARN(), why: forgotten},
		{action: "dynamodb:PutItem", resource: p.ReconcileTableARN(), why: forgotten},
		{action: "logs:CreateLogStream", resource: logs, why: "nothing says how old the last comparison is"},
		{action: "logs:PutLogEvents", resource: logs, why: "nothing says how old the last comparison is"},
	}
	overwrites := p.set.FollowAny().Overwrites
	for _, m := range append(replicaset.Members{p.Member}, p.others...) {
		bucket := m.BucketARN()
		list = append(
			list,
			grant{action: "s3:ListBucket", resource: bucket, why: blind},
			grant{
				action:   "s3:GetLifecycleConfiguration",
				resource: bucket,
				why:      "nothing is repaired, as it is not known what a rule has deleted",
			},
			grant{action: "s3:GetObject", resource: bucket + "/*", why: "keys that listings do not tell apart fail"},
		)
		if overwrites {
			const order = "which of two writes is later is not known"
			if m.Region != p.Region { // that of the own bucket is above
				list = append(list, grant{action: "s3:ListBucketVersions", resource: bucket, why: order})
			}
			list = append(list, grant{action: "s3:GetObjectVersion", resource: bucket + "/*", why: order})
		}
	}
	if p.set.Reconcile.Copy {
		list = append(list, grant{action: "sts:AssumeRole", resource: p.RoleARN(), why: "nothing is repaired"})
	}
	var keys []grant
	if p.set.UsesKMS() {
		keys = p.keyGrants()
	}
	for _, g := range append(keys, p.adoptedKeyGrants()...) {
		if g.action == "kms:Decrypt" {
			g.why = "checksums of encrypted objects cannot be read"
			list = append(list, g)
		}
	}
	return list
}

// startGrants is what the role of the schedules, and of the state machine, needs, and all
// that it needs.
func (p roleContext) startGrants() []grant {
	const still = "nothing is compared"
	list := []grant{{action: "lambda:InvokeFunction", resource: p.ReconcilerARN(), why: still}}
	if p.set.Reconcile.KeyRanges == 0 {
		return list
	}
	executions := p.ARN("states", "execution:"+p.set.ReconcilerName()+":*")
	return append(list,
		grant{action: "states:StartExecution", resource: p.ReconcileMachineARN(), why: still},
		grant{action: "states:DescribeExecution", resource: executions, why: "ranges of keys are not looked after"},
		grant{action: "states:StopExecution", resource: executions, why: "ranges of keys are not looked after"},
	)
}
