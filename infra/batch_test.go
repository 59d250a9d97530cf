package infra

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"s3fanout/internal/replicaset"
)

// TestBatchOperations shows what the switch adds: two resources of a Region
// stack, two actions on the sources' objects, and nothing else.
func TestBatchOperations(t *testing.T) {
	set := fiveRegions()
	without := synthesize(t, set)
	set.BatchOperations = true
	with := synthesize(t, set)
	for _, region := range set.Regions {
		var added []resource
		for _, r := range with.regions[region].resources {
			i := slices.IndexFunc(without.regions[region].resources, func(other resource) bool { return other.ID == r.ID })
			if i < 0 {
				added = append(added, r)
				continue
			}
			if r.at("RoleName") == any(set.Member(testAccount, region).RoleName()) {
				const policy = "Policies.0.PolicyDocument.Statement"
				want := granted(without.regions[region].resources[i].at(policy).(list))
				for _, action := range []string{"s3:GetObject", "s3:GetObjectTagging"} {
					want[action] = append(want[action], with.objects(set.Others(region))...)
					slices.Sort(want[action])
				}
				equal(t, region+": what the function may", granted(r.at(policy).(list)), want)
				continue
			}
			equal(t, region+": "+r.ID, r, without.regions[region].resources[i])
		}
		equal(t, region+": number of resources", len(with.regions[region].resources), len(without.regions[region].resources)+2)
		mesh := set.MeshStackName(region) + ".template.json"
		equal(t, region+": mesh", read(t, with.dir, mesh), read(t, without.dir, mesh))
		for _, r := range added {
			switch r.Type {
			case "AWS::IAM::Role":
				testJobRole(t, with, region, r)
			case "AWS::IAM::Policy":
				testBatchPolicy(t, with, region, r)
			default:
				t.Errorf("%s: %s is a %s", region, r.ID, r.Type)
			}
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func testJobRole(t *testing.T, s synthesized, region string, role resource) {
	bucket := s.member(region).BucketARN()
	equal(t, "name", role.at("RoleName"), any(s.member(region).JobRoleName()))
	equal(t, "trust", role.at("AssumeRolePolicyDocument.Statement"), any(list{object{
		"Effect": "Allow", "Principal": object{"Service": "batchoperations.s3.amazonaws.com"}, "Action": "sts:AssumeRole",
		"Condition": object{"StringEqualsIfExists": object{"aws:SourceAccount": testAccount}}}}))
	equal(t, "number of policies", len(role.at("Policies").(list)), 1)
	equal(t, "managed policies", role.at("ManagedPolicyArns"), nil)
	equal(t, "actions and their resources", granted(role.at("Policies.0.PolicyDocument.Statement").(list)), map[string][]string{
		"lambda:InvokeFunction":        {s.member(region).FunctionARN()},
		"s3:PutInventoryConfiguration": {bucket},
		"s3:PutObject":                 {bucket + "/" + replicaset.ReportPrefix + "/*"},
	})
}

func testBatchPolicy(t *testing.T, s synthesized, region string, policy resource) {
	equal(t, "role", policy.at("Roles"), any(list{s.member(region).RoleName()}))
	i := slices.IndexFunc(s.regions[region].resources, func(r resource) bool {
		return r.Type == "AWS::IAM::Role" && r.at("RoleName") == s.member(region).RoleName()
	})
	equal(t, "dependencies", policy.DependsOn, []string{s.regions[region].resources[i].ID})
	var functions []string
	for _, other := range s.set.Others(region) {
		functions = append(functions, s.member(other).FunctionARN())
	}
	slices.Sort(functions)
	equal(t, "actions and their resources", granted(policy.at("PolicyDocument.Statement").(list)),
		map[string][]string{"lambda:InvokeFunction": functions})
}

// objects stand for all objects of the Regions' buckets.
func (s synthesized) objects(regions []string) (arns []string) {
	for _, region := range regions {
		arns = append(arns, s.member(region).BucketARN()+"/*")
	}
	return arns
}

// granted are the resources by action, sorted, of the statements that allow
// something without a condition, or on what belongs to the account.
func granted(statements list) map[string][]string {
	got := map[string][]string{}
	for _, s := range statements {
		statement := s.(object)
		if c := statement["Condition"]; statement["Effect"] != "Allow" || c != nil && !reflect.DeepEqual(c, ownBuckets) {
			continue
		}
		for _, action := range texts(statement["Action"]) {
			got[action] = append(got[action], texts(statement["Resource"])...)
			slices.Sort(got[action])
		}
	}
	return got
}
