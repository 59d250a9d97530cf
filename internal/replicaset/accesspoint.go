package replicaset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// AccessPoint says that the set has Multi-Region Access Points: one endpoint over
// the buckets of several Regions, which S3 routes to the nearest
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPoints.html).
type AccessPoint struct {
	// StackRegion is the Region of the stack ("region" in JSON); empty for the
	// first of the set. The access points are the same wherever it is.
	StackRegion string
	// Points are the access points, one, or two while clients move from one to the
	// other; none stands for one over all Regions.
	Points []Point
}

// Point is an access point.
type Point struct {
	// Name is what the stack's outputs begin with. S3 chooses the access point's
	// own name.
	Name string
	// Regions are those whose buckets it reaches; none stands for all of the set.
	Regions []string
}

// defaultPoint is the name of the access point of a set that names none.
const defaultPoint = "main"

const (
	maxPoints = 2
	// maxPointRegions is S3's limit for one access point
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRestrictions.html).
	maxPointRegions = 17
)

// reachesRegion reports whether an access point can have a bucket there: in all
// Regions of the partition "aws" but a few
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ConfiguringMrapOptInRegions.html).
// CloudFormation makes access points from the same Regions, as its schemas of
// November 2026 say.
func reachesRegion(region string) bool {
	switch region {
	case "ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "mx-central-1":
		return false
	}
	return Partition(region) == "aws"
}

// AccessPointRegion is the Region of the stack of the access points.
func (c Config) AccessPointRegion() string {
	if c.AccessPoint == nil || c.AccessPoint.StackRegion == "" {
		return c.Regions[0]
	}
	return c.AccessPoint.StackRegion
}

// AccessPoints are the access points with what is left out filled in; none if the
// set has no access point. The Regions of each are in one order whatever the
// configuration's, because another order would be another access point.
func (c Config) AccessPoints() []Point {
	if c.AccessPoint == nil {
		return nil
	}
	points := slices.Clone(c.AccessPoint.Points)
	if len(points) == 0 {
		points = []Point{{Name: defaultPoint}}
	}
	for i := range points {
		if points[i].Regions == nil {
			points[i].Regions = c.Regions
		}
		points[i].Regions = slices.Sorted(slices.Values(points[i].Regions))
	}
	return points
}

// PointBuckets are the buckets that an access point has in an account, in their order.
func (c Config) PointBuckets(accountID string, point Point) []string {
	buckets := make([]string, len(point.Regions))
	for i, region := range point.Regions {
		buckets[i] = c.Member(accountID, region).Bucket
	}
	return slices.Sorted(slices.Values(buckets))
}

// PointsOverAll names the access points that list no Regions of their own. A
// Region that joins or leaves the set replaces them.
func (c Config) PointsOverAll() []string {
	var names []string
	for i, point := range c.AccessPoints() {
		if len(c.AccessPoint.Points) == 0 || c.AccessPoint.Points[i].Regions == nil {
			names = append(names, point.Name)
		}
	}
	return names
}

// AccessPointPattern matches the ARNs of all Multi-Region Access Points of the
// account, and of no access points of one Region. Which alias S3 will give is not
// known before it has.
func (c Config) AccessPointPattern(accountID string) string {
	return arn.ARN{Partition: Partition(c.Regions[0]), Service: "s3", AccountID: accountID, Resource: "accesspoint/*"}.String()
}

