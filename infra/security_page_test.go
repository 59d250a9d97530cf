package infra

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// permission is an action of a statement as docs/permissions.csv says it. Lists are in
// order and in one string, so that permissions can be compared.
type permission struct {
	policy, who, action, on, conditions string
}

// pagePermissions reads docs/permissions.csv, by when a statement is there.
func pagePermissions(t *testing.T) map[string][]permission {
	t.Helper()
	file, err := os.Open("../docs/permissions.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"policy", "statement", "when", "who", "actions", "on", "conditions", "reason"}; !slices.Equal(lines[0], want) {
		t.Fatalf("columns %q, want %q", lines[0], want)
	}
	sorted := func(cell string) string {
		parts := strings.Split(cell, ", ")
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	}
	rows := map[string][]permission{}
	for _, line := range lines[1:] {
		for column, cell := range line {
			if strings.TrimSpace(cell) == "" && lines[0][column] != "conditions" {
				t.Errorf("no %s: %q", lines[0][column], line)
			}
		}
		for _, action := range strings.Split(line[4], ", ") {
			rows[line[2]] = append(rows[line[2]], permission{
				line[0] + ": " + line[1], line[3], action, sorted(line[5]), sorted(cmp.Or(line[6], "none")),
			})
		}
	}
	return rows
}

// words says what the list calls the resources of a Region's stack.
func words(set replicaset.Config, region string) map[string]string {
	here := set.Member(testAccount, region)
	bucket := here.BucketARN()
	w := map[string]string{
		bucket:        "own bucket",
		bucket + "/*": "own objects",
		bucket + "/" + replicaset.ReportPrefix + "/*": "own bucket's reports",

		here.TopicARN():                     "own topic",
		here.QueueARN():                     "own queue",
		here.FunctionARN():                  "own function",
		here.RoleARN():                      "function's role",
		here.ReconcilerARN():                "comparing function",
		here.ReconcileTableARN():            "own table",
		here.DefaultBusARN():                "own default event bus",
		here.ReconcilerLogGroupARN() + ":*": "comparing function's log group",
		here.LogGroupARN() + ":*":           "own log group",
		madeKey(region):                     "own key",
		strings.ReplaceAll(adoptedKey, "us-east-1", region):        "own bucket's key",
		here.AdopterLogGroupARN() + ":*":                           "adopting function's log group",
		here.ReconcileMachineARN():                                 "own state machine",
		here.ARN("states", "execution:"+set.ReconcilerName()+":*"): "executions of the own state machine",
		here.ARN("sns", set.AlarmTopicName()):                      "alarm topic",
	}
	w["arn:aws:s3:::"+auditBucket], w["arn:aws:s3:::"+auditBucket+"/*"] = "log bucket", "log bucket's objects"
	w["arn:aws:s3:::"+auditBucket+"/AWSLogs/"+testAccount+"/*"] = "log bucket's log files"
	w[set.AuditLogStreamARN(testAccount)] = "trail's log streams"
	points := set.AccessPointPattern(testAccount)
	w[points], w[points+"/object/*"] = "access points", "access points' objects"
	for _, point := range set.AccessPoints() {
		arn := strings.Replace(set.AccessPointPattern(testAccount), "*", point.Output("")+".Alias", 1)
		w[arn], w[arn+"/object/*"] = "access point", "access point's objects"
	}
	for _, other := range set.Members(testAccount).Except(region) {
		bucket := other.BucketARN()
		w[bucket], w[bucket+"/*"] = "other buckets", "other objects"
		if key := set.BucketKeyARNs[other.Region]; key != "" {
			w[key] = "other buckets' keys"
		}
		w[other.FunctionARN()] = "other functions"
		w[other.ARN("kms", "key/*")] = "other keys"
	}
	return w
}

