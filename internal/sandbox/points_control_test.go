package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/aws/control"
	"s3fanout/internal/sandbox/fault"
)

func controlOf(c aws.Config) *s3control.Client { return control.New(c, c.Region, time.Minute) }

// Jobs of S3 Batch Operations are refused by an error that says why: the SDK
// found no code in the answer for a bucket of that name.
func TestControlHasNoJobs(t *testing.T) {
	s, _ := startPoint(t)
	_, err := controlOf(s.config("us-east-1")).DescribeJob(t.Context(),
		&s3control.DescribeJobInput{AccountId: aws.String(AccountID), JobId: aws.String("00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c")})
	if code(err) != "NotImplemented" || !strings.Contains(err.Error(), "no jobs of S3 Batch Operations") {
		t.Errorf("got %v, want NotImplemented and why", err)
	}
}

// The routes of an access point are read and changed by the SDK's client, in the
// Regions that AWS has for it, also in those that the sandbox has no stacks in.
func TestControlOfAccessPoints(t *testing.T) {
	s, point := startPoint(t)
	ctx, account := t.Context(), aws.String(AccountID)
	get := func(client *s3control.Client) string {
		out, err := client.GetMultiRegionAccessPointRoutes(ctx,
			&s3control.GetMultiRegionAccessPointRoutesInput{AccountId: account, Mrap: &point.ARN})
		if err != nil {
			return code(err)
		}
		if *out.Mrap != point.ARN {
			t.Errorf("routes of %s", *out.Mrap)
		}
		var list []string
		for _, r := range out.Routes {
			if *r.Bucket != s.state.Regions[*r.Region].Bucket {
				t.Errorf("%s has bucket %s", *r.Region, *r.Bucket)
			}
			list = append(list, fmt.Sprint(*r.Region, "=", *r.TrafficDialPercentage))
		}
		return strings.Join(list, " ")
	}
	submit := func(client *s3control.Client, routes ...types.MultiRegionAccessPointRoute) string {
		_, err := client.SubmitMultiRegionAccessPointRoutes(ctx,
			&s3control.SubmitMultiRegionAccessPointRoutesInput{AccountId: account, Mrap: &point.ARN, RouteUpdates: routes})
		if err != nil {
			return code(err)
		}
		return ""
	}
	dial := func(region, bucket string, percentage int32) types.MultiRegionAccessPointRoute {
		r := types.MultiRegionAccessPointRoute{TrafficDialPercentage: &percentage}
		if region != "" {
			r.Region = &region
		}
		if bucket != "" {
			r.Bucket = &bucket
		}
		return r
	}
	const all = "ap-northeast-1=100 eu-west-1=100 us-east-1=100"
	for _, region := range []string{"us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1"} {
		if got := get(controlOf(s.config(region))); got != all {
			t.Errorf("%s: %s", region, got)
		}
	}
	if got := get(controlOf(s.config("eu-central-1"))); got != "PermanentRedirect" {
		t.Errorf("eu-central-1: %s, want PermanentRedirect", got)
	}
	sydney := controlOf(s.config("ap-southeast-2"))
	for _, tt := range []struct {
		what   string
		routes []types.MultiRegionAccessPointRoute
		code   string
		want   string
	}{
		{"a Region away", []types.MultiRegionAccessPointRoute{dial("eu-west-1", "", 0)}, "",
			"ap-northeast-1=100 eu-west-1=0 us-east-1=100"},
		{"a bucket away, a Region back",
			[]types.MultiRegionAccessPointRoute{dial("", s.state.Regions["us-east-1"].Bucket, 0), dial("eu-west-1", "", 100)}, "",
			"ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"all away", []types.MultiRegionAccessPointRoute{dial("ap-northeast-1", "", 0), dial("eu-west-1", "", 0)}, "InvalidRequest",
			"ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"half", []types.MultiRegionAccessPointRoute{dial("us-east-1", "", 50)}, "InvalidRequest",
			"ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"a Region that it has not", []types.MultiRegionAccessPointRoute{dial("us-east-1", "", 100), dial("us-west-2", "", 0)},
			"InvalidRequest", "ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"a bucket in another Region", []types.MultiRegionAccessPointRoute{dial("us-east-1", s.state.Regions["eu-west-1"].Bucket, 100)},
			"InvalidRequest", "ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"nothing", []types.MultiRegionAccessPointRoute{dial("", "", 100)}, "InvalidRequest",
			"ap-northeast-1=100 eu-west-1=100 us-east-1=0"},
		{"all back", []types.MultiRegionAccessPointRoute{dial("us-east-1", "", 100)}, "", all},
	} {
		if got := submit(sydney, tt.routes...); got != tt.code {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.code)
		}
		if got := get(sydney); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}

	// With a Region cut off, another one of the five answers.
	if err := s.SetFault(fault.Fault{Region: "us-east-1", Kind: fault.S3Unavailable, Rate: 1}); err != nil {
		t.Fatal(err)
	}
	if got := get(controlOf(s.config("us-east-1"))); got != "ServiceUnavailable" {
		t.Errorf("a Region that is cut off: %s", got)
	}
	if got := get(controlOf(s.config("us-west-2"))); got != all {
		t.Errorf("another one: %s", got)
	}

	looks := s.trusting(t, "looks", `{"Effect":"Allow","Action":"s3:GetMultiRegionAccessPointRoutes","Resource":"`+point.ARN+`"}`)
	if got := get(controlOf(s.as(looks, "eu-west-1"))); got != all {
		t.Errorf("a role that may look: %s", got)
	}
	if got := submit(controlOf(s.as(looks, "eu-west-1")), dial("eu-west-1", "", 0)); got != "AccessDenied" {
		t.Errorf("a role that may look changes: %q, want AccessDenied", got)
	}
}

