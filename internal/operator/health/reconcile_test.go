package health

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"s3fanout/internal/replicaset"
)

func reconcileSet() replicaset.Config {
	set := testSet()
	set.Reconcile = &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true}
	return set
}

// reconcileTroubles are what keeps the buckets from being compared.
func reconcileTroubles() []trouble {
	with := func(change func(*Reconcile)) func(*Region) { return func(r *Region) { change(&r.Reconcile) } }
	return []trouble{
		{"no function that compares", with(func(r *Reconcile) { r.Function = Look[Reconciler]{State: Absent} }), checkReconciler, Warning,
			"function media-reconcile"},
		{"a failed one", with(func(r *Reconcile) { r.Function.Value.State = "Failed" }), checkReconciler, Warning, "is Failed"},
		{"one with another role", with(func(r *Reconcile) { r.Function.Value.RoleARN = "arn:x" }), checkReconciler, Warning,
			"has role arn:x"},
		{"a stopped one", with(func(r *Reconcile) { r.Function.Value.Reserved = found(0) }), checkReconciler, Warning,
			"reserved concurrency is 0"},
		{"compared at another time", with(func(r *Reconcile) { r.Function.Value.Environment["S3FANOUT_RECONCILE_EVERY"] = "6h0m0s" }),
			checkReconciler, Warning, "S3FANOUT_RECONCILE_EVERY"},
		{"a log of text", with(func(r *Reconcile) { r.Function.Value.Logging.Format = "Text" }), checkLogging, Warning,
			"the log of function media-reconcile has the format Text, not JSON"},
		{"a log of errors alone", with(func(r *Reconcile) { r.Function.Value.Logging.Level = "ERROR" }), checkLogging, Warning,
			"the log of function media-reconcile begins at the level ERROR, not INFO"},
		{"a log elsewhere", with(func(r *Reconcile) { r.Function.Value.Logging.Group = "/aws/lambda/x" }), checkLogging, Warning,
			"function media-reconcile logs to /aws/lambda/x, not to /aws/lambda/media-reconcile"},
		{"a log of every invocation", with(func(r *Reconcile) { r.Function.Value.Logging.System = "INFO" }), checkLogging, Warning,
			"in the log of function media-reconcile begin at the level INFO, not WARN"},
		{"no table", with(func(r *Reconcile) { r.Table = Look[string]{State: Absent} }), checkReconcileTable, Warning,
			"table media-reconcile"},
		{"no schedule", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{State: Absent} }), checkSchedule, Warning,
			"schedule media-reconcile"},
		{"a schedule switched off", with(func(r *Reconcile) { r.Schedule.Value.State = "DISABLED" }), checkSchedule, Warning,
			"is DISABLED"},
		{"a schedule of something else", with(func(r *Reconcile) { r.Schedule.Value.Target = "arn:y" }), checkSchedule, Warning,
			"starts arn:y"},
		{"schedule denied", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{Why: denied} }), checkSchedule, Unknown, denied},
		{"no role", with(func(r *Reconcile) { r.Role = Look[Role]{State: Absent} }), checkReconcileRole, Warning,
			"role media-reconcile-eu-west-1 does not exist"},
		{"no role of the schedule", with(func(r *Reconcile) { r.Starter = Look[Role]{State: Absent} }), checkReconcileRole, Warning,
			"role media-schedule-eu-west-1 does not exist"},
		{"a role that is not told", with(func(r *Reconcile) { r.Role = Look[Role]{Why: denied} }), checkReconcileRole, Unknown, denied},
		{"a role that Lambda may not take on", with(func(r *Reconcile) { r.Role.Value.Trust = `{"Statement":[]}` }),
			checkReconcileTrust, Warning,
			"lambda.amazonaws.com"},
		{"a role that no schedule may take on", with(func(r *Reconcile) { r.Starter.Value.Trust = `{"Statement":[]}` }),
			checkReconcileTrust, Warning,
			"scheduler.amazonaws.com"},
		{"a role that may not compare", with(func(r *Reconcile) {
			r.Role.Value.Policies.Value[0] = lessOf(r.Role.Value.Policies.Value[0], "s3:ListBucket")
		}),
			checkReconcileActions, Warning, "s3:ListBucket on arn:aws:s3:::media-111122223333-us-east-1 (without it, nothing is compared)"},
		{"a role that may not remember", with(func(r *Reconcile) {
			r.Role.Value.Policies.Value[0] = lessOf(r.Role.Value.Policies.Value[0], "dynamodb:PutItem")
		}),
			checkReconcileActions, Warning, "dynamodb:PutItem on "},
		{"a role that may not start it", with(func(r *Reconcile) { r.Starter.Value.Policies = found([]string{`{"Statement":[]}`}) }),
			checkReconcileActions, Warning, "role media-schedule-eu-west-1 may not lambda:InvokeFunction on "},
		{"a replicator that does not lend its role",
			func(r *Region) { r.Role.Value.Trust = lessOf(r.Role.Value.Trust, "media-replicator-reconcile") },
			checkReconcileTrust, Warning, "role media-replicator-eu-west-1 may not be assumed by role media-reconcile-eu-west-1"},
		{"an old comparison", with(func(r *Reconcile) { r.ProofAge = found(49 * time.Hour) }), checkProof, Warning,
			"began 49h0m0s ago; cdk.json says every 1 day"},
		{"no comparison", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{State: Absent} }), checkProof, Warning,
			"no metrics for 3 hours"},
		{"no comparison yet", with(func(r *Reconcile) {
			r.ProofAge, r.Function.Value.Deployed = Look[time.Duration]{State: Absent}, time.Hour
		}), checkProof, Note, "deployed 1h0m0s ago, and is started every 15 minutes"},
		{"no comparison, right after the deployment", with(func(r *Reconcile) { // it said "deployed 0s ago", and nothing of waiting
			r.ProofAge, r.Function.Value.Deployed = Look[time.Duration]{State: Absent}, 20*time.Second
		}), checkProof, Note, "deployed just now, and is started within 15 minutes"},
		{"no metrics", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{State: Absent, Why: noCloudWatch} }), checkProof, Note,
			noCloudWatch},
		{"a table that is going", with(func(r *Reconcile) { r.Table = found("DELETING") }), checkReconcileTable, Warning,
			"table media-reconcile is DELETING"},
		{"metrics denied", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{Why: denied} }), checkProof, Unknown, denied},
	}
}

