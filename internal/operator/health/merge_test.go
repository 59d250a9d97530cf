package health

import (
	"slices"
	"strings"
	"testing"
)

// A caller who may ask for nothing had a paragraph for each check in each Region:
// 27 for one cause.
func TestMergeNamesTheMissingPermissionsOnce(t *testing.T) {
	lacks := func(check, region, action string) Finding {
		return Finding{Check: check, Region: region, Severity: Unknown, What: "cannot tell", Denied: action}
	}
	other := Finding{Check: checkTopicKey, Region: "us-east-1", Severity: Failed, What: "w"}
	down := Finding{Check: checkQueue, Region: "us-east-1", Severity: Unknown, What: "no answer"}
	got := Merge([]Finding{
		other, lacks(checkBucket, "us-east-1", "s3:ListBucket"), down, lacks(checkQueue, "us-east-1", "sqs:GetQueueUrl"),
		lacks(checkBucket, "eu-west-1", "s3:ListBucket"),
	}, "arn:me")
	if len(got) != 3 || got[0] != other || got[2] != down {
		t.Fatalf("got %+v, want one for what was denied, in its place", got)
	}
	one := got[1]
	if one.Check != checkCaller || one.Region != "us-east-1, eu-west-1" || one.Severity != Unknown ||
		one.What != "arn:me lacks permissions for 3 checks: bucket, queue" ||
		!strings.HasPrefix(one.Fix, "allow s3:ListBucket, sqs:GetQueueUrl to arn:me, as the policies in docs/policies do") ||
		!strings.HasSuffix(one.Fix, strangersBucket) {
		t.Errorf("got %+v", one)
	}
	alone := []Finding{other, lacks(checkQueue, "us-east-1", "sqs:GetQueueUrl")}
	if got := Merge(alone, "arn:me"); !slices.Equal(got, alone) {
		t.Errorf("got %+v, want it unchanged", got)
	}
	if got := Merge(nil, ""); len(got) != 0 {
		t.Errorf("got %+v of nothing", got)
	}
}
