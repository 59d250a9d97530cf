package health

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

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
		{"no function that compares", with(func(r *Reconcile) { r.Function = Look[Reconciler]{State: Absent} }), checkReconciler, Warning, "function media-reconcile"},
		{"a failed one", with(func(r *Reconcile) { r.Function.Value.State = "Failed" }), checkReconciler, Warning, "is Failed"},
		{"one with another role", with(func(r *Reconcile) { r.Function.Value.RoleARN = "arn:x" }), checkReconciler, Warning, "has role arn:x"},
		{"a stopped one", with(func(r *Reconcile) { r.Function.Value.Reserved = found(0) }), checkReconciler, Warning, "reserved concurrency is 0"},
		{"compared at another time", with(func(r *Reconcile) { r.Function.Value.Environment["S3FANOUT_RECONCILE_EVERY"] = "6h0m0s" }),
			checkReconciler, Warning, "S3FANOUT_RECONCILE_EVERY"},
		{"no table", with(func(r *Reconcile) { r.Table = Look[string]{State: Absent} }), checkReconcileTable, Warning, "table media-reconcile"},
		{"no schedule", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{State: Absent} }), checkSchedule, Warning, "schedule media-reconcile"},
		{"a schedule switched off", with(func(r *Reconcile) { r.Schedule.Value.State = "DISABLED" }), checkSchedule, Warning, "is DISABLED"},
		{"a schedule of something else", with(func(r *Reconcile) { r.Schedule.Value.Target = "arn:y" }), checkSchedule, Warning, "starts arn:y"},
		{"schedule denied", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{Why: denied} }), checkSchedule, Unknown, denied},
		{"an old comparison", with(func(r *Reconcile) { r.ProofAge = found(49 * time.Hour) }), checkProof, Warning, "began 49h0m0s ago; it is to be every 1 day"},
		{"no comparison", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{State: Absent} }), checkProof, Warning, "nothing for 3 hours"},
		{"no comparison yet", with(func(r *Reconcile) {
			r.ProofAge, r.Function.Value.Deployed = Look[time.Duration]{State: Absent}, time.Hour
		}), checkProof, Note, "deployed 1h0m0s ago"},
		{"no metrics", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{State: Absent, Why: noCloudWatch} }), checkProof, Note, noCloudWatch},
		{"a table that is going", with(func(r *Reconcile) { r.Table = found("DELETING") }), checkReconcileTable, Warning, "table media-reconcile is DELETING"},
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
		{"none", func(r *Region) { r.Reconcile.RangesSchedule = Look[Schedule]{State: Absent} }, checkSchedule, Warning, "schedule media-reconcile-ranges"},
		{"off", func(r *Region) { r.Reconcile.RangesSchedule.Value.State = "DISABLED" }, checkSchedule, Warning, "media-reconcile-ranges is DISABLED"},
		{"of something else", func(r *Region) { r.Reconcile.RangesSchedule.Value.Target = "arn:y" }, checkSchedule, Warning,
			"starts arn:y, not state machine media-reconcile"},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, set) })
	}
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
	modified string
}

func (f comparing) GetFunctionConfiguration(
	context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options),
) (*lambda.GetFunctionConfigurationOutput, error) {
	return &lambda.GetFunctionConfigurationOutput{LastModified: &f.modified}, nil
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
			clients := Clients{Lambda: fake, Scheduler: fake, DynamoDB: fake, CloudWatch: fake}
			g := gatherer{region: "eu-west-1", facts: &Facts{Set: set}, clients: clients}
			r := g.reconcile(t.Context())
			if got := r.Function.Value.Deployed; (got - deployed).Abs() > time.Minute {
				t.Errorf("deployed %q: %v ago, want %v", modified, got, deployed)
			}
			if r.Schedule.Value.Target != "starts media-reconcile" || r.Table.Value != "ARCHIVED" || r.ProofAge.State != Absent {
				t.Errorf("got %+v", r)
			}
			want := Look[Schedule]{}
			if ranges > 0 {
				want = found(Schedule{State: "ENABLED", Target: "starts media-reconcile-ranges"})
			}
			if r.RangesSchedule != want {
				t.Errorf("%d ranges: %+v, want %+v", ranges, r.RangesSchedule, want)
			}
		}
	}
}