// With ranges of keys there is a second schedule, without which nothing is compared.
func TestTheScheduleOfRangesIsLookedAt(t *testing.T) {
	set := reconcileSet()
	set.Reconcile.KeyRanges = 40
	if got := Check(healthyOf(set)); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	for _, c := range []trouble{
		{"none", func(r *Region) { r.Reconcile.RangesSchedule = Look[Schedule]{State: Absent} }, checkSchedule, Warning,
			"schedule media-reconcile-ranges"},
		{"off", func(r *Region) { r.Reconcile.RangesSchedule.Value.State = "DISABLED" }, checkSchedule, Warning,
			"media-reconcile-ranges is DISABLED"},
		{"of something else", func(r *Region) { r.Reconcile.RangesSchedule.Value.Target = "arn:y" }, checkSchedule, Warning,
			"starts arn:y, not state machine media-reconcile"},
		{"no state machine", func(r *Region) { r.Reconcile.Machine = Look[Machine]{State: Absent} }, checkMachine, Warning,
			"state machine media-reconcile does not exist"},
		{"one that is not told", func(r *Region) { r.Reconcile.Machine = Look[Machine]{Why: denied} }, checkMachine, Unknown, denied},
		{"one that is going", func(r *Region) { r.Reconcile.Machine.Value.Status = "DELETING" }, checkMachine, Warning, "is DELETING"},
		{"with another role", func(r *Region) { r.Reconcile.Machine.Value.RoleARN = "arn:x" }, checkMachine, Warning, "has role arn:x"},
		{"changed by hand", func(r *Region) {
			r.Reconcile.Machine.Value.Definition = strings.Replace(r.Reconcile.Machine.Value.Definition, `"ranges":40`, `"ranges":4`, 1)
		}, checkMachine, Warning, "is not defined as cdk.json says"},
		{"no JSON", func(r *Region) { r.Reconcile.Machine.Value.Definition = "{" }, checkMachine, Warning,
			"is not defined as cdk.json says"},
		{"that may not start its map", func(r *Region) {
			r.Reconcile.Starter.Value.Policies.Value[0] = lessOf(r.Reconcile.Starter.Value.Policies.Value[0], "states:StartExecution")
		}, checkReconcileActions, Warning, "states:StartExecution on "},
		{"that Step Functions may not run", func(r *Region) {
			r.Reconcile.Starter.Value.Trust = strings.Replace(r.Reconcile.Starter.Value.Trust, "states.", "other.", 1)
		}, checkReconcileTrust, Warning, "states.amazonaws.com"},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, set) })
	}
}

