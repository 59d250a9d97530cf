package health

import "s3fanout/internal/replicaset"

// grant is an action that the function's role needs on a resource.
type grant struct {
	action, resource string
	why              string // what fails without it
}

// grants is what the role of the function in region needs, and all that it
// needs. infra/role.go grants it; a test holds the two together.
func grants(set replicaset.Config, partition, account, region string) []grant {
	target := set.BucketARN(partition, region, account)
	logs := set.LogGroupARN(partition, region, account) + ":*"
	list := []grant{
		{"s3:GetObject", target + "/*", "echoes are not told from uploads"},
		{"s3:PutObject", target + "/*", "nothing is copied"},
		{"s3:PutObjectTagging", target + "/*", "objects with tags are not copied"},
		{"s3:AbortMultipartUpload", target + "/*", "copies in parts that are given up leave their parts"},
		{"s3:ListMultipartUploadParts", target + "/*", "copies in parts do not go on"},
		{"s3:ListBucket", target, "a missing object looks forbidden"},
		{"lambda:InvokeFunction", set.FunctionARN(partition, region, account), "copies that take longer than 15 minutes do not go on"},
		{"sqs:SendMessage", set.QueueARN(partition, region, account), "what fails leaves no dead letter"},
		{"logs:CreateLogStream", logs, "nothing is logged"},
		{"logs:PutLogEvents", logs, "nothing is logged"},
	}
	for _, other := range set.Others(region) {
		source := set.BucketARN(partition, other, account)
		list = append(list,
			grant{"s3:GetObjectVersion", source + "/*", "nothing is copied from " + other},
			grant{"s3:GetObjectVersionTagging", source + "/*", "objects with tags are not copied from " + other},
			grant{"s3:ListBucket", source, "a deleted source in " + other + " looks forbidden"},
		)
	}
	return list
}

// allows says whether the role's inline policies grant it.
func (r Role) allows(g grant) (verdict, error) {
	return decide(r.Policies.Value, request{
		action: g.action, resource: g.resource,
		context: map[string]string{"aws:securetransport": "true"},
	})
}
