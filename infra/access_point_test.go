package infra

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// accessPoints wants the set to have these access points, over the buckets of the
// Regions with the indices, each with a policy and outputs, and nothing else in
// their stack.
func accessPoints(want map[string][]int) func(*testing.T, relations) {
	return func(t *testing.T, r relations) {
		t.Helper()
		equal(t, "resources of the access points", len(r.points.resources), 2*len(want))
		for _, policy := range r.points.all("AWS::S3::MultiRegionAccessPointPolicy") {
			point := policy.at("MrapName").(string)
			arn := "arn:aws:s3::" + testAccount + ":accesspoint/" + strings.Replace(point, ".Ref", ".Alias", 1)
			equal(t, "policy of "+point, policy.at("Policy.Statement"), any(list{object{
				"Sid": "OnlyThisAccount", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": list{arn, arn + "/object/*"},
				"Condition": object{"StringNotEquals": object{"aws:PrincipalAccount": testAccount}}}}))
		}
		for _, point := range r.points.all("AWS::S3::MultiRegionAccessPoint") {
			equal(t, "name of "+point.ID, point.at("Name"), nil) // one that is given cannot be replaced
			equal(t, point.ID+" on deletion", point.Deletion, "Delete")
			equal(t, point.ID+": public access", point.at("PublicAccessBlockConfiguration"), any(object{
				"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}))
			var buckets list
			for _, i := range want[point.ID] {
				buckets = append(buckets, object{"Bucket": r.member(r.set.Regions[i]).Bucket, "BucketAccountId": testAccount})
			}
			slices.SortFunc(buckets, func(a, b any) int { // by Region, whatever their names
				return strings.Compare(r.regionOf(a.(object)["Bucket"]), r.regionOf(b.(object)["Bucket"]))
			})
			equal(t, point.ID+": buckets", point.at("Regions"), any(buckets))
		}
	}
}

func (s synthesized) regionOf(bucket any) string {
	for _, m := range s.set.Members(testAccount) {
		if m.Bucket == bucket {
			return m.Region
		}
	}
	return ""
}

// accessPointTemplate is the template of the access points as it is written.
func accessPointTemplate(t *testing.T, set replicaset.Config) (raw string, outputs []string, kept int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(synth(t, set), set.AccessPointStackName()+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Resources map[string]struct{ UpdateReplacePolicy string }
		Outputs   map[string]any
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for name := range file.Outputs {
		outputs = append(outputs, name)
	}
	for _, r := range file.Resources {
		if r.UpdateReplacePolicy == "Retain" {
			kept++
		}
	}
	slices.Sort(outputs)
	return string(text), outputs, kept
}

// A Region joins while clients move: the access point that they use stays what it
// is, to the byte, because any other property would be another alias.
func TestAccessPointStaysWhileARegionJoins(t *testing.T) {
	before := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AccessPoint: &replicaset.AccessPoint{}}
	old, outputs, kept := accessPointTemplate(t, before)
	equal(t, "outputs", outputs, []string{"MainAlias", "MainArn"})
	equal(t, "kept when they are replaced", kept, 2)

	after := before
	after.Regions = []string{"ap-northeast-1", "eu-west-1", "us-east-1"}
	after.AccessPoint = &replicaset.AccessPoint{StackRegion: "us-east-1", Points: []replicaset.Point{
		{Name: "main", Regions: []string{"eu-west-1", "us-east-1"}}, {Name: "second"}}}
	now, outputs, _ := accessPointTemplate(t, after)
	equal(t, "outputs", outputs, []string{"MainAlias", "MainArn", "SecondAlias", "SecondArn"})
	resource := func(text, id string) any {
		var file struct{ Resources map[string]any }
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		return file.Resources[id]
	}
	equal(t, "the first access point", resource(now, "Main"), resource(old, "Main"))
	if resource(now, "Second") == nil {
		t.Error("there is no second access point")
	}
}

// The synthesis says that a Region which joins or leaves replaces the access
// point, unless it lists its Regions.
func TestSynthesisSaysThatAnAccessPointIsReplaced(t *testing.T) {
	for _, tt := range []struct {
		points []replicaset.Point
		want   string // the beginning; "" for nothing
	}{
		{nil, "accessPoint: main has all Regions of the set. Adding or removing a Region replaces it"},
		{[]replicaset.Point{{Name: "a", Regions: []string{"us-east-1"}}, {Name: "b"}}, "accessPoint: b has all Regions of the set."},
		{[]replicaset.Point{{Name: "a", Regions: []string{"us-east-1"}}}, ""},
	} {
		set := replicaset.Config{
			Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AccessPoint: &replicaset.AccessPoint{Points: tt.points},
		}
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
		stack := newAccessPointStack(app, set)
		var said []string
		for _, entry := range *stack.Node().Metadata() {
			if text, ok := entry.Data.(string); ok && *entry.Type == "aws:cdk:info" {
				said = append(said, text)
			}
		}
		if tt.want == "" && len(said) > 0 || tt.want != "" && (len(said) != 1 || !strings.HasPrefix(said[0], tt.want)) {
			t.Errorf("%v: said %q, want %q…", tt.points, said, tt.want)
		}
	}
}

// The synthesis says what an access point over opt-in Regions takes, and of which that
// is, and nothing of other sets.
func TestSynthesisSaysWhatOptInRegionsTake(t *testing.T) {
	for _, tt := range []struct {
		regions []string
		points  []replicaset.Point
		want    string
	}{
		{[]string{"us-east-1", "eu-west-1"}, nil, ""},
		{[]string{"us-east-1", "eu-south-1", "af-south-1"}, nil, "accessPoint: af-south-1 and eu-south-1 are opt-in Regions: "},
		{[]string{"us-east-1", "eu-south-1", "eu-west-1"},
			[]replicaset.Point{{Name: "main", Regions: []string{"us-east-1", "eu-west-1"}}}, ""},
	} {
		set := replicaset.Config{
			Name: "media", Regions: tt.regions, OptInRegions: true, AccessPoint: &replicaset.AccessPoint{Points: tt.points},
		}
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
		said := ""
		for _, entry := range *newAccessPointStack(app, set).Node().Metadata() {
			if text, ok := entry.Data.(string); ok && *entry.Type == "aws:cdk:info" && strings.Contains(text, "opt-in") {
				said += text
			}
		}
		if tt.want == "" && said != "" || !strings.HasPrefix(said, tt.want) {
			t.Errorf("%v: said %q, want %q…", tt.regions, said, tt.want)
		}
	}
}

// An access point takes as many Regions as S3 does, each with its own bucket.
func TestAccessPointOfSeventeenRegions(t *testing.T) {
	set := replicaset.Config{Name: "media", AccessPoint: &replicaset.AccessPoint{}, OptInRegions: true, Regions: []string{
		"af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1",
		"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
	}}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
	newAccessPointStack(app, set)
	app.Synth(nil)
	text, err := os.ReadFile(filepath.Join(out, set.AccessPointStackName()+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties struct{ Regions []struct{ Bucket any } }
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	buckets := map[string]bool{}
	for _, r := range template.Resources {
		for _, region := range r.Properties.Regions {
			buckets[fmt.Sprint(region.Bucket)] = true
		}
	}
	equal(t, "buckets of it", len(buckets), 17)
}

// The synthesis says that clients lose the buckets before there is an access point,
// where objects are reached through it alone.
func TestSynthesisSaysToDeployAnAccessPointFirst(t *testing.T) {
	for _, access := range []string{"", replicaset.AnyAccess, replicaset.AccessPointOnly} {
		set := onlySet()
		set.Access = access
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
		said := 0
		for _, entry := range *newAccessPointStack(app, set).Node().Metadata() {
			text, ok := entry.Data.(string)
			if ok && *entry.Type == "aws:cdk:info" && strings.HasPrefix(text, "access: ") &&
				strings.Contains(text, "first deploy accessPoint without access") {
				said++
			}
		}
		want := 0
		if access == replicaset.AccessPointOnly {
			want = 1
		}
		equal(t, "said with access "+access, said, want)
	}
}

// An app with stacks of its own makes the access point in one of them, after those
// of the Regions.
func TestNewAccessPoint(t *testing.T) {
	config := Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AccessPoint: &AccessPoint{}}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
	stack := func(name, region string) awscdk.Stack {
		return awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{Env: &awscdk.Environment{Region: jsii.String(region)}})
	}
	first := stack("first", "us-east-1")
	region, err := NewRegion(first, "Region", RegionProps{Config: config, Code: testCode(t, replicaset.Config(config))})
	if err != nil {
		t.Fatal(err)
	}
	none := config
	none.AccessPoint = nil
	for _, tt := range []struct {
		scope  awscdk.Stack
		config Config
		want   string
	}{
		{first, config, "stack first has the parts of a Region; make the access point in another stack"},
		{stack("none", "us-east-1"), none, "replica set media has no access point; set Config.AccessPoint"},
	} {
		_, err := NewAccessPoint(tt.scope, "AccessPoint", AccessPointProps{Config: tt.config, Regions: []*Region{region}})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %q…", err, tt.want)
		}
	}
	point := stack("point", "us-west-2") // no member
	if _, err := NewAccessPoint(point, "AccessPoint", AccessPointProps{Config: config, Regions: []*Region{region}}); err != nil {
		t.Fatal(err)
	}
	if after := *point.Dependencies(); len(after) != 1 || *after[0].StackName() != "first" {
		t.Errorf("the stack depends on %d others, want on that of the Region", len(after))
	}
}
