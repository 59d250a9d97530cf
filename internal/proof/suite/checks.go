package main

import (
	"context"
	"errors"
	"slices"
)

// check is something that the design takes from AWS's pages and that was not
// confirmed against an account. ask returns the answer seen, and whether it is
// the one that is relied on.
type check struct {
	id, question string
	want         string
	ask          func(ctx context.Context, w *world) (answer string, asWanted bool, err error)
	why          string   // it is not asked, if ask is nil
	targets      []string // where it can be asked; everywhere if there are none
}

func (c check) canBeAsked(target string) bool {
	return len(c.targets) == 0 || slices.Contains(c.targets, target)
}

// errNotAsked says that an earlier step did not come so far.
var errNotAsked = errors.New("not asked, because what would show it was not to be seen")

// checks are all that is not confirmed against live AWS, in the order in which
// they are asked.
func checks() []check {
	// The emulator asks for no permission, has no filters that work, and loses
	// what SNS cannot deliver; only Lambda is Lambda.
	ours, cloud := []string{sandboxTarget, accountTarget}, []string{accountTarget}
	return []check{
		{"deploy", "does `cdk deploy` deploy the templates", "yes", answerOfStep("deploy"), "", []string{emulatorTarget, accountTarget}},
		{"version-permission", "does CopyObject of a version need `s3:GetObjectVersion` alone", "yes", answerOfStep("copies"), "", ours},
		{
			"version-lists",
			"may the caller of backfill list versions with `s3:ListBucketVersions`",
			"yes",
			answerOfStep("backfill"),
			"",
			ours,
		},
		{
			"gone-version",
			"is a version that is gone a 404, and not a 403, with `s3:ListBucket`",
			"yes",
			answerOfStep("redrive-gone"),
			"",
			ours,
		},
		{
			"processor-and-roots",
			"does the function run with GOMAXPROCS 1 and Lambda's certificates",
			"yes",
			answerOfStep("copies"),
			"",
			cloud,
		},
		{"event-version", "which version of its events does S3 send", "2.x", askEventVersion, "", ours},
		{"on-failure-record", "members of the record", onFailureMembers, askOnFailureRecord, "", nil},
		{"undelivered-record", "what is a subscription's dead letter: its body and attributes", "SNS's event, or its envelope",
			askUndelivered, "", ours},
		{"revert-drift", "does `cdk deploy --revert-drift` put a removed permission back", "yes", askRevertDrift, "", nil},
		{"conditional-copy", "is CopyObject with If-None-Match refused where the key is there", "412 PreconditionFailed",
			askConditionalCopy, "", nil},
		{
			"copy-if-match-absent",
			"what is CopyObject with If-Match where the key is not there",
			"404 NoSuchKey",
			askCopyIfMatchAbsent,
			"",
			nil,
		},
		{"copy-of-marker", "what is a copy of a delete marker's version", "400 InvalidRequest", askCopyOfMarker, "", nil},
		{"head-of-marker", "what is HEAD of a deleted key, and of its marker", "404 with x-amz-delete-marker, 405 with Last-Modified",
			askHeadOfMarker, "", nil},
		{"full-object-complete", "is an upload completed by a whole object's CRC64NVME without checksums of its parts", "yes",
			askFullObject, "", nil},
		{"bad-digest", "what is completing an upload with a wrong checksum of the whole object", "400 BadDigest", askBadDigest, "", nil},
		{"multipart-time", "is Last-Modified of an object in parts when the upload began", "yes", askMultipartTime, "", nil},
		{
			"mixed-records",
			"does the filter let a message through in which one of two records is a replica's",
			"yes",
			askMixedRecords,
			"",
			ours,
		},
		{
			"echo-filter",
			"are functions invoked once for each upload and other Region, and not for replicas",
			"yes",
			askInvocations,
			"",
			ours,
		},

		{id: "lineage", question: "the format of `Lineage` in a trace header",
			why: "AWS shows it to functions alone, and 16 invocations in a chain cost a suspended function"},
		{
			id:       "kms",
			question: "what S3 sends to KMS when it publishes to an encrypted topic; `kms:Decrypt` for HEAD with checksums and for parts",
			why: "a key outlives the run by a week; run with CONFIG='{\"encryption\":\"kms\",\"kmsKeyArns\":{…}}' and " +
				"keys of your own",
		},
		{id: "account-regional", question: "buckets in the account-regional namespace",
			why: "asked by a run with CONFIG='{\"bucketNamespace\":\"account-regional\"}'"},
		{id: "opt-in", question: "the principal that SNS delivers as to and from opt-in Regions",
			why: "asked by a run with REGIONS of which one is opt-in, and CONFIG='{\"allowOptInRegions\":true}'"},
		{id: "access-point", question: "whether CloudFormation makes an access point from the Region of its stack",
			why: "asked by a run with CONFIG='{\"accessPoint\":{}}', or with the `region` of the stack; S3 takes up to a day to make one"},
		{id: "batch-operations", question: "the trust condition and the prices of S3 Batch Operations",
			why: "a job costs $0.25 and runs for minutes"},
		{id: "alarm-mail", question: "that alarms arrive by mail", why: "a person has to confirm and to read"},
		{id: "filter-price", question: "that filters cost what they are taken to, and $0.09 a GB", why: "only a bill says so"},
	}
}

// answerOfStep is the answer that a step gave by passing.
func answerOfStep(id string) func(context.Context, *world) (string, bool, error) {
	return func(_ context.Context, w *world) (string, bool, error) {
		if w.seen["step "+id] != passed {
			return "", false, errNotAsked
		}
		return "yes: the step " + id + " passed", true, nil
	}
}
