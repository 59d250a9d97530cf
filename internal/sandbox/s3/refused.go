package s3

import (
	"net/http"
	"net/url"
)

// refusal is an operation that the sandbox does not have, with the permission
// that it takes. AWS looks at permissions first: without this one the answer is that it
// is denied, and not that the operation is missing here.
type refusal struct {
	operation
	action string
}

// refusals are the operations of requests that change what a bucket or an
// object allows, keeps or hides, and that only templates make here
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
func refusals() []refusal {
	put, post := http.MethodPut, http.MethodPost
	at := func(action, name, method string, level level, marker string) refusal {
		return refusal{operation{name: name, method: method, level: level, marker: marker}, "s3:" + action}
	}
	return []refusal{
		at("PutLifecycleConfiguration", "PutBucketLifecycleConfiguration", put, onBucket, "lifecycle"),
		at("PutBucketPublicAccessBlock", "PutPublicAccessBlock", put, onBucket, "publicAccessBlock"),
		at("PutBucketOwnershipControls", "PutBucketOwnershipControls", put, onBucket, "ownershipControls"),
		at("PutReplicationConfiguration", "PutBucketReplication", put, onBucket, "replication"),
		at("PutInventoryConfiguration", "PutBucketInventoryConfiguration", put, onBucket, "inventory"),
		at("PutBucketAcl", "PutBucketAcl", put, onBucket, "acl"),
		at("PutObjectAcl", "PutObjectAcl", put, onObject, "acl"),
		at("PutObjectRetention", "PutObjectRetention", put, onObject, "retention"),
		at("PutObjectLegalHold", "PutObjectLegalHold", put, onObject, "legal-hold"),
		at("RestoreObject", "RestoreObject", post, onObject, "restore"),
	}
}

func findRefusal(method string, at level, query url.Values) (refusal, bool) {
	for _, r := range refusals() {
		if r.method == method && r.level == at && query.Has(r.marker) {
			return r, true
		}
	}
	return refusal{}, false
}

// refuse answers a request for an operation that the sandbox does not have.
func (a authorizer) refuse(r refusal) error {
	if err := a.one(need{action: r.action, bucket: a.request.bucket, key: a.request.key}); err != nil {
		return err
	}
	return errNotImplemented("the operation %s", r.name)
}
