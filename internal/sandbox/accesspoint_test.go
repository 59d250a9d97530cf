package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
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
	if _, err := s.Update(t.Context(), withAccessPoint(t, other)); !errors.As(err, &refused) ||
		!strings.Contains(
			err.Error(), "property Regions: the sandbox can't change it while the resource lives; AWS would put a new one in its place",
		) {
		t.Errorf("another bucket: %v", err)
	}
	if _, err := s.Update(t.Context(), changed(t, func(_, _ map[string]any) {})); err != nil {
		t.Fatal(err)
	}
	if left := s.points.Points(); len(left) != 0 {
		t.Errorf("%d access points are left", len(left))
	}
	if _, err := s.Update(t.Context(), withAccessPoint(t, "nobodys-bucket")); err == nil ||
		!strings.Contains(err.Error(), "property Regions: there is no bucket nobodys-bucket") {
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
	only := document(map[string]any{"Sid": "OnlyByAccessPoint", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource": "arn:aws:s3:::" + bucket + "/*",
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

// An access point whose stack is done is reached although a later stack failed: it
// is there, and the deployment goes on after it.
func TestAccessPointOfFailedDeployment(t *testing.T) {
	s := start(t)
	over := func(bucket string) map[string]any {
		regions := []any{map[string]any{"Bucket": bucket}}
		return map[string]any{"Type": "AWS::S3::MultiRegionAccessPoint", "Properties": map[string]any{"Regions": regions}}
	}
	bucket := s.state.Regions["us-east-1"].Bucket
	assembly := changed(t, func(region, mesh map[string]any) {
		region["Point"] = over(bucket)
		mesh["Other"] = over("nobodys-bucket")
	})
	const want = "there is no bucket nobodys-bucket"
	if changes, err := s.Update(t.Context(), assembly); err == nil || !strings.Contains(err.Error(), want) || len(changes.Made) != 1 {
		t.Fatalf("%v, made %v; want one access point and %q", err, changes.Made, want)
	}
	state, points := s.State().AccessPoints, s.points.Points()
	if len(points) != 1 || state == nil || !slices.Equal(state.ARNs, []string{points[0].ARN}) || len(state.Proxies) != len(s.regions) {
		t.Fatalf("%d access points, served as %+v; want one that every Region has a proxy for", len(points), state)
	}
	put := &s3.PutObjectInput{Bucket: &points[0].ARN, Key: aws.String("a"), Body: strings.NewReader("1")}
	if _, err := s.from(t, "eu-west-1", s.config("eu-west-1")).PutObject(t.Context(), put); err != nil {
		t.Error(err)
	}

	// One that the next deployment deletes before it fails is no longer listed.
	gone := changed(t, func(_, mesh map[string]any) { mesh["Other"] = over("nobodys-bucket") })
	if _, err := s.Update(t.Context(), gone); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want %q", err, want)
	}
	if got := s.State().AccessPoints; len(got.ARNs) != 0 {
		t.Errorf("%v are listed, and deleted", got.ARNs)
	}
}
