package health

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"s3fanout/internal/replicaset"
)

// proofWindow is how far back the age of the last comparison is looked for. There is
// a figure every quarter of an hour.
const proofWindow = 3 * time.Hour

// lambdaTime is how Lambda writes when a function was changed.
const lambdaTime = "2006-01-02T15:04:05.000-0700"

// reconcile looks at the parts of the comparison at once.
func (g gatherer) reconcile(ctx context.Context) (r Reconcile) {
	name := g.facts.Set.ReconcilerName()
	var wait sync.WaitGroup
	wait.Go(func() { r.Function = g.reconciler(ctx, name) })
	wait.Go(func() { r.Schedule = g.schedule(ctx, name) })
	if g.facts.Set.Reconcile.KeyRanges > 0 {
		wait.Go(func() { r.RangesSchedule = g.schedule(ctx, g.facts.Set.RangesScheduleName()) })
		wait.Go(func() { r.Machine = g.machine(ctx, name) })
	}
	wait.Go(func() {
		out, err := g.clients.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			r.Table = failed[string](g.region, "table "+name, err)
			return
		}
		r.Table = found(string(out.Table.TableStatus))
	})
	wait.Go(func() { r.Role = g.role(ctx, g.member().ReconcileRoleName()) })
	wait.Go(func() { r.Starter = g.role(ctx, g.member().ScheduleRoleName()) })
	wait.Go(func() { r.ProofAge = proofAge(ctx, g.clients.CloudWatch, g.facts.Set, g.region, time.Now()) })
	wait.Wait()
	return r
}

func (g gatherer) machine(ctx context.Context, name string) Look[Machine] {
	out, err := g.clients.States.DescribeStateMachine(
		ctx,
		&sfn.DescribeStateMachineInput{StateMachineArn: aws.String(g.member().ReconcileMachineARN())},
	)
	if err != nil {
		return failed[Machine](g.region, "state machine "+name, err)
	}
	return found(Machine{Status: string(out.Status), RoleARN: aws.ToString(out.RoleArn), Definition: aws.ToString(out.Definition)})
}

func (g gatherer) schedule(ctx context.Context, name string) Look[Schedule] {
	out, err := g.clients.Scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name})
	if err != nil {
		return failed[Schedule](g.region, "schedule "+name, err)
	}
	s := Schedule{State: string(out.State)}
	if out.Target != nil {
		s.Target = aws.ToString(out.Target.Arn)
	}
	return found(s)
}

func (g gatherer) reconciler(ctx context.Context, name string) Look[Reconciler] {
	what := "function " + name
	out, err := g.clients.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return failed[Reconciler](g.region, what, err)
	}
	f := Reconciler{
		State: string(out.State), RoleARN: aws.ToString(out.Role), Logging: newLogging(out.LoggingConfig),
		Reserved: g.reserved(ctx, name, what),
	}
	// A time that is not understood is long ago.
	modified, _ := time.Parse(lambdaTime, aws.ToString(out.LastModified))
	f.Deployed = time.Since(modified)
	if out.Environment != nil {
		f.Environment = out.Environment.Variables
	}
	return found(f)
}

// proofAge asks CloudWatch for the newest age of the last comparison that the
// Region's function has published.
func proofAge(ctx context.Context, client CloudWatch, set replicaset.Config, region string, now time.Time) Look[time.Duration] {
	q := queries{}
	q.add("proof", "s3fanout", "ProofAge", "Maximum", 300, [2]string{"ReplicaSet", set.Name}, [2]string{"TargetRegion", region})
	out, err := client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: q.list, StartTime: aws.Time(now.Add(-proofWindow)), EndTime: aws.Time(now),
		ScanBy: types.ScanByTimestampDescending,
	})
	switch {
	case err != nil && whyNoMetrics(region, err) == noCloudWatch:
		return Look[time.Duration]{State: Absent, Why: noCloudWatch}
	case err != nil:
		return failed[time.Duration](region, "CloudWatch", err)
	}
	for _, r := range out.MetricDataResults {
		if len(r.Values) > 0 {
			return found(time.Duration(r.Values[0] * float64(time.Second)))
		}
	}
	return Look[time.Duration]{State: Absent}
}
