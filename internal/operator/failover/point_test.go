package failover

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/replicaset"
)

func TestNamed(t *testing.T) {
	const arn = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"
	want := Point{Name: "mfzwi23gnjvgw.mrap", Alias: "mfzwi23gnjvgw.mrap", ARN: arn}
	for _, text := range []string{arn, "mfzwi23gnjvgw.mrap"} {
		if p, account, ok := Named(text, "aws", "111122223333"); !ok || p != want || account != "111122223333" {
			t.Errorf("%s: %+v of %s, %v", text, p, account, ok)
		}
	}
	for _, text := range []string{
		"", "main", "mfzwi23gnjvgw", "arn:aws:s3:us-east-1:111122223333:accesspoint/mine", "arn:aws:s3:::bucket",
		"arn:aws:sns::111122223333:accesspoint/mfzwi23gnjvgw.mrap", arn + "/object/key",
	} {
		if p, _, ok := Named(text, "aws", "111122223333"); ok {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

// listed is an account's list of access points.
type listed []types.MultiRegionAccessPointReport

func (l listed) ListMultiRegionAccessPoints(context.Context, *s3control.ListMultiRegionAccessPointsInput,
	...func(*s3control.Options)) (*s3control.ListMultiRegionAccessPointsOutput, error) {
	return &s3control.ListMultiRegionAccessPointsOutput{AccessPoints: l}, nil
}

// Those over the set's buckets that are ready are found, by the names of cdk.json, and
// one of several has to be named.
func TestFindAndChoose(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AccessPoint: &replicaset.AccessPoint{
		Points: []replicaset.Point{
			{Name: "main", Regions: []string{"us-east-1", "eu-west-1"}}, {Name: "second", Regions: []string{"us-east-1"}},
		},
	}}
	report := func(alias string, status types.MultiRegionAccessPointStatus, buckets ...string) types.MultiRegionAccessPointReport {
		r := types.MultiRegionAccessPointReport{Alias: &alias, Name: aws.String("chosen-by-s3"), Status: status}
		for _, b := range buckets {
			r.Regions = append(r.Regions, types.RegionReport{Bucket: aws.String(b)})
		}
		return r
	}
	const ready, us, eu = types.MultiRegionAccessPointStatusReady, "media-111122223333-us-east-1", "media-111122223333-eu-west-1"
	points, err := Find(t.Context(), listed{
		report("third.mrap", ready, us, "media-111122223333-ap-northeast-1"), report("one.mrap", ready, us),
		report("both.mrap", ready, us, eu),
		report("new.mrap", types.MultiRegionAccessPointStatusCreating, us, eu), report("other.mrap", ready, "another"),
	}, set, "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range points {
		got = append(got, p.Name+"="+p.ARN[strings.LastIndex(p.ARN, ":")+1:])
	}
	if text := strings.Join(got, " "); text != "main=accesspoint/both.mrap second=accesspoint/one.mrap third.mrap=accesspoint/third.mrap" {
		t.Errorf("found %s", text)
	}
	for _, c := range []struct {
		points     []Point
		name, want string
	}{
		{points, "second", "one.mrap"},
		{points, "", "there are several access points: name one with --access-point: main, second, third.mrap"},
		{points, "fourth", `there is no access point "fourth" over the set's buckets; there is main, second, third.mrap`},
		{points[:1], "", "both.mrap"},
		{nil, "", "no access point over the set's buckets can be used; see s3fanout doctor"},
	} {
		p, err := Choose(c.points, c.name)
		if text := p.Alias; err == nil && text != c.want || err != nil && err.Error() != c.want {
			t.Errorf("choose %q: %+v, %v", c.name, p, err)
		}
	}
	if err := OfSet(set, "111122223333", points[0], []Route{{Bucket: eu}}); err != nil {
		t.Error(err)
	}
	if err := OfSet(set, "111122223333", points[0], []Route{{Bucket: "another"}}); err == nil {
		t.Error("another set's access point is taken for one of this set")
	}
}
