package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox"
)

// A Region leaves a set whose objects are reached through access points alone, in
// the steps that docs/upgrade.md gives: clients go on through the first access point
// and then through the second, and the bucket that stays keeps its denial.
func TestRegionLeavesAnAccessPoint(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	stay, all := []string{"us-east-1", "eu-west-1"}, []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	const gone = "ap-northeast-1"
	w := start(t, synthesize(t, withPoints(t, all)))
	main := w.state.AccessPoints.ARNs[0]
	second := map[string]any{"name": "second", "regions": stay}
	both := synthesize(t, withPoints(t, all, map[string]any{"name": "main"}, second))
	w.update(both)
	at := slices.IndexFunc(w.state.AccessPoints.ARNs, func(arn string) bool { return arn != main })
	if at < 0 || len(w.state.AccessPoints.ARNs) != 2 {
		t.Fatalf("access points %v, want the first and another", w.state.AccessPoints.ARNs)
	}
	moved := w.state.AccessPoints.ARNs[at]
	write := func(arn, region, key string) {
		t.Helper()
		in := &s3.PutObjectInput{Bucket: &arn, Key: &key, Body: strings.NewReader("body of " + key)}
		if _, err := w.by(region).PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	write(main, gone, "old")
	write(moved, gone, "moved")
	w.settle()
	w.wantBy(moved, all, "old", "body of old")

	leaving := editable(t, both)
	leaving.remove("s3fanout-" + gone + "-mesh")
	w.update(leaving.files)
	// The Region and the first access point leave cdk.json together; its Region
	// stack is deleted after that.
	last := synthesize(t, withPoints(t, stay, second))
	without := editable(t, last)
	without.files["s3fanout-"+gone+".template.json"] = leaving.files["s3fanout-"+gone+".template.json"]
	w.update(without.files)
	write(moved, gone, "between")
	w.update(last)
	w.regions = stay
	write(moved, gone, "after")
	w.settle()
	if got := w.state.AccessPoints.ARNs; len(got) != 1 || got[0] != moved {
		t.Errorf("access points %v, want %s alone", got, moved)
	}
	for _, key := range []string{"old", "moved", "between", "after"} {
		w.wantBy(moved, stay, key, "body of "+key)
	}
	for _, region := range stay {
		w.wantLetters(region, 0)
	}

	left := s3.GetObjectInput{Bucket: aws.String("s3fanout-" + sandbox.AccountID + "-" + gone), Key: aws.String("old")}
	if _, err := w.s3(gone).GetObject(t.Context(), &left); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("from the bucket that stayed: %v, want AccessDenied", err)
	}
	if _, err := w.s3(gone).DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: left.Bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3(gone).GetObject(t.Context(), &left); err != nil {
		t.Errorf("from the bucket without its policy: %v", err)
	}
}