// permissionsOf reads the policies of a Region's stack.
func permissionsOf(t *testing.T, set replicaset.Config, region string, tp template) []permission {
	t.Helper()
	names := words(set, region)
	found := map[permission]bool{}
	add := func(policy, who, everything string, s object) {
		list := func(v any) []string {
			if v == nil {
				return nil
			}
			return texts(v)
		}
		var on []string
		for _, arn := range list(s["Resource"]) {
			name := names[arn]
			if arn == "*" {
				name = everything
			}
			if name == "" {
				t.Errorf("%s: no word for the resource %s", policy, arn)
			}
			if !slices.Contains(on, name) {
				on = append(on, name)
			}
		}
		if on == nil { // a trust policy
			on = []string{everything}
		}
		conditions := map[string]bool{}
		if all, ok := s["Condition"].(object); ok {
			for _, keys := range all {
				for key := range keys.(object) {
					conditions[key] = true
				}
			}
		}
		if len(conditions) == 0 {
			conditions["none"] = true
		}
		switch principal := s["Principal"].(type) {
		case nil:
		case string:
			who = strings.Replace(principal, "*", "everybody", 1)
		case object:
			for kind, name := range principal {
				if who = name.(string); kind == "AWS" && strings.HasSuffix(who, "::"+testAccount+":root") {
					who = "the account"
				}
			}
		}
		if s["Effect"] == "Deny" {
			who = "denied to " + who
		}
		join := func(parts []string) string { slices.Sort(parts); return strings.Join(parts, ", ") }
		for _, action := range list(s["Action"]) {
			found[permission{policy, who, action, join(on), join(slices.Collect(maps.Keys(conditions)))}] = true
		}
	}
	for _, r := range tp.resources {
		if r.Type == "AWS::Lambda::Permission" {
			add("function: permission", "", "", object{
				"Effect": "Allow", "Principal": object{"Service": r.at("Principal")}, "Action": r.at("Action"),
				"Resource":  r.at("FunctionName"),
				"Condition": object{"ArnLike": object{"aws:SourceArn": r.at("SourceArn")}},
			})
			continue
		}
		policy, who, everything := "", "", "everything"
		switch name := fmt.Sprint(r.at("RoleName"), r.at("Roles.0")); {
		case strings.Contains(name, set.Member(testAccount, region).JobRoleName()):
			policy, who = "job's role", "jobs"
		case strings.Contains(name, set.Member(testAccount, region).AdopterName()):
			policy, who = "adopting function's role", "the adopting function"
		case strings.Contains(name, set.Member(testAccount, region).ReconcileRoleName()):
			policy, who = "comparing function's role", "the comparing function"
		case strings.Contains(name, set.Member(testAccount, region).ScheduleRoleName()):
			policy, who = "schedule's role", "the schedule"
		case strings.Contains(name, set.Member(testAccount, region).RoleName()):
			policy, who = "function's role", "the function"
		case strings.Contains(name, set.AuditRoleName()):
			policy, who = "trail's role", "the trail"
		case r.Type == "AWS::S3::BucketPolicy" && r.at("Bucket") == auditBucket:
			policy = "log bucket"
		case r.Type == "AWS::SNS::TopicPolicy":
			if policy = "topic"; strings.HasSuffix(r.at("Topics.0").(string), "-alarms") {
				policy = "alarm topic"
			}
		case r.Type == "AWS::SQS::QueuePolicy":
			policy = "queue"
		case r.Type == "AWS::EC2::VPCEndpoint":
			policy = "endpoint"
		case r.Type == "AWS::S3::MultiRegionAccessPointPolicy":
			policy = "access point"
		case r.Type == "AWS::S3::BucketPolicy":
			policy = "bucket"
		case r.Type == "AWS::KMS::Key":
			policy, everything = "key", "own key"
		}
		for _, s := range statements(r.Properties) {
			if policy == "" {
				t.Errorf("%s (%s) has a statement, and the page no word for it", r.ID, r.Type)
			}
			sid, _ := s["Sid"].(string)
			if s["Resource"] == nil {
				sid, everything = "trust", policy
			}
			add(policy+": "+sid, who, everything, s)
			if sid == "trust" {
				everything = "everything"
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}

// TestPoliciesOfThePageNameTheAccount holds what the roles' statements about S3
// demand against those that docs/policies gives to operators. The page links each.
func TestPoliciesOfThePageNameTheAccount(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("../docs/policies/*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "(policies/"+filepath.Base(path)+")") {
			t.Errorf("docs/security.md does not link %s", path)
		}
		var policy object
		if err := json.Unmarshal(content, &policy); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, s := range statements(policy) {
			// The ARNs of access points carry the account.
			resources := texts(s["Resource"])
			own := !slices.ContainsFunc(resources, func(arn string) bool {
				return !strings.HasPrefix(arn, "arn:aws:s3::111122223333:accesspoint/")
			})
			if strings.HasPrefix(texts(s["Action"])[0], "s3:") && !own &&
				!slices.Equal(texts(s["Action"]), []string{"s3:ListMultiRegionAccessPoints"}) {
				found++
				equal(t, fmt.Sprint(s["Sid"]), s["Condition"], ownBuckets)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d statements about S3, want those for looking and for the probe", found)
	}
}

// TestSecurityPageListsEveryStatement holds docs/permissions.csv
// against the templates, both ways, with nothing, each thing and everything
// switched on that brings statements.
func TestSecurityPageListsEveryStatement(t *testing.T) {
	rows := pagePermissions(t)
	switches := map[string]func(*replicaset.Config){
		"encryption: kms":   func(c *replicaset.Config) { c.Encryption = "kms" },
		"batchOperations":   func(c *replicaset.Config) { c.BatchOperations = true },
		"tracing":           func(c *replicaset.Config) { c.Tracing = true },
		"follow":            func(c *replicaset.Config) { c.Follow = c.Follow.Or(overwrites) },
		"follow: deletions": func(c *replicaset.Config) { c.Follow.Deletions = true },
		"follow: tags":      func(c *replicaset.Config) { c.Follow.Tags = true },
		"operatorArns": func(c *replicaset.Config) {
			c.OperatorARNs = []string{"arn:aws:iam::{account}:role/operators"}
		},
		"buckets": func(c *replicaset.Config) {
			c.Buckets = map[string]string{}
			for _, region := range c.Regions {
				c.Buckets[region] = "old-" + region
			}
		},
		"bucketKeyArns": func(c *replicaset.Config) {
			c.BucketKeyARNs = map[string]string{}
			for _, region := range c.Regions {
				c.BucketKeyARNs[region] = strings.ReplaceAll(adoptedKey, "us-east-1", region)
			}
		},
		"replicationTimeEvents": func(c *replicaset.Config) { c.ReplicationTimeEvents = true },
		"alarmEmail":            func(c *replicaset.Config) { c.AlarmEmail = "ops@example.com" },
		"accessPoint":           func(c *replicaset.Config) { c.AccessPoint = &replicaset.AccessPoint{} },
		"reconcile":             func(c *replicaset.Config) { c.Reconcile = daily(); c.Reconcile.Copy = false },
		"reconcile: copy":       func(c *replicaset.Config) { c.Reconcile.Copy = true },
		"reconcile: keyRanges":  func(c *replicaset.Config) { c.Reconcile.KeyRanges = 40 },
		"vpcEndpoints": func(c *replicaset.Config) {
			c.VPCEndpoints = map[string]replicaset.VPCEndpoint{}
			for _, region := range c.Regions {
				c.VPCEndpoints[region] = replicaset.VPCEndpoint{
					VPCID: "vpc-0123456789abcdef0", SubnetIDs: []string{"subnet-0123456789abcdef0"},
				}
			}
		},
		"auditTrail": func(c *replicaset.Config) { c.AuditTrail = &replicaset.AuditTrail{} },
		"access: access-point-only": func(c *replicaset.Config) {
			c.Access, c.DirectAccessARNs = replicaset.AccessPointOnly, []string{}
		},
	}
	names := slices.Sorted(maps.Keys(switches))
	for when := range rows {
		for _, one := range strings.Split(when, " and ") {
			if one != "always" && !slices.Contains(names, strings.TrimPrefix(one, "without ")) {
				t.Errorf("the page says %q, which no configuration here is", when)
			}
		}
	}
	// It excludes buckets.
	each := [][]string{nil, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "access: ") })}
	for _, name := range names {
		on := []string{name}
		switch { // what it builds on
		case strings.HasPrefix(name, "follow: "):
			on = []string{"follow", name}
		case strings.HasPrefix(name, "access: "), name == "vpcEndpoints":
			on = []string{"accessPoint", name}
		case name == "bucketKeyArns":
			on = []string{"buckets", name}
		case strings.HasPrefix(name, "reconcile: "):
			on = []string{"reconcile", name}
		}
		each = append(each, on)
	}
	for _, on := range each {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
			for _, name := range on {
				switches[name](&set)
			}
			want := map[permission]bool{}
			for when, list := range rows {
				holds := true
				for _, one := range strings.Split(when, " and ") {
					name, without := strings.CutPrefix(one, "without ")
					holds = holds && (one == "always" || slices.Contains(on, name) != without)
				}
				for _, p := range list {
					if holds {
						want[p] = true
					}
				}
			}
			s := synthesize(t, set)
			for _, region := range set.Regions {
				got := slices.Concat(permissionsOf(t, set, region, s.regions[region]), permissionsOf(t, set, region, s.points),
					permissionsOf(t, set, region, s.audit))
				for _, p := range got {
					if !want[p] {
						t.Errorf("%s has, and the page has not:\n%+v", region, p)
					}
				}
				for p := range want {
					if !slices.Contains(got, p) {
						t.Errorf("the page has, and %s has not:\n%+v", region, p)
					}
				}
			}
			for _, mesh := range s.meshes {
				for _, r := range mesh.resources {
					if n := len(statements(r.Properties)); n > 0 {
						t.Errorf("%s of a mesh stack has %d statements, the page has none for it", r.ID, n)
					}
				}
			}
		})
	}
}