// What there is of access points is told in us-west-2.
func TestAccessPointsAreListed(t *testing.T) {
	s, point := startPoint(t)
	ctx, account := t.Context(), aws.String(AccountID)
	oregon := controlOf(s.config("us-west-2"))
	list, err := oregon.ListMultiRegionAccessPoints(ctx, &s3control.ListMultiRegionAccessPointsInput{AccountId: account})
	if err != nil || len(list.AccessPoints) != 1 {
		t.Fatalf("%d access points, %v", len(list.AccessPoints), err)
	}
	one, err := oregon.GetMultiRegionAccessPoint(ctx, &s3control.GetMultiRegionAccessPointInput{AccountId: account, Name: &point.Name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []types.MultiRegionAccessPointReport{list.AccessPoints[0], *one.AccessPoint} {
		var regions []string
		for _, r := range p.Regions {
			regions = append(regions, *r.Region)
		}
		if *p.Name != point.Name || *p.Alias != point.Alias || p.Status != types.MultiRegionAccessPointStatusReady ||
			!slices.Equal(regions, s.regions) {
			t.Errorf("%s %s %s over %v", *p.Name, *p.Alias, p.Status, regions)
		}
	}
	if _, err := controlOf(s.config("us-east-1")).ListMultiRegionAccessPoints(
		ctx, &s3control.ListMultiRegionAccessPointsInput{AccountId: account},
	); code(err) != "PermanentRedirect" {
		t.Errorf("in us-east-1: %v, want PermanentRedirect", err)
	}
	if _, err := oregon.GetMultiRegionAccessPoint(ctx, &s3control.GetMultiRegionAccessPointInput{
		AccountId: account, Name: aws.String("other"),
	}); code(err) != "NoSuchMultiRegionAccessPoint" {
		t.Errorf("another name: %v", err)
	}
	if _, err := oregon.ListMultiRegionAccessPoints(ctx, &s3control.ListMultiRegionAccessPointsInput{
		AccountId: aws.String("444455556666"),
	}); code(err) != "AccessDenied" {
		t.Errorf("another account: %v", err)
	}
}
