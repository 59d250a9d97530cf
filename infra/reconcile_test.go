package infra

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/operator/cost"
	"s3fanout/internal/replicaset"
)

// daily is a comparison every day, with repairs.
func daily() *replicaset.Reconcile { return &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true} }

func isReconcile(r resource) bool { return strings.Contains(r.ID, "Reconcile") } // also below a construct

// reconciliation are the resources of a Region stack that are there for the
// scheduled comparison.
func (tp template) reconciliation() template {
	var found template
	for _, r := range tp.resources {
		if isReconcile(r) {
			found.resources = append(found.resources, r)
		}
	}
	return found
}

// compared wants what compares to be there exactly if it is configured, and to be
// configured as the set is.
func compared(t *testing.T, r relations) {
	t.Helper()
	parts := r.reconciliation()
	if r.set.Reconcile == nil {
		equal(t, "resources for comparing", len(parts.resources), 0)
		return
	}
	here := r.member(r.region)
	atOnce, machines := 1.0, 0
	if r.set.Reconcile.KeyRanges > 0 {
		atOnce, machines = 11, 1
	}
	equal(t, "state machines", len(parts.all("AWS::StepFunctions::StateMachine")), machines)
	equal(t, "schedules", len(parts.all("AWS::Scheduler::Schedule")), 1+machines)
	function := parts.one(t, "AWS::Lambda::Function")
	for path, want := range map[string]any{
		"FunctionName": r.set.ReconcilerName(), "Architectures": list{r.set.Architecture()}, "Timeout": 900.0,
		"ReservedConcurrentExecutions": atOnce, "Role": here.ReconcileRoleARN(), "LoggingConfig.LogGroup": r.set.ReconcilerLogGroupName(),
	} {
		equal(t, path, function.at(path), want)
	}
	variables := function.at("Environment.Variables").(object)
	got, err := functionenv.DecodeReconcile(func(name string) string {
		switch name {
		case functionenv.Region:
			return r.region
		case functionenv.FunctionName:
			return r.set.ReconcilerName()
		}
		value, _ := variables[name].(string)
		return value
	})
	want := functionenv.OfReconcile(r.set, here)
	want.Target = asTheFunctionKnows(want.Target)
	slices.SortFunc(want.Sources, func(a, b replicaset.Member) int { return strings.Compare(a.Region, b.Region) })
	for i := range want.Sources {
		want.Sources[i] = asTheFunctionKnows(want.Sources[i])
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("environment: got %+v, %v, want %+v", got, err, want)
	}
	equal(t, "failures", parts.one(t, "AWS::Lambda::EventInvokeConfig").Properties, object{
		"FunctionName": r.set.ReconcilerName(), "Qualifier": "$LATEST", "MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 60.0})

	table := parts.one(t, "AWS::DynamoDB::Table")
	equal(t, "table", table.at("TableName"), any(r.set.ReconcilerName()))
	equal(t, "billing", table.at("BillingMode"), any("PAY_PER_REQUEST"))
	equal(t, "key", table.at("KeySchema"), any(list{object{"AttributeName": "id", "KeyType": "HASH"}}))
	equal(t, "table on deletion", table.Deletion, "Delete")

	schedule := scheduleNamed(t, parts, r.set.ReconcilerName())
	equal(t, "schedule", schedule.Properties, object{
		"Name": r.set.ReconcilerName(), "Description": schedule.at("Description"), "State": "ENABLED",
		"ScheduleExpression": "rate(15 minutes)", "FlexibleTimeWindow": object{"Mode": "OFF"},
		"Target": object{"Arn": here.ReconcilerARN(), "RoleArn": here.ScheduleRoleARN(), "Input": `{"tick":true}`,
			"RetryPolicy": object{"MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 60.0}}})
}

func scheduleNamed(t *testing.T, tp template, name string) resource {
	t.Helper()
	for _, schedule := range tp.all("AWS::Scheduler::Schedule") {
		if schedule.at("Name") == any(name) {
			return schedule
		}
	}
	t.Fatalf("no schedule %s", name)
	return resource{}
}

// trustsReconcile are the statements by which the replicator's role lets the
// comparing function repair.
func trustsReconcile(r relations) list {
	if r.set.Reconcile == nil || !r.set.Reconcile.Copy {
		return nil
	}
	return list{object{"Effect": "Allow", "Principal": object{"AWS": r.member(r.region).AccountARN()}, "Action": "sts:AssumeRole",
		"Condition": object{"StringEquals": object{"sts:RoleSessionName": r.set.FunctionName() + "-reconcile"},
			"ArnEquals": object{"aws:PrincipalArn": r.member(r.region).ReconcileRoleARN()}}}}
}

// TestReconcileRole compares the comparing function's policy with a table of what
// it may do, action by action and resource by resource. There is no action that
// writes to a bucket in it.
func TestReconcileRole(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*replicaset.Config)
		more   func(here replicaset.Member, all []string) map[string][]string
	}{
		{"check only", func(c *replicaset.Config) { c.Reconcile.Copy = false }, nil},
		{"repair", func(*replicaset.Config) {}, func(here replicaset.Member, _ []string) map[string][]string {
			return map[string][]string{"sts:AssumeRole": {here.RoleARN()}}
		}},
		{"follow", func(c *replicaset.Config) { c.Reconcile.Copy, c.Follow = false, overwrites },
			func(here replicaset.Member, all []string) map[string][]string {
				return map[string][]string{
					"s3:ListBucketVersions": append(slices.Clone(all), here.BucketARN()), "s3:GetObjectVersion": objectsOf(all),
				}
			}},
		{"keys and traces", func(c *replicaset.Config) { c.Reconcile.Copy, c.Encryption, c.Tracing = false, "kms", true },
			func(here replicaset.Member, _ []string) map[string][]string {
				keys := []string{madeKey(here.Region)}
				for _, region := range defaultSet(t).Others(here.Region) {
					keys = append(keys, "arn:aws:kms:"+region+":"+testAccount+":key/*")
				}
				return map[string][]string{"kms:Decrypt": keys, "xray:PutTraceSegments": {"*"}, "xray:PutTelemetryRecords": {"*"}}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := defaultSet(t)
			set.Reconcile = daily()
			tt.change(&set)
			s := synthesize(t, set)
			for _, region := range set.Regions {
				here := s.member(region)
				var buckets []string
				for _, r := range set.Regions {
					buckets = append(buckets, s.member(r).BucketARN())
				}
				logs, table := []string{here.ReconcilerLogGroupARN() + ":*"}, []string{here.ReconcileTableARN()}
				must := map[string][]string{
					"s3:ListBucket": buckets, "s3:GetObject": objectsOf(buckets),
					"s3:ListBucketMultipartUploads": {here.BucketARN()}, "s3:ListBucketVersions": {here.BucketARN()},
					"s3:GetLifecycleConfiguration": buckets,
					"s3:ListMultipartUploadParts":  objectsOf([]string{here.BucketARN()}),
					"dynamodb:GetItem":             table, "dynamodb:PutItem": table, "logs:CreateLogStream": logs,
					"logs:PutLogEvents": logs,
				}
				if tt.more != nil {
					for action, resources := range tt.more(here, buckets) {
						must[action] = resources
					}
				}
				got := map[string][]string{}
				role := roleNamed(t, s.regions[region], here.ReconcileRoleName())
				equal(t, "policies", len(role.at("Policies").(list)), 1)
				for _, statement := range statements(role.at("Policies")) {
					equal(t, "effect", statement["Effect"], any("Allow"))
					for _, action := range texts(statement["Action"]) {
						got[action] = append(got[action], texts(statement["Resource"])...)
						if strings.HasPrefix(action, "s3:") {
							equal(t, action, statement["Condition"], ownBuckets)
						}
					}
				}
				for _, table := range []map[string][]string{got, must} {
					for action := range table {
						slices.Sort(table[action])
					}
				}
				equal(t, region+": actions and their resources", got, must)

				schedule := roleNamed(t, s.regions[region], here.ScheduleRoleName())
				equal(t, "schedule's statements", any(statements(schedule.at("Policies"))), any([]object{{
					"Sid": "StartComparison", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": here.ReconcilerARN()}}))
				equal(t, "schedule's trust", schedule.at("AssumeRolePolicyDocument.Statement"), any(list{object{
					"Effect": "Allow", "Principal": object{"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
					"Condition": object{"StringEquals": object{"aws:SourceAccount": testAccount},
						"ArnLike": object{
							"aws:SourceArn": "arn:aws:scheduler:" + region + ":" + testAccount + ":schedule-group/default",
						}}}}))
			}
		})
	}
}

func objectsOf(buckets []string) []string {
	var all []string
	for _, arn := range buckets {
		all = append(all, arn+"/*")
	}
	return all
}

func roleNamed(t *testing.T, tp template, name string) resource {
	t.Helper()
	for _, role := range tp.all("AWS::IAM::Role") {
		if role.at("RoleName") == any(name) {
			return role
		}
	}
	t.Fatalf("no role %s", name)
	return resource{}
}

// TestReconcileChangesNothingElse compares the templates of a set with and without
// the comparison: the mesh stacks, the exports and all resources but the role that
// it repairs in, the alarms and the dashboard are the same. So it can be switched
// on over a set that is deployed, and off again, in one deployment.
func TestReconcileChangesNothingElse(t *testing.T) {
	off := defaultSet(t)
	on := off
	on.Reconcile = daily()
	without, with := synthesize(t, off), synthesize(t, on)
	text := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, region := range off.Regions {
		equal(t, region+": mesh", byID(with.meshes[region]), byID(without.meshes[region]))
		equal(t, region+": exports", with.regions[region].exports, without.regions[region].exports)
		before, after := byID(without.regions[region]), byID(with.regions[region])
		for id, r := range after {
			old, was := before[id]
			switch {
			case isReconcile(r), strings.HasPrefix(id, "Alarmsnot"), strings.HasPrefix(id, "Dashboard"):
			case r.Type == "AWS::IAM::Role":
				delete(r.Properties, "AssumeRolePolicyDocument")
				delete(old.Properties, "AssumeRolePolicyDocument")
				equal(t, region+": "+id, text(r.Properties), text(old.Properties))
			case !was || text(r) != text(old):
				t.Errorf("%s: %s differs:\n%s\n%s", region, id, text(old), text(r))
			}
		}
		for id := range before {
			if _, stays := after[id]; !stays {
				t.Errorf("%s: %s is gone", region, id)
			}
		}
	}
}

// TestReconcileIsPricedAsItIsDeployed holds the counts of the cost model against the
// templates.
func TestReconcileIsPricedAsItIsDeployed(t *testing.T) {
	off := defaultSet(t)
	on := off
	on.Reconcile = daily()
	without, with := synthesize(t, off), synthesize(t, on)
	for _, region := range off.Regions {
		const kind = "AWS::CloudWatch::Alarm"
		equal(t, "alarms", len(with.regions[region].all(kind))-len(without.regions[region].all(kind)), cost.AlarmMetricsOfReconcile)
		parts := with.regions[region].reconciliation()
		equal(t, "memory", parts.one(t, "AWS::Lambda::Function").at("MemorySize"), any(float64(cost.ReconcileMemoryMiB)))
		equal(t, "ticks", parts.one(t, "AWS::Scheduler::Schedule").at("ScheduleExpression"),
			any(fmt.Sprintf("rate(%d minutes)", 730*60/cost.ReconcileTicks)))
	}
}

func byID(tp template) map[string]resource {
	all := map[string]resource{}
	for _, r := range tp.resources {
		all[r.ID] = r
	}
	return all
}

// TestSilenceOfTheComparisonRaisesTheAlarm: the age of the last comparison has a figure at
// every tick, so that none means that nothing compares. A new alarm has none
// either, and must not be raised for that.
func TestSilenceOfTheComparisonRaisesTheAlarm(t *testing.T) {
	set := defaultSet(t)
	set.Reconcile, set.AlarmEmail = &replicaset.Reconcile{Every: 6 * time.Hour}, "ops@example.com"
	s := synthesize(t, set)
	for _, region := range set.Regions {
		found := 0
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			actions := a.at("InsufficientDataActions")
			if a.at("AlarmName") != any(set.Name+"-not-proven") {
				equal(t, a.ID+": told of silence", actions, nil)
				continue
			}
			found++
			equal(t, "missing data", a.at("TreatMissingData"), any("missing"))
			equal(t, "told of silence", actions, a.at("AlarmActions"))
			equal(t, "threshold", a.at("Threshold"), any(12*3600.0))
			equal(t, "metric", watchedBy(t, a), []watched{
				{"s3fanout", "ProofAge", "Maximum", object{"ReplicaSet": set.Name, "TargetRegion": region}, 3600},
			})
		}
		equal(t, region+": alarms", found, 1)
	}
}

// TestNotRepairedStaysUntilAComparisonFindsNothing: a comparison has one figure of what
// it left, and the alarm must not end by itself minutes later.
func TestNotRepairedStaysUntilAComparisonFindsNothing(t *testing.T) {
	set := defaultSet(t)
	set.Reconcile = daily()
	s := synthesize(t, set)
	for _, region := range set.Regions {
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			want := "notBreaching"
			switch a.at("AlarmName") {
			case any(set.Name + "-not-repaired"):
				want = "ignore"
				equal(t, "metric", watchedBy(t, a), []watched{
					{"s3fanout", "KeysUnrepaired", "Sum", object{"ReplicaSet": set.Name, "TargetRegion": region}, 300},
				})
			case any(set.Name + "-not-proven"):
				want = "missing"
			}
			equal(t, a.ID+": missing data", a.at("TreatMissingData"), any(want))
		}
	}
}
