package health

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
)

// wantUnknown holds a finding of severity Unknown to what every such one says:
// whether what is not known, that nothing was found, and what to do so that it
// is known. What its check means and how that is fixed is no part of it.
func wantUnknown(t *testing.T, f Finding) {
	t.Helper()
	if f.Severity != Unknown {
		t.Errorf("%s is %s, want unknown", f.Check, f.Severity)
	}
	if !strings.HasPrefix(f.What, "cannot tell whether ") || strings.Contains(f.What, "whether : ") {
		t.Errorf("%s: what %q does not say whether what", f.Check, f.What)
	}
	if f.Means != unknownMeans {
		t.Errorf("%s: means %q, which is not known", f.Check, f.Means)
	}
	for _, wrong := range []string{"deploy", "redrive", "unsubscribe", "destroy", "put-bucket", "{"} {
		if strings.Contains(f.Fix, wrong) {
			t.Errorf("%s: fix %q changes something although nothing was found", f.Check, f.Fix)
		}
	}
	if !strings.Contains(f.Fix, "check again: s3fanout doctor ") && !strings.Contains(f.Fix, "aws iam ") &&
		!strings.Contains(f.Fix, "read the policy: aws ") {
		t.Errorf("%s: fix %q does not say how to get the answer", f.Check, f.Fix)
	}
}

// No check's unknown borrows what the check says when it failed, whatever
// the reason is. It said "deploy" while S3 was away.
func TestUnknownNeverBorrowsFromItsCheck(t *testing.T) {
	failed := func(code, message string) error {
		return &smithy.OperationError{
			ServiceID: "S3", OperationName: "HeadBucket", Err: &smithy.GenericAPIError{Code: code, Message: message},
		}
	}
	for _, c := range []struct {
		name string
		err  error
		why  string // in what is said
		fix  string // in the fix
	}{
		{"S3 is away", failed("ServiceUnavailable", "try later"), "ServiceUnavailable: try later", "AWS Health Dashboard for eu-west-1"},
		{"throttled", failed("SlowDown", "less"), "SlowDown", "check again: s3fanout doctor --region eu-west-1"},
		{"denied", failed("AccessDenied", "no"), "s3:ListBucket on", "allow s3:ListBucket to " +
			"arn:aws:iam::111122223333:user/me, as the policies in docs/policies do"},
		{"expired", failed("ExpiredToken", "old"), "refused the credentials", "renew the credentials; then check again"},
		{"nobody there", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, "cannot reach AWS",
			"check the network and AWS_ENDPOINT_URL; then check again"},
		{"answer lost", &net.OpError{Op: "read", Err: errors.New("connection reset")}, "connection reset", "check again: "},
	} {
		for _, info := range Checks() {
			facts := healthy()
			all := map[string]CheckInfo{}
			for _, i := range Checks() {
				all[i.ID] = i
			}
			k := &checker{facts: facts, region: facts.Regions[1], info: all}
			failure := awsapi.Explain("eu-west-1", "bucket b", c.err)
			if answered(k, info.ID, Look[int]{Why: why("eu-west-1", failure), Next: nextAfter(failure)}) || len(k.findings) != 1 {
				t.Fatalf("%s: %s: findings %+v, want one", c.name, info.ID, k.findings)
			}
			f := k.findings[0]
			wantUnknown(t, f)
			if !strings.Contains(f.What, c.why) || !strings.Contains(f.Fix, c.fix) {
				t.Errorf("%s: %s: %q, fix %q; want %q and %q", c.name, info.ID, f.What, f.Fix, c.why, c.fix)
			}
		}
	}
}

// An outage of S3 leaves the bucket unknown, and nothing is said to deploy.
func TestAnOutageOfS3IsNoFailure(t *testing.T) {
	facts := healthy()
	facts.Regions[1].Bucket = gatherWire(t, unusual().with("HEAD", "503 ")).Bucket
	findings := Check(facts)
	if len(findings) != 1 || findings[0].Check != checkBucket {
		t.Fatalf("findings %+v, want that of the bucket", findings)
	}
	wantUnknown(t, findings[0])
	if !strings.Contains(findings[0].What, "503") && !strings.Contains(findings[0].What, http.StatusText(http.StatusServiceUnavailable)) &&
		!strings.Contains(findings[0].What, "ServiceUnavailable") {
		t.Errorf("what %q does not say what S3 answered", findings[0].What)
	}
}

// A bucket that is refused may be another account's: the fix says so.
func TestARefusedBucketMayBeAnotherAccounts(t *testing.T) {
	look := gatherWire(t, unusual().with("HEAD", "403 ")).Bucket
	if look.State != Unanswered || !strings.Contains(look.Next, "in another account") ||
		!strings.Contains(look.Next, "allow s3:ListBucket") {
		t.Errorf("got %+v", look)
	}
}
