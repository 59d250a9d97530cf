package health

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"s3fanout/internal/aws/awsapi"
)

// pointsRegion is the one that answers which access points an account has
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MrapOperations.html).
const pointsRegion = "us-west-2"

// Points is what is asked of S3 Control, about access points.
type Points interface {
	ListMultiRegionAccessPoints(context.Context, *s3control.ListMultiRegionAccessPointsInput, ...func(*s3control.Options)) (*s3control.ListMultiRegionAccessPointsOutput, error)
}

// newPoints makes the client. At AWS the account is a part of the host's name;
// another endpoint need not have a name for every account.
func newPoints(config aws.Config) Points {
	return s3control.NewFromConfig(config, func(o *s3control.Options) {
		o.Region = pointsRegion
		o.HTTPClient = awsapi.HTTPClient(config, lookTime, 1)
		if o.BaseEndpoint != nil {
			o.EndpointResolverV2 = otherEndpoint{*o.BaseEndpoint, o.EndpointResolverV2}
		}
	})
}

// otherEndpoint keeps all of an endpoint, such as how requests are signed, but its
// address.
type otherEndpoint struct {
	url string
	of  s3control.EndpointResolverV2
}

// ResolveEndpoint implements s3control.EndpointResolverV2.
func (o otherEndpoint) ResolveEndpoint(ctx context.Context, p s3control.EndpointParameters) (smithyendpoints.Endpoint, error) {
	p.Endpoint = nil
	e, err := o.of.ResolveEndpoint(ctx, p)
	if err != nil {
		return e, err
	}
	u, err := url.Parse(o.url)
	if err == nil {
		e.URI = *u
	}
	return e, err
}

// AccessPoint is a Multi-Region Access Point that the account has.
type AccessPoint struct {
	Alias   string
	Buckets []string // in order
}

// accessPoints are those of the account, those being made and deleted too.
func (g gatherer) accessPoints(ctx context.Context) Look[[]AccessPoint] {
	in := &s3control.ListMultiRegionAccessPointsInput{AccountId: &g.facts.Account}
	points := []AccessPoint{}
	for {
		out, err := g.clients.Points.ListMultiRegionAccessPoints(ctx, in)
		if err != nil {
			return failed[[]AccessPoint](g.region, "the account's access points, asked for in "+pointsRegion, err)
		}
		for _, p := range out.AccessPoints {
			one := AccessPoint{Alias: aws.ToString(p.Alias)}
			for _, r := range p.Regions {
				one.Buckets = append(one.Buckets, aws.ToString(r.Bucket))
			}
			slices.Sort(one.Buckets)
			points = append(points, one)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return found(points)
		}
	}
}

// accessPoint compares the access points that there are over the set's buckets with
// those of the configuration, in the first Region that is looked at: all of them are
// the same from everywhere.
func (c *checker) accessPoint() {
	if c.facts.Set.AccessPoint == nil || c.region.Name != c.facts.Regions[0].Name || !told(c, checkAccessPoint, c.region.AccessPoints) {
		return
	}
	members := c.facts.members()
	var ours []AccessPoint
	for _, p := range c.region.AccessPoints.Value {
		if slices.ContainsFunc(p.Buckets, func(bucket string) bool { _, is := members.WithBucket(bucket); return is }) {
			ours = append(ours, p)
		}
	}
	before := len(c.findings)
	for _, want := range c.facts.Set.AccessPoints() {
		var buckets []string
		for _, region := range want.Regions {
			buckets = append(buckets, c.facts.member(region).Bucket)
		}
		slices.Sort(buckets)
		i := slices.IndexFunc(ours, func(p AccessPoint) bool { return slices.Equal(p.Buckets, buckets) })
		switch {
		case i >= 0:
			ours = slices.Delete(ours, i, i+1)
		case len(ours) == 0:
			c.add(checkAccessPoint, Failed, "access point %s is not there", want.Name)
		default:
			c.find(checkAccessPoint, "no access point has the Regions that %s is to have, %s; there is %s", want.Name, strings.Join(want.Regions, ", "), described(ours))
		}
	}
	if len(ours) > 0 && len(c.findings) == before {
		c.add(checkAccessPoint, Note, "beside those of cdk.json there is %s", described(ours))
	}
}

func described(points []AccessPoint) string {
	var list []string
	for _, p := range points {
		list = append(list, fmt.Sprintf("%s over %s", p.Alias, strings.Join(p.Buckets, ", ")))
	}
	return strings.Join(list, "; ")
}