// validateAccessPoint assumes that the Regions are valid.
func (c Config) validateAccessPoint() error {
	if c.AccessPoint == nil {
		return nil
	}
	if p := Partition(c.Regions[0]); p != "aws" {
		return fmt.Errorf("accessPoint: Multi-Region Access Points are in partition aws, and this set is in %s; leave it out", p)
	}
	if at := c.AccessPoint.StackRegion; at != "" {
		if _, ok := lookUp(at); !ok {
			return fmt.Errorf("accessPoint.region: %s is not an AWS Region; %s", excerpt([]byte(at)), hint(at))
		}
		if !reachesRegion(at) {
			return fmt.Errorf("accessPoint.region: CloudFormation makes no access points in %s; name another Region, such as us-west-2", at)
		}
	}
	if at := c.AccessPointRegion(); !reachesRegion(at) {
		return fmt.Errorf("accessPoint.region: it is the first of regions by default, and CloudFormation makes no access points in %s; "+
			"name another Region, such as us-west-2", at)
	}
	if n := len(c.AccessPoint.Points); n > maxPoints {
		return fmt.Errorf("accessPoint.points: %d given; two are enough to move clients from one to the other", n)
	}
	seen := map[string]bool{}
	for i, point := range c.AccessPoint.Points {
		field := fmt.Sprintf("accessPoint.points[%d]", i)
		switch {
		case point.Name == "":
			return fmt.Errorf("%s.name: it is missing or empty; choose one, such as %q", field, defaultPoint)
		case !regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`).MatchString(point.Name):
			return fmt.Errorf("%s.name: %s is not usable; use up to 20 lower-case letters and digits, and begin with a letter",
				field, excerpt([]byte(point.Name)))
		case seen[point.Name]:
			return fmt.Errorf("%s.name: %s is given twice; give each access point its own name", field, point.Name)
		}
		seen[point.Name] = true
		if err := c.checkPointRegions(field, point.Regions); err != nil {
			return err
		}
	}
	for _, point := range c.AccessPoints() {
		for _, region := range point.Regions {
			if !reachesRegion(region) {
				return fmt.Errorf("accessPoint: S3's access points do not reach %s; name the others in accessPoint.points", region)
			}
		}
		if n := len(point.Regions); n > maxPointRegions {
			return fmt.Errorf("accessPoint: %s would have %d Regions, S3 allows %d; name at most %d in accessPoint.points",
				point.Name, n, maxPointRegions, maxPointRegions)
		}
	}
	return nil
}

func (c Config) checkPointRegions(field string, regions []string) error {
	if regions != nil && len(regions) == 0 {
		return fmt.Errorf("%s.regions: the list is empty; name Regions of the set, or leave it out for all of them", field)
	}
	for j, region := range regions {
		switch first := slices.Index(regions, region); {
		case !c.Contains(region):
			return fmt.Errorf("%s.regions[%d]: %s is not one of regions; add it there, or remove it here",
				field, j, excerpt([]byte(region)))
		case first < j:
			return fmt.Errorf("%s.regions[%d]: %s is listed already as regions[%d]; remove one", field, j, region, first)
		}
	}
	return nil
}

// accessPointWanted is what the field has to be, for messages.
const accessPointWanted = `an object such as {} or {"points": [{"name": "main", "regions": […]}]}`

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (p *AccessPoint) UnmarshalJSON(raw []byte) error {
	var read AccessPoint
	err := readObject(raw, read.fields())
	*p = read
	return err
}

// fields are the members of the object in JSON.
func (p *AccessPoint) fields() []configField {
	return []configField{
		{name: "region", into: &p.StackRegion, want: "a string"},
		{name: "points", into: (*pointList)(&p.Points), want: `a list of {"name": …, "regions": […]}`},
	}
}

// pointList is the list of access points, read strictly.
type pointList []Point

// UnmarshalJSON implements json.Unmarshaler.
func (l *pointList) UnmarshalJSON(raw []byte) error {
	items, err := elements(raw, "name an access point, or leave it out for one over all Regions")
	if err != nil {
		return err
	}
	list := make(pointList, len(items))
	for i, item := range items {
		err := readObject(item, list[i].fields())
		if err != nil {
			return inElement(i, item, `{"name": …, "regions": […]}`, err)
		}
	}
	*l = list
	return nil
}

// fields are the members of an access point in JSON.
func (p *Point) fields() []configField {
	return []configField{
		{name: "name", into: &p.Name, want: "a string"},
		{name: "regions", into: &p.Regions, want: "a list of Region names"},
	}
}

// Output is the name of an output of the stack of the access points: of point
// "main", "MainAlias" and "MainArn".
func (p Point) Output(what string) string {
	return strings.ToUpper(p.Name[:1]) + p.Name[1:] + what
}