// lessOf is a policy without the statements that contain a text.
func lessOf(policy, text string) string {
	var document struct{ Statement []json.RawMessage }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		panic(err)
	}
	kept := slices.DeleteFunc(document.Statement, func(s json.RawMessage) bool { return strings.Contains(string(s), `"`+text+`"`) })
	if len(kept) == len(document.Statement) {
		panic("no statement has " + text)
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": kept})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// In a paused Region what repairs is stopped too, and that is no finding of its own.
func TestReconcileIsPausedWithItsRegion(t *testing.T) {
	facts := healthyOf(reconcileSet())
	stopped(pausedFor(time.Hour))(&facts.Regions[1])
	facts.Regions[1].Reconcile.Function.Value.Reserved = found(0)
	facts.Regions[1].Reconcile.ProofAge = Look[time.Duration]{State: Absent} // for hours
	if got := Check(facts); len(got) != 1 || got[0].Check != CheckPaused {
		t.Errorf("findings %+v, want that it is paused", got)
	}
}

// Nothing of it is looked at without reconcile.
func TestWithoutReconcileNothingIsMissing(t *testing.T) {
	if got := Check(healthyOf(reconcileSet())); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	for _, c := range reconcileTroubles() {
		facts := healthyOf(reconcileSet())
		c.change(&facts.Regions[1])
		facts.Set.Reconcile = nil
		if got := Check(facts); len(got) != 0 {
			t.Errorf("%s: findings %+v without reconcile", c.name, got)
		}
	}
}

// comparing answers about the parts of the comparison, as AWS does.
type comparing struct {
	Lambda
	IAM
	modified string
}

func (f comparing) GetFunctionConfiguration(
	context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options),
) (*lambda.GetFunctionConfigurationOutput, error) {
	logging := &lambdatypes.LoggingConfig{
		LogFormat: "JSON", ApplicationLogLevel: "WARN", SystemLogLevel: "DEBUG", LogGroup: aws.String("g"),
	}
	return &lambda.GetFunctionConfigurationOutput{LastModified: &f.modified, LoggingConfig: logging}, nil
}

func (comparing) GetFunctionConcurrency(
	context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options),
) (*lambda.GetFunctionConcurrencyOutput, error) {
	return &lambda.GetFunctionConcurrencyOutput{}, nil
}

func (comparing) GetSchedule(
	_ context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options),
) (*scheduler.GetScheduleOutput, error) {
	return &scheduler.GetScheduleOutput{State: "ENABLED", Target: &types.Target{Arn: aws.String("starts " + *in.Name)}}, nil
}

func (comparing) DescribeTable(
	context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options),
) (*dynamodb.DescribeTableOutput, error) {
	return &dynamodb.DescribeTableOutput{Table: &dynamodbtypes.TableDescription{TableStatus: "ARCHIVED"}}, nil
}

func (comparing) GetMetricData(
	context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	return &cloudwatch.GetMetricDataOutput{}, nil
}

func (comparing) DescribeStateMachine(
	_ context.Context, in *sfn.DescribeStateMachineInput, _ ...func(*sfn.Options),
) (*sfn.DescribeStateMachineOutput, error) {
	return &sfn.DescribeStateMachineOutput{Status: "ACTIVE", RoleArn: in.StateMachineArn, Definition: aws.String("{}")}, nil
}

func (comparing) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return &iam.GetRoleOutput{Role: &iamtypes.Role{RoleId: in.RoleName}}, nil
}

func (comparing) ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	return &iam.ListRolePoliciesOutput{}, nil
}

func (comparing) ListAttachedRolePolicies(
	context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options),
) (*iam.ListAttachedRolePoliciesOutput, error) {
	return &iam.ListAttachedRolePoliciesOutput{}, nil
}

// What is asked of AWS tells how long ago the function was deployed, and what both
// schedules start. A time that is none is long ago: nothing excuses silence then.
func TestTheComparisonIsGathered(t *testing.T) {
	set := reconcileSet()
	for _, ranges := range []int{0, 40} {
		set.Reconcile.KeyRanges = ranges
		for modified, deployed := range map[string]time.Duration{
			time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05.000+0000"): time.Hour,
			"": time.Since(time.Time{}),
		} {
			fake := comparing{modified: modified}
			clients := Clients{Lambda: fake, Scheduler: fake, DynamoDB: fake, CloudWatch: fake, States: fake, IAM: fake}
			g := gatherer{region: "eu-west-1", facts: &Facts{Set: set}, clients: clients}
			r := g.reconcile(t.Context())
			if got := r.Function.Value.Deployed; (got - deployed).Abs() > time.Minute {
				t.Errorf("deployed %q: %v ago, want %v", modified, got, deployed)
			}
			if want := (Logging{Format: "JSON", Level: "WARN", System: "DEBUG", Group: "g"}); r.Function.Value.Logging != want {
				t.Errorf("logging %+v, want %+v", r.Function.Value.Logging, want)
			}
			if r.Schedule.Value.Target != "starts media-reconcile" || r.Table.Value != "ARCHIVED" || r.ProofAge.State != Absent {
				t.Errorf("got %+v", r)
			}
			if r.Role.Value.ID != "media-reconcile-eu-west-1" || r.Starter.Value.ID != "media-schedule-eu-west-1" {
				t.Errorf("roles %+v, %+v", r.Role, r.Starter)
			}
			want, machine := Look[Schedule]{}, Look[Machine]{}
			if ranges > 0 {
				machine = found(Machine{Status: "ACTIVE", RoleARN: g.member().ReconcileMachineARN(), Definition: "{}"})
				want = found(Schedule{State: "ENABLED", Target: "starts media-reconcile-ranges"})
			}
			if r.Machine != machine {
				t.Errorf("%d ranges: %+v, want %+v", ranges, r.Machine, machine)
			}
			if r.RangesSchedule != want {
				t.Errorf("%d ranges: %+v, want %+v", ranges, r.RangesSchedule, want)
			}
		}
	}
}
