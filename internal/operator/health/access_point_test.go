package health

import (
	"slices"
	"testing"

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
	whole := AccessPoint{Alias: "whole.mrap", Buckets: all}
	part := AccessPoint{Alias: "part.mrap", Buckets: all[:2]}
	foreign := AccessPoint{Alias: "foreign.mrap", Buckets: []string{"elsewhere"}}
	for _, tt := range []struct {
		what string
		look Look[[]AccessPoint]
		as   Severity // "" for no finding
		want string
	}{
		{"as it is to be", found([]AccessPoint{foreign, whole}), "", ""},
		{"before the first deployment", found([]AccessPoint{foreign}), Failed, "access point main is not there"},
		{"before a Region joins", found([]AccessPoint{part}), Warning,
			"no access point has the Regions that main is to have, ap-northeast-1, eu-west-1, us-east-1; there is part.mrap over " + all[0] + ", " + all[1]},
		{"while clients move, and it is forgotten", found([]AccessPoint{part, whole}), Note, "beside those of cdk.json there is part.mrap over " + all[0] + ", " + all[1]},
		{"refused", Look[[]AccessPoint]{Why: denied}, Unknown,
			"cannot tell whether the access points have the Regions that cdk.json says: " + denied},
	} {
		t.Run(tt.what, func(t *testing.T) {
			facts := healthyOf(set)
			facts.Regions[0].AccessPoints = tt.look
			findings := Check(facts)
			if tt.as == "" {
				if len(findings) != 0 {
					t.Errorf("findings %+v, want none", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Check != checkAccessPoint || findings[0].Severity != tt.as || findings[0].What != tt.want {
				t.Errorf("findings %+v, want one %s: %s", findings, tt.as, tt.want)
			}
		})
	}
	none := healthyOf(testSet())
	if findings := Check(none); len(findings) != 0 {
		t.Errorf("without an access point: %+v", findings)
	}
}
