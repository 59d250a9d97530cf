package failover

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

// Point is an access point over buckets of the set.
type Point struct {
	Name  string // that cdk.json gives it; its alias if that has none with its buckets
	Alias string // as "mfzwi23gnjvgw.mrap"
	ARN   string
}

var aliasForm = regexp.MustCompile(`^[a-z0-9]+\.mrap$`)

// Named reads an access point's ARN or alias, which S3 need not be asked about. Of an
// ARN it returns the account, too. ok is false if it is neither.
func Named(text, partition, account string) (p Point, owner string, ok bool) {
	if aliasForm.MatchString(text) {
		return Point{Name: text, Alias: text, ARN: arnOf(partition, account, text)}, account, true
	}
	a, err := arn.Parse(text)
	alias, isPoint := strings.CutPrefix(a.Resource, "accesspoint/")
	if err != nil || a.Service != "s3" || !isPoint || !aliasForm.MatchString(alias) {
		return Point{}, "", false
	}
	return Point{Name: alias, Alias: alias, ARN: text}, a.AccountID, true
}

func arnOf(partition, account, alias string) string {
	return arn.ARN{Partition: partition, Service: "s3", AccountID: account, Resource: "accesspoint/" + alias}.String()
}

// Find asks which access points over the set's buckets can be used, in the order of
// cdk.json. One Region alone answers that, health.PointsRegion. The error is awsapi's.
func Find(ctx context.Context, client health.Points, set replicaset.Config, account string) ([]Point, error) {
	all, err := health.ListAccessPoints(ctx, client, account)
	if err != nil {
		return nil, awsapi.Explain(health.PointsRegion, "the account's access points", err)
	}
	var points []Point
	for _, p := range all {
		if p.Status != types.MultiRegionAccessPointStatusReady || !overSet(set, account, p.Buckets) {
			continue
		}
		name := p.Alias
		for _, want := range set.AccessPoints() {
			if slices.Equal(p.Buckets, set.PointBuckets(account, want)) {
				name = want.Name
			}
		}
		points = append(points, Point{Name: name, Alias: p.Alias, ARN: arnOf(replicaset.Partition(set.Regions[0]), account, p.Alias)})
	}
	slices.SortStableFunc(points, func(a, b Point) int { return rank(set, a.Name) - rank(set, b.Name) })
	return points, nil
}

// overSet says whether an access point has a bucket of the set.
func overSet(set replicaset.Config, account string, buckets []string) bool {
	members := set.Members(account)
	return slices.ContainsFunc(buckets, func(bucket string) bool { _, is := members.WithBucket(bucket); return is })
}

// rank is the place of a name in cdk.json, the end for others.
func rank(set replicaset.Config, name string) int {
	points := set.AccessPoints()
	if i := slices.IndexFunc(points, func(p replicaset.Point) bool { return p.Name == name }); i >= 0 {
		return i
	}
	return len(points)
}

// Choose returns the access point with the name, or the only one if the name is empty.
func Choose(points []Point, name string) (Point, error) {
	var names []string
	for _, p := range points {
		if p.Name == name || name == "" && len(points) == 1 {
			return p, nil
		}
		names = append(names, p.Name)
	}
	switch {
	case len(points) == 0:
		return Point{}, fmt.Errorf("no access point over the set's buckets can be used; see s3fanout doctor")
	case name == "":
		return Point{}, fmt.Errorf("there are several access points: name one with --access-point: %s", strings.Join(names, ", "))
	}
	return Point{}, fmt.Errorf("there is no access point %q over the set's buckets; there is %s", name, strings.Join(names, ", "))
}

// OfSet refuses routes that lead to no bucket of the set.
func OfSet(set replicaset.Config, account string, point Point, routes []Route) error {
	var buckets []string
	for _, r := range routes {
		buckets = append(buckets, r.Bucket)
	}
	if overSet(set, account, buckets) {
		return nil
	}
	return fmt.Errorf("access point %s has no bucket of the replica set %s, but %s", point.Alias, set.Name, strings.Join(buckets, ", "))
}
