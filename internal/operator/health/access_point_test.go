package health

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/replicaset"
)

// pointSet is a set with an access point over all Regions.
func pointSet() replicaset.Config {
	set := testSet()
	set.AccessPoint = &replicaset.AccessPoint{}
	return set
}

func TestAccessPointsAreCompared(t *testing.T) {
	set := pointSet()
	var all []string
	for _, m := range set.Members(account) {
		all = append(all, m.Bucket)
	}
	slices.Sort(all)
	point := func(name string, buckets ...string) AccessPoint {
		return AccessPoint{Name: "n-" + name, Alias: name + ".mrap", Status: types.MultiRegionAccessPointStatusReady, Buckets: buckets}
	}
	whole, part, foreign := point("whole", all...), point("part", all[:2]...), point("foreign", "elsewhere")
	as := func(p AccessPoint, status types.MultiRegionAccessPointStatus) AccessPoint {
		p.Status = status
		return p
	}
	partly, overAll := "n-part (alias part.mrap) over "+all[0]+", "+all[1], "n-whole (alias whole.mrap) over "+strings.Join(all, ", ")
	for _, tt := range []struct {
		what, check string // "" for no finding
		look        Look[[]AccessPoint]
		as          Severity
		want        string
	}{
		{"as it is to be", "", found([]AccessPoint{foreign, whole}), "", ""},
		{"before the first deployment", checkPointMissing, found([]AccessPoint{foreign}), Failed, "access point main does not exist"},
		{"before a Region joins", checkAccessPoint, found([]AccessPoint{part}), Warning,
			"no access point has the Regions of main, ap-northeast-1, eu-west-1, us-east-1; found: " + partly},
		{"while clients move, and it is forgotten", checkPointOther, found([]AccessPoint{part, whole}), Note,
			"cdk.json does not name " + partly},
		{"while the old one is deleted", checkPointOther,
			found([]AccessPoint{as(part, types.MultiRegionAccessPointStatusDeleting), whole}), Note,
			"cdk.json does not name " + partly + ", DELETING"},
		{"while it is made", checkPointStatus, found([]AccessPoint{as(whole, types.MultiRegionAccessPointStatusCreating)}), Warning,
			"access point main is CREATING: " + overAll},
		{"made in some Regions", checkPointStatus,
			found([]AccessPoint{as(whole, types.MultiRegionAccessPointStatusPartiallyCreated)}), Warning,
			"access point main is PARTIALLY_CREATED: " + overAll},
		{"another that is ready", checkPointOther, found([]AccessPoint{as(whole, types.MultiRegionAccessPointStatusDeleting), whole}), Note,
			"cdk.json does not name " + overAll + ", DELETING"},
		{"refused", checkAccessPoint, Look[[]AccessPoint]{Why: denied}, Unknown,
			"cannot tell whether the access points have the Regions that cdk.json says: " + denied},
	} {
		t.Run(tt.what, func(t *testing.T) {
			facts := healthyOf(set)
			facts.Regions[0].AccessPoints = tt.look
			findings := Check(facts)
			if tt.check == "" {
				if len(findings) != 0 {
					t.Errorf("findings %+v, want none", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Check != tt.check || findings[0].Severity != tt.as || findings[0].What != tt.want {
				t.Errorf("findings %+v, want one %s of %s: %s", findings, tt.as, tt.check, tt.want)
			}
		})
	}
	left := set
	left.Regions = set.Regions[:2] // cdk.json has it so, and nothing is deployed yet
	facts := healthyOf(left)
	facts.Regions[0].AccessPoints = found([]AccessPoint{whole})
	if findings := Check(facts); len(findings) != 1 || findings[0].Check != checkAccessPoint || findings[0].Severity != Warning ||
		!strings.Contains(findings[0].Fix+findings[0].Means, "alias") {
		t.Errorf("before a Region leaves: %+v, want that the access point would be another one", findings)
	}
	second := set
	second.AccessPoint = &replicaset.AccessPoint{
		Points: []replicaset.Point{{Name: "second"}, {Name: "main", Regions: []string{"eu-west-1", "us-east-1"}}},
	}
	facts = healthyOf(second)
	facts.Regions[0].AccessPoints = found([]AccessPoint{
		point("main", second.Member(account, "eu-west-1").Bucket, second.Member(account, "us-east-1").Bucket),
	})
	if findings := Check(facts); len(findings) != 1 || findings[0].Check != checkPointMissing ||
		findings[0].What != "access point second does not exist" {
		t.Errorf("before the second is made: %+v, want that it is not there", findings)
	}
	none := healthyOf(testSet())
	if findings := Check(none); len(findings) != 0 {
		t.Errorf("without an access point: %+v", findings)
	}
}

// pointPages answers with a page of access points for each token.
type pointPages map[string]*s3control.ListMultiRegionAccessPointsOutput

func (p pointPages) ListMultiRegionAccessPoints(_ context.Context, in *s3control.ListMultiRegionAccessPointsInput,
	_ ...func(*s3control.Options),
) (*s3control.ListMultiRegionAccessPointsOutput, error) {
	return p[aws.ToString(in.NextToken)], nil
}

// What S3 says of the access points is kept, of all pages: the name deletes
// one, and the status says whether it can be used.
func TestAccessPointsAreGathered(t *testing.T) {
	report := func(name string, status types.MultiRegionAccessPointStatus) types.MultiRegionAccessPointReport {
		return types.MultiRegionAccessPointReport{Name: &name, Alias: aws.String(name + ".mrap"), Status: status,
			Regions: []types.RegionReport{{Bucket: aws.String("b")}, {Bucket: aws.String("a")}}}
	}
	g := gatherer{facts: &Facts{Account: account}, clients: Clients{Points: pointPages{
		"":     {AccessPoints: []types.MultiRegionAccessPointReport{report("one", "READY")}, NextToken: aws.String("more")},
		"more": {AccessPoints: []types.MultiRegionAccessPointReport{report("two", "CREATING")}},
	}}}
	got := g.accessPoints(t.Context())
	if len(got.Value) != 2 || described(got.Value) != "one (alias one.mrap) over a, b; two (alias two.mrap) over a, b, CREATING" {
		t.Errorf("got %+v", got)
	}
}
