package infra

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// largeSet has everything switched on that makes a policy longer, the longest
// name, and the first n of all 34 Regions; keys are made, or given.
func largeSet(n int, ownKeys bool) replicaset.Config {
	regions := []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"eu-central-1",
		"eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
		"eu-south-1", "ap-east-1", "af-south-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "eu-central-2", "eu-south-2",
		"il-central-1", "me-central-1", "me-south-1", "mx-central-1", "ca-west-1",
		"ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	}
	set := replicaset.Config{
		Name: "a-name-of-thirty-two-characters0", Regions: regions[:n], Encryption: "kms", BucketNamespace: "account-regional",
		OptInRegions: true, BatchOperations: true, Tracing: true, Follow: everything,
		OperatorARNs:          []string{"arn:aws:iam::{account}:role/operators"},
		MultipartThresholdMiB: 5120, MultipartParallel: 256, ReplicaStorageClass: "INTELLIGENT_TIERING",
		Reconcile: daily(),
	}
	if ownKeys {
		set.KMSKeyARNs = existingKeys(set.Regions)
	}
	return set
}

// TestTwentyFourRegionsFit has the features that make the policies longest.
func TestTwentyFourRegionsFit(t *testing.T) {
	for _, ownKeys := range []bool{false, true} {
		set := largeSet(24, ownKeys)
		if err := set.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := checkLimits(set); err != nil {
			t.Errorf("keys given %t: %v", ownKeys, err)
		}
	}
}

// TestLimitsMeasureWhatIsSynthesized holds what is measured before the synthesis
// against a template.
func TestLimitsMeasureWhatIsSynthesized(t *testing.T) {
	set := largeSet(24, true)
	const region = "us-east-1"
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
	newRegionStack(app, regionStackProps{Set: set, Region: region, Code: testCode(t, set)})
	app.Synth(nil)
	stack := load(t, out, set, set.RegionStackName(region), region)
	length := func(v any) int {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return utf8.RuneCount(text)
	}
	policies, trust := 0, 0
	for _, role := range stack.all("AWS::IAM::Role") {
		if role.at("RoleName") == any(set.Member(testAccount, region).RoleName()) {
			policies += length(role.at("Policies.0.PolicyDocument"))
			trust = length(role.at("AssumeRolePolicyDocument"))
		}
	}
	for _, policy := range stack.all("AWS::IAM::Policy") { // its roles' inline policies
		policies += length(policy.at("PolicyDocument"))
	}
	s := newSite(anyAccount, set, region)
	equal(t, "inline policies", s.policiesLength(), policies)
	equal(t, "trust policy", lengthOf(trustDocument(s.trust())), trust)
	at := relations{synthesized: synthesized{set: set}, template: stack, region: region}
	equal(t, "environment", lengthOf(s.environment()), length(at.one(t, "AWS::Lambda::Function").at("Environment.Variables")))
	compares := stack.reconciliation()
	equal(t, "environment of the function that compares", s.reconcileEnvironmentLength(),
		length(compares.one(t, "AWS::Lambda::Function").at("Environment.Variables")))
	equal(t, "policy of the function that compares", s.comparePolicyLength(),
		length(roleNamed(t, stack, set.Member(testAccount, region).ReconcileRoleName()).at("Policies.0.PolicyDocument")))
	t.Logf("%d characters of policies, %d of trust", policies, trust)
}

// TestWhatIsTooLongIsSaidBeforeSynthesis: else the deployment would say it, Region
// by Region (bad input: cf-26).
func TestWhatIsTooLongIsSaidBeforeSynthesis(t *testing.T) {
	many := largeSet(2, false)
	many.OperatorARNs = nil
	for i := range 40 {
		many.OperatorARNs = append(many.OperatorARNs, fmt.Sprintf("arn:aws:iam::{account}:role/operators/team-%d", i))
	}
	plain := largeSet(34, true)
	plain.BatchOperations = false
	filtered := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	for i := range 40 {
		filtered.Filters = append(filtered.Filters, replicaset.Filter{
			Prefix: fmt.Sprintf("%03d/%s/", i, strings.Repeat("p", 100)), OwnFollow: true, Follow: replicaset.Follow{Overwrites: true}})
	}
	compared := filtered
	compared.Reconcile, compared.Follow = daily(), replicaset.Follow{Overwrites: true}
	mostlyPlain := filtered
	mostlyPlain.Follow = replicaset.Follow{Overwrites: true} // the filters say nothing else
	for _, tt := range []struct {
		name string
		set  replicaset.Config
		want string // "": it fits
	}{
		{"all Regions with everything", largeSet(34, true),
			"s3fanout.regions: they make the inline policies of role a-name-of-thirty-two-characters0-replicator-us-east-1 " +
				"13280 characters long, AWS allows 10240; use fewer Regions, leave batchOperations out, or choose a shorter name"},
		{"all Regions without jobs", plain, ""},
		{"filters with a long follow of their own", filtered, "s3fanout.filters: they make the environment of the function in us-east-1 " +
			"4653 bytes long, AWS allows 4096; give fewer filters a follow of their own, or shorten their prefixes and suffixes"},
		{"filters that follow what the set does", mostlyPlain, ""},
		{"filters of what is compared", compared,
			"s3fanout.filters: they make the environment of the function that compares in us-east-1 " +
				"4703 bytes long, AWS allows 4096; give fewer filters, shorten their prefixes and suffixes, or leave reconcile out"},
		{"40 operators", many,
			"s3fanout.operatorArns: they make the trust policy of role a-name-of-thirty-two-characters0-replicator-us-east-1 " +
				"4930 characters long, AWS allows 2048; list fewer, for instance one role that the others assume"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.set.Validate(); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := checkLimits(tt.set); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestEnvironmentOfTheLargestSetFits has all Regions that there are; the limit is
// for what may be longer one day, such as buckets with names of their own.
func TestEnvironmentOfTheLargestSetFits(t *testing.T) {
	set := largeSet(34, false)
	s := newSite(anyAccount, set, "us-east-1")
	if n := lengthOf(s.environment()); n > maxEnvironment*3/4 {
		t.Errorf("%d bytes of %d", n, maxEnvironment)
	}
}
