package health

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/replicaset"
)

// PointsRegion is the one that answers which access points an account has
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MrapOperations.html).
const PointsRegion = "us-west-2"

// Points is what is asked of S3 Control, about access points.
type Points interface {
	ListMultiRegionAccessPoints(context.Context, *s3control.ListMultiRegionAccessPointsInput,
		...func(*s3control.Options)) (*s3control.ListMultiRegionAccessPointsOutput, error)
}

// AccessPoint is a Multi-Region Access Point that the account has.
type AccessPoint struct {
	Name    string // which S3 chose; a deletion needs it
	Alias   string
	Status  types.MultiRegionAccessPointStatus
	Buckets []string // in order
}

// accessPoints are those of the account, those being made and deleted too.
func (g gatherer) accessPoints(ctx context.Context) Look[[]AccessPoint] {
	points, err := ListAccessPoints(ctx, g.clients.Points, g.facts.Account)
	if err != nil {
		return failed[[]AccessPoint](g.region, "the account's access points, asked for in "+PointsRegion, err)
	}
	return found(points)
}

// ListAccessPoints returns those of the account, those being made and deleted too. The
// error is the SDK's.
func ListAccessPoints(ctx context.Context, client Points, account string) ([]AccessPoint, error) {
	in := &s3control.ListMultiRegionAccessPointsInput{AccountId: &account}
	points := []AccessPoint{}
	for {
		out, err := client.ListMultiRegionAccessPoints(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, p := range out.AccessPoints {
			one := AccessPoint{Name: aws.ToString(p.Name), Alias: aws.ToString(p.Alias), Status: p.Status}
			for _, r := range p.Regions {
				one.Buckets = append(one.Buckets, aws.ToString(r.Bucket))
			}
			slices.Sort(one.Buckets)
			points = append(points, one)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return points, nil
		}
	}
}

// accessPoint compares the access points that there are over the set's buckets with
// those of the configuration, in the first Region that is looked at: all of them are
// the same from everywhere.
func (c *checker) accessPoint() {
	if c.facts.Set.AccessPoint == nil || c.region.Name != c.facts.Regions[0].Name || !answered(c, checkAccessPoint, c.region.AccessPoints) {
		return
	}
	members := c.facts.members()
	var ours []AccessPoint
	for _, p := range c.region.AccessPoints.Value {
		if slices.ContainsFunc(p.Buckets, func(bucket string) bool { _, is := members.WithBucket(bucket); return is }) {
			ours = append(ours, p)
		}
	}
	// One that can be used comes before one that is being made or deleted.
	slices.SortStableFunc(ours, func(a, b AccessPoint) int { return a.unready() - b.unready() })
	var missing []replicaset.Point
	for _, want := range c.facts.Set.AccessPoints() {
		i := slices.IndexFunc(ours, func(p AccessPoint) bool {
			return slices.Equal(p.Buckets, c.facts.Set.PointBuckets(c.facts.Account, want))
		})
		if i < 0 {
			missing = append(missing, want)
			continue
		}
		if ours[i].unready() != 0 {
			c.find(checkPointStatus, "access point %s is %s: %s", want.Name, ours[i].Status, ours[i])
		}
		ours = slices.Delete(ours, i, i+1)
	}
	for _, want := range missing {
		if len(ours) == 0 {
			c.find(checkPointMissing, "access point %s does not exist", want.Name)
			continue
		}
		c.find(checkAccessPoint, "no access point has the Regions of %s, %s; found: %s",
			want.Name, strings.Join(want.Regions, ", "), described(ours))
	}
	if len(ours) > 0 && len(missing) == 0 {
		c.find(checkPointOther, "cdk.json does not name %s", described(ours))
	}
}

// unready is 0 of an access point that S3 has made everywhere, else 1.
func (p AccessPoint) unready() int {
	if p.Status == types.MultiRegionAccessPointStatusReady {
		return 0
	}
	return 1
}

// String implements fmt.Stringer.
func (p AccessPoint) String() string {
	return fmt.Sprintf("%s (alias %s) over %s", p.Name, p.Alias, strings.Join(p.Buckets, ", "))
}

func described(points []AccessPoint) string {
	var list []string
	for _, p := range points {
		text := p.String()
		if p.unready() != 0 {
			text += ", " + string(p.Status)
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}
