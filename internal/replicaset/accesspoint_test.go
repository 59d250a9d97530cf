package replicaset

import (
	"slices"
	"strings"
	"testing"
)

func point(name string, regions ...string) Point { return Point{Name: name, Regions: regions} }

func points(list ...Point) func(*Config) {
	return func(c *Config) { c.AccessPoint = &AccessPoint{Points: list} }
}

// manyRegions are so many that access points reach.
func manyRegions(n int) []string {
	var list []string
	for _, r := range regionTable() {
		if reachesRegion(r.name) && len(list) < n {
			list = append(list, r.name)
		}
	}
	return list
}

func TestValidateAccessPoint(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"over all Regions", points(), ""},
		{"two", points(point("old", "us-east-1"), point("new")), ""},
		{"three", points(point("a"), point("b"), point("c")), "accessPoint.points: 3 given; two are enough"},
		{"a name twice", points(point("a"), point("a")), "accessPoint.points[1].name: a is given twice"},
		{"no name", points(point("")), `accessPoint.points[0].name: it is missing or empty; choose one, such as "main"`},
		{"a name with a hyphen", points(point("a-b")),
			"accessPoint.points[0].name: a-b is not usable; use up to 20 lower-case letters and digits"},
		{"a long name", points(point("a" + strings.Repeat("b", 20))), "accessPoint.points[0].name: "},
		{"no Regions", points(Point{Name: "a", Regions: []string{}}),
			"accessPoint.points[0].regions: the list is empty; name Regions of the set, or leave it out"},
		{"a Region outside of the set", points(point("a", "us-east-1", "us-west-2")),
			"accessPoint.points[0].regions[1]: us-west-2 is not one of regions; add it there"},
		{"a Region twice", points(point("a", "us-east-1", "us-east-1")),
			"accessPoint.points[0].regions[1]: us-east-1 is listed already as regions[0]"},
		{"a stack elsewhere", func(c *Config) { c.AccessPoint = &AccessPoint{StackRegion: "us-west-2"} }, ""},
		{"a stack nowhere", func(c *Config) { c.AccessPoint = &AccessPoint{StackRegion: "us-west-9"} },
			"accessPoint.region: us-west-9 is not an AWS Region; did you mean us-west-1 or us-west-2?"},
		{"a stack where there are none", func(c *Config) { c.AccessPoint = &AccessPoint{StackRegion: "mx-central-1"} },
			"accessPoint.region: CloudFormation makes no access points in mx-central-1; name another Region"},
		{"a stack in China", func(c *Config) { c.AccessPoint = &AccessPoint{StackRegion: "cn-north-1"} },
			"accessPoint.region: CloudFormation makes no access points in cn-north-1"},
		{"a stack that is by default where there are none", func(c *Config) {
			c.Regions, c.OptInRegions = []string{"mx-central-1", "us-east-1", "eu-west-1"}, true
			points(point("main", "us-east-1", "eu-west-1"))(c)
		}, "accessPoint.region: it is the first of regions by default, and CloudFormation makes no access points in mx-central-1; " +
			"name another Region"},
		{"a stack elsewhere than in the first", func(c *Config) {
			c.Regions, c.OptInRegions = []string{"mx-central-1", "us-east-1", "eu-west-1"}, true
			points(point("main", "us-east-1", "eu-west-1"))(c)
			c.AccessPoint.StackRegion = "us-east-1"
		}, ""},
		{"China", func(c *Config) {
			c.Regions, c.AccessPoint = []string{"cn-north-1", "cn-northwest-1"}, &AccessPoint{}
		}, "accessPoint: Multi-Region Access Points are in partition aws, and this set is in aws-cn; leave it out"},
		{"an opt-in Region that is reached", func(c *Config) {
			c.Regions, c.OptInRegions, c.AccessPoint = []string{"us-east-1", "eu-south-1"}, true, &AccessPoint{}
		}, ""},
		{"an opt-in Region that is not", func(c *Config) {
			c.Regions, c.OptInRegions, c.AccessPoint = []string{"us-east-1", "mx-central-1"}, true, &AccessPoint{}
		}, "accessPoint: S3's access points do not reach mx-central-1; name the others in accessPoint.points"},
		{"an opt-in Region that is left out", func(c *Config) {
			c.Regions, c.OptInRegions = []string{"us-east-1", "mx-central-1"}, true
			points(point("main", "us-east-1"))(c)
		}, ""},
		{"as many Regions as S3 takes", func(c *Config) {
			c.Regions, c.OptInRegions, c.AccessPoint = manyRegions(17), true, &AccessPoint{}
		}, ""},
		{"one Region too many", func(c *Config) {
			c.Regions, c.OptInRegions, c.AccessPoint = manyRegions(18), true, &AccessPoint{}
		}, "accessPoint: main would have 18 Regions, S3 allows 17; name at most 17 in accessPoint.points"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			wantBeginning(t, set(tc.change).Validate(), tc.want)
		})
	}
}

