package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/snapshot"
)

// withAccessPoint is the committed assembly with an access point over a bucket, in
// the mesh stack of us-east-1, and its policy.
func withAccessPoint(t *testing.T, bucket string) fs.FS {
	t.Helper()
	return changed(t, func(_, mesh map[string]any) {
		arn := map[string]any{"Fn::Sub": "arn:aws:s3::${AWS::AccountId}:accesspoint/${Point.Alias}"}
		mesh["Point"] = map[string]any{"Type": "AWS::S3::MultiRegionAccessPoint", "Properties": map[string]any{
			"Regions": []any{map[string]any{"Bucket": bucket, "BucketAccountId": AccountID}}}}
		mesh["PointPolicy"] = map[string]any{"Type": "AWS::S3::MultiRegionAccessPointPolicy", "Properties": map[string]any{
			"MrapName": map[string]any{"Ref": "Point"},
			"Policy": document(map[string]any{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arn,
				"Condition": map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalAccount": AccountID}}})}}
	})
}

// An access point is made over buckets that there are, is never another one, and
// goes with its resource.
func TestAccessPointIsDeployed(t *testing.T) {
	s := start(t)
	bucket := s.state.Regions["us-east-1"].Bucket
	if _, err := s.Update(t.Context(), withAccessPoint(t, bucket)); err != nil {
		t.Fatal(err)
	}
	points := s.points.Points()
	if len(points) != 1 {
		t.Fatalf("%d access points, want one", len(points))
	}
	p := points[0]
	if !regexp.MustCompile(`^[a-z2-7]{13}\.mrap$`).MatchString(p.Alias) || p.ARN != "arn:aws:s3::"+AccountID+":accesspoint/"+p.Alias {
		t.Errorf("alias %s, ARN %s", p.Alias, p.ARN)
	}
	if got := fmt.Sprint(p.Buckets); got != "[{us-east-1 "+bucket+" false}]" || p.Policy == nil {
		t.Errorf("buckets %s, policy %v", got, p.Policy)
	}

	var refused RefusedError
	other := s.state.Regions["eu-west-1"].Bucket
	if _, err := s.Update(t.Context(), withAccessPoint(t, other)); !errors.As(err, &refused) || !strings.Contains(err.Error(), "property Regions: the sandbox can't change it while the resource lives; AWS would put a new one in its place") {
		t.Errorf("another bucket: %v", err)
	}
	if _, err := s.Update(t.Context(), changed(t, func(_, _ map[string]any) {})); err != nil {
		t.Fatal(err)
	}
	if left := s.points.Points(); len(left) != 0 {
		t.Errorf("%d access points are left", len(left))
	}
	if _, err := s.Update(t.Context(), withAccessPoint(t, "nobodys-bucket")); err == nil || !strings.Contains(err.Error(), "property Regions: there is no bucket nobodys-bucket") {
		t.Errorf("a bucket that there is not: %v", err)
	}
}

// With a policy as infra makes it, whoever is not named reaches no object by the
// bucket's name, and can still list the bucket and change the policy.
func TestBucketOnlyByAccessPoint(t *testing.T) {
	s := start(t)
	const region = "us-east-1"
	bucket := s.state.Regions[region].Bucket
	named := s.trusting(t, "named", `{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::`+bucket+`/*"}`)
	only := document(map[string]any{"Sid": "OnlyByAccessPoint", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::" + bucket + "/*",
		"Condition": map[string]any{"ArnNotLike": map[string]any{
			"s3:DataAccessPointArn": "arn:aws:s3::" + AccountID + ":accesspoint/*", "aws:PrincipalArn": []string{named.ARN}}}})
	if _, err := s.Update(t.Context(), changed(t, set("AWS::S3::BucketPolicy", "PolicyDocument", only))); err != nil {
		t.Fatal(err)
	}
	admin, client := s3.NewFromConfig(s.config(region)), s3.NewFromConfig(s.as(named, region))
	put := func(client *s3.Client) error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a"), Body: strings.NewReader("1")})
		return err
	}
	if err := put(admin); code(err) != "AccessDenied" {
		t.Errorf("the administrator: %v, want AccessDenied", err)
	}
	if err := put(client); err != nil {
		t.Errorf("a role that is named: %v", err)
	}
	if _, err := admin.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("a")}); code(err) != "AccessDenied" {
		t.Errorf("the administrator reads: %v, want AccessDenied", err)
	}
	if out, err := admin.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket}); err != nil || len(out.Contents) != 1 {
		t.Errorf("the administrator lists: %v", err)
	}
	if _, err := s.Update(t.Context(), snapshot.FS()); err != nil {
		t.Fatal(err)
	}
	if err := put(admin); err != nil {
		t.Errorf("the policy as it was: %v", err)
	}
}
