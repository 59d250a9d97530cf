package deadletter_test

import (
	"testing"

	"s3fanout/internal/operator/deadletter"
)

func TestEssence(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1 of 1 failed: denied: AccessDenied", "denied: AccessDenied"},
		{"the function failed again: 1 of 1 failed: denied", "the function failed again: denied"},
		{"1 of 2 failed: denied", "1 of 2 failed: denied"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := deadletter.Essence(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCause(t *testing.T) {
	tests := []struct{ in, want string }{
		{
			"1 of 1 failed: retryable: SlowDown: Please reduce your request rate. (status 503, 3 attempts, request 4442587FB7D0A2F9): " +
				"copy s3://media-111122223333-us-east-1/films/one two.mp4?versionId=3/L4kqt to s3://media-111122223333-eu-west-1 " +
				"(eu-west-1)",
			"retryable: SlowDown: Please reduce your request rate. (status 503, 3 attempts)",
		},
		{
			"the function failed again: 1 of 1 failed: denied: AccessDenied: no (status 403, request X): head before copy of s3://b/k to " +
				"s3://c (eu-west-1)",
			"the function failed again: denied: AccessDenied: no (status 403)",
		},
		{
			"retryable: S3 was away (upload abc~1 stays open and can be resumed): copy part of s3://b/k to s3://c (eu-west-1)",
			"retryable: S3 was away (upload … stays open and can be resumed)",
		},
		{"RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Error: Runtime exited",
			"RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Error: Runtime exited"},
		{"RequestId: 8f507cfc-0e5c-4697-b07a-ac58fc914c95 Error: Runtime exited", "RequestId: … Error: Runtime exited"},
		{"function not found", "function not found"},
		{
			"retryable: the clock of S3 in us-east-1 is ahead of that in eu-west-1 by 3m2s or more, longer than the function waits: " +
				"follow a change of s3://b/a b to s3://c (eu-west-1)",
			"retryable: the clock of S3 in us-east-1 is ahead of that in eu-west-1 by … or more, longer than the function waits",
		},
		{
			"denied: AccessDenied: no (status 403): list versions in us-east-1 of s3://b/k of k to s3://c (eu-west-1)",
			"denied: AccessDenied: no (status 403)",
		},
		{
			`denied: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator is not ` +
				`authorized to perform: s3:PutObject on resource: "arn:aws:s3:::media-111122223333-eu-west-1/a "b"` + "\n" +
				`SlowDown.mp4" with an explicit deny in a resource-based policy (status 403)`,
			`denied: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator is not ` +
				`authorized to perform: s3:PutObject on resource: "arn:aws:s3:::media-111122223333-eu-west-1/…" with an explicit deny in ` +
				`a resource-based policy (status 403)`,
		},
		{
			`User: u is not authorized to perform: s3:GetObject on resource: "arn:aws-cn:s3:::b/k" because no identity-based policy ` +
				`allows the s3:GetObject action`,
			`User: u is not authorized to perform: s3:GetObject on resource: "arn:aws-cn:s3:::b/…" because no identity-based policy ` +
				`allows the s3:GetObject action`,
		},
		{`not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k/l"`,
			`not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/…"`},
		{`not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::b" because no`,
			`not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::b" because no`},
		{"", ""},
	}
	for _, tt := range tests {
		if got := deadletter.Cause(tt.in); got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

// TestNext says for what reasons look like what the command advises. Those of the
// function's own errors are held by TestOwnErrorsAreAdvised of the function.
func TestNext(t *testing.T) {
	for _, tt := range []struct {
		reasons []string
		next    string
	}{
		{[]string{"AccessDenied", "AccessDeniedException", "denied:"},
			"run s3fanout doctor, which finds the missing permission; then redrive"},
		{
			[]string{
				`denied: AccessDenied: not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k" with an explicit ` +
					`deny in a ` +
					`resource-based policy`,
				"denied: AccessDenied: not authorized to perform: s3:PutObject because no service control policy allows the " +
					"s3:PutObject action",
				"denied: AccessDenied: not authorized to perform: s3:PutObject because no permissions boundary allows the " +
					"s3:PutObject action",
				"denied: AccessDenied: not authorized to perform: s3:GetObject because no VPC endpoint policy allows the " +
					"s3:GetObject action",
				"denied: AccessDenied: not authorized to perform: s3:GetObject because no session policy allows the s3:GetObject action",
			},
			"change the policy that denies it: the reason names its kind; then redrive",
		},
		{[]string{`AccessDenied: not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/explicit deny.txt" because no ` +
			`identity-based policy allows it`}, "run s3fanout doctor, which finds the missing permission; then redrive"},
		{[]string{"not a source of this function", "NoSuchBucket"},
			"run s3fanout doctor, which finds what is missing or differs from cdk.json; then redrive"},
		{[]string{"SlowDown", "ServiceUnavailable", "retryable:"},
			"S3 was busy or did not answer: redrive, with --rate if it was throttled; s3fanout status shows whether that continues"},
		{[]string{"is ahead of that in"},
			"once S3's clocks agree, or the time has passed by which one is ahead: redrive; s3fanout doctor compares them"},
		{[]string{"does not keep versions"}, "enable versioning on the bucket, and see who suspended it; then redrive"},
		{[]string{"no room for the entry", "that HTTP headers cannot hold"},
			"store the object again with other user metadata, which is a new write; then delete the dead letter"},
		{[]string{"InvalidObjectState", "restore it first"}, "restore the object from its archive, then redrive"},
		{[]string{"the copy is unfinished and was not handed over", "stays open and can be resumed"},
			"redrive within 7 days: that continues the upload"},
		{[]string{"ZeroReservedConcurrency", "TooManyRequestsException"}, "if the Region is paused, s3fanout resume ends that and " +
			"replays; else run s3fanout doctor, which checks the function's concurrency"},
		{[]string{"Task timed out", "Runtime exited", "maximum event age"},
			"run s3fanout doctor, which checks the function's memory, time limit and concurrency; its log has the rest"},
		{[]string{"NoSuchUpload"}, "see who aborts unfinished uploads in the bucket, or which lifecycle rule does; then redrive"},
		{[]string{"S3 does not say that this function's role began it"},
			"copy the object with s3fanout backfill, then delete the dead letter"},
		{[]string{"malformed event", "unsupported event", "was begun by"},
			"nothing of the replica set sends it: find out who put it there, then delete it"},
		{[]string{"anything else"}, "run s3fanout doctor; if all checks pass, the function's log has the details"},
	} {
		for _, reason := range tt.reasons {
			if got := deadletter.Next(reason); got != tt.next {
				t.Errorf("%q: got %q, want %q", reason, got, tt.next)
			}
		}
	}
}