func TestParseAccessPoint(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`: "",
		`{"region": "us-west-2", "points": [{"name": "a", "regions": ["us-east-1"]}, {"name": "b"}]}`: "",
		`null`:                          `s3fanout.accessPoint: null is not an object such as {}`,
		`true`:                          `s3fanout.accessPoint: true is not an object such as {}`,
		`{"region": 5}`:                 "s3fanout.accessPoint.region: 5 is not a string",
		`{"regions": []}`:               "s3fanout.accessPoint.regions: no such field; did you mean region?",
		`{"region": "a", "region": ""}`: "s3fanout.accessPoint: field region is given twice; remove one",
		`{"points": []}`: "s3fanout.accessPoint.points: the list is empty; name an access point, or leave it out for one " +
			"over all Regions",
		`{"points": {}}`:               `s3fanout.accessPoint.points: {} is not a list of {"name": …, "regions": […]}`,
		`{"points": ["a"]}`:            `s3fanout.accessPoint.points[0]: "a" is not an object; use {"name": …, "regions": […]}`,
		`{"points": [{"name": null}]}`: "s3fanout.accessPoint.points[0].name: null is not a string",
		`{"points": [{"nam": "a"}]}`:   "s3fanout.accessPoint.points[0].nam: no such field; did you mean name?",
		`{"points": [{"name": "a", "regions": "us-east-1"}]}`: `s3fanout.accessPoint.points[0].regions: "us-east-1" is not a list of ` +
			`Region names`,
	} {
		_, err := Parse([]byte(`{"accessPoint": ` + raw + `}`))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: got %v, want no error", raw, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%s:\ngot  %v\nwant %s…", raw, err, want)
		}
	}
}

// What an access point is made of does not depend on the order of the
// configuration, because S3 would make another one.
func TestAccessPoints(t *testing.T) {
	c := set(points(point("old", "us-east-1", "eu-west-1"), point("new")))
	c.Regions = []string{"us-east-1", tokyo, "eu-west-1"}
	got := c.AccessPoints()
	if len(got) != 2 || !slices.Equal(got[0].Regions, []string{"eu-west-1", "us-east-1"}) ||
		!slices.Equal(got[1].Regions, []string{tokyo, "eu-west-1", "us-east-1"}) {
		t.Errorf("got %v", got)
	}
	if over := c.PointsOverAll(); !slices.Equal(over, []string{"new"}) {
		t.Errorf("over all Regions: %v, want new alone", over)
	}
	if !slices.Equal(c.Regions, []string{"us-east-1", tokyo, "eu-west-1"}) {
		t.Errorf("the configuration was changed: %v", c.Regions)
	}
	if at := c.AccessPointRegion(); at != "us-east-1" {
		t.Errorf("the stack is in %s, want the first Region", at)
	}
	if got := c.AccessPointPattern(account); got != "arn:aws:s3::111122223333:accesspoint/*" {
		t.Errorf("pattern %s", got)
	}
	if none := media(); none.AccessPoints() != nil || none.PointsOverAll() != nil {
		t.Error("a set without an access point has some")
	}
	main := set(points())
	if len(main.AccessPoints()) != 1 || main.AccessPoints()[0].Output("Alias") != "MainAlias" || len(main.PointsOverAll()) != 1 {
		t.Errorf("by default %v", main.AccessPoints())
	}
}

func TestValidateAccess(t *testing.T) {
	only := func(change func(*Config)) func(*Config) {
		return func(c *Config) {
			c.AccessPoint, c.Access, c.DirectAccessARNs = &AccessPoint{}, AccessPointOnly, []string{"arn:aws:iam::{account}:role/ops"}
			change(c)
		}
	}
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"any", func(c *Config) { c.Access = AnyAccess }, ""},
		{"another word", func(c *Config) { c.Access = "private" }, `access: private is not known; use "any" or "access-point-only"`},
		{"only", only(func(*Config) {}), ""},
		{"nobody named", only(func(c *Config) { c.DirectAccessARNs = nil }),
			"access: with access-point-only only those who are named can use the commands on objects"},
		{"nobody meant", only(func(c *Config) { c.DirectAccessARNs = []string{} }), ""},
		{"operators named",
			only(func(c *Config) { c.DirectAccessARNs, c.OperatorARNs = nil, []string{"arn:aws:iam::{account}:role/ops"} }), ""},
		{"no operators", only(func(c *Config) { c.DirectAccessARNs, c.OperatorARNs = nil, []string{} }), ""},
		{"no access point", only(func(c *Config) { c.AccessPoint = nil }), "access: access-point-only needs an access point"},
		{"a Region in no access point", only(func(c *Config) { c.AccessPoint.Points = []Point{point("a", "us-east-1", "eu-west-1")} }),
			"access: nobody could reach the bucket in ap-northeast-1, which no access point has"},
		{"Regions in two", only(func(c *Config) {
			c.AccessPoint.Points = []Point{point("a", "us-east-1", "eu-west-1"), point("b", tokyo)}
		}), ""},
		{"an adopted bucket", only(func(c *Config) { c.Buckets = map[string]string{"eu-west-1": "my-old-bucket"} }),
			"access: access-point-only changes the buckets' policies, and that of my-old-bucket is its owner's; leave access out"},
		{"named for nothing", func(c *Config) { c.DirectAccessARNs = []string{} },
			`directAccessArns: everybody may reach the buckets directly; set access to "access-point-only"`},
		{"a session", only(func(c *Config) { c.DirectAccessARNs = []string{"arn:aws:sts::111122223333:assumed-role/a/b"} }),
			"directAccessArns[0]: \"arn:aws:sts::111122223333:assumed-role/a/b\" is a session; name its role"},
		{"another account", only(func(c *Config) {
			c.DirectAccessARNs = []string{"arn:aws:iam::111122223333:role/a", "arn:aws:iam::444455556666:role/b"}
		}), ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			wantBeginning(t, set(tc.change).Validate(), tc.want)
		})
	}
}

func TestValidateVPCEndpoints(t *testing.T) {
	const vpc, subnet = "vpc-0123456789abcdef0", "subnet-01234567"
	at := func(region string, e VPCEndpoint) func(*Config) {
		return func(c *Config) { c.AccessPoint, c.VPCEndpoints = &AccessPoint{}, map[string]VPCEndpoint{region: e} }
	}
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"one", at("us-east-1", VPCEndpoint{
			VPCID: vpc, SubnetIDs: []string{subnet, "subnet-76543210"}, SecurityGroupIDs: []string{"sg-01234567"},
		}), ""},
		{"without an access point", func(c *Config) { c.VPCEndpoints = map[string]VPCEndpoint{} },
			"vpcEndpoints: they lead to access points; set accessPoint as well"},
		{"none", func(c *Config) { c.AccessPoint, c.VPCEndpoints = &AccessPoint{}, map[string]VPCEndpoint{} },
			"vpcEndpoints: the object is empty; name a VPC, or leave it out"},
		{"in another Region", at("us-west-2", VPCEndpoint{VPCID: vpc, SubnetIDs: []string{subnet}}),
			"vpcEndpoints.us-west-2: it is not one of regions"},
		{"no VPC", at("us-east-1", VPCEndpoint{SubnetIDs: []string{subnet}}), "vpcEndpoints.us-east-1.vpcId: an empty value is not an ID"},
		{"a VPC's name", at("us-east-1", VPCEndpoint{VPCID: "prod", SubnetIDs: []string{subnet}}),
			"vpcEndpoints.us-east-1.vpcId: prod is not an ID such as vpc-0123456789abcdef0"},
		{"no subnets", at("us-east-1", VPCEndpoint{VPCID: vpc}), "vpcEndpoints.us-east-1.subnetIds: it is missing or empty"},
		{"a subnet twice", at("us-east-1", VPCEndpoint{VPCID: vpc, SubnetIDs: []string{subnet, subnet}}),
			"vpcEndpoints.us-east-1.subnetIds: subnet-01234567 is listed twice; remove one"},
		{"no groups", at("us-east-1", VPCEndpoint{VPCID: vpc, SubnetIDs: []string{subnet}, SecurityGroupIDs: []string{}}),
			"vpcEndpoints.us-east-1.securityGroupIds: it is missing or empty"},
		{"a group of another kind",
			at("us-east-1", VPCEndpoint{VPCID: vpc, SubnetIDs: []string{subnet}, SecurityGroupIDs: []string{subnet}}),
			"vpcEndpoints.us-east-1.securityGroupIds: subnet-01234567 is not an ID such as sg-"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			wantBeginning(t, set(tc.change).Validate(), tc.want)
		})
	}
	for raw, want := range map[string]string{
		`null`:                        "s3fanout.vpcEndpoints: null is not an object of Regions",
		`["us-east-1"]`:               `s3fanout.vpcEndpoints: ["us-east-1"] is not an object of Regions`,
		`{"us-east-1": "vpc-1"}`:      `s3fanout.vpcEndpoints.us-east-1: "vpc-1" is not an object such as {"vpcId": …, "subnetIds": […]}`,
		`{"us-east-1": {"vpc": "a"}}`: "s3fanout.vpcEndpoints.us-east-1.vpc: no such field; did you mean vpcId?",
		`{"a": {}, "a": {}}`:          "s3fanout.vpcEndpoints: field a is given twice; remove one",
		`{"us-east-1": {"subnetIds": "subnet-1"}}`: `s3fanout.vpcEndpoints.us-east-1.subnetIds: "subnet-1" is not a list of subnets' IDs`,
	} {
		if _, err := Parse([]byte(`{"vpcEndpoints": ` + raw + `}`)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s…", raw, err, want)
		}
	}
}
