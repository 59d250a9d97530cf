package health

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/aws/errorcode"
)

// Window is the time that Measure looks back.
const Window = time.Hour

// Figures are what a Region's CloudWatch knows of the last hour. A nil value
// means that it has no data, which is not the same as zero.
type Figures struct {
	// Why says why there are none at all; empty if CloudWatch answered.
	Why       string
	Errors    *float64 // of the function
	Throttles *float64
	// Diverged are the writes that were not copied to this Region, because the
	// key was there with other contents.
	Diverged *float64
	// Oldest is the age of the oldest dead letter, at most minutes ago.
	Oldest *time.Duration
	// Followed is nil if the set follows no changes.
	Followed *Followed
	// Proof is how old the last complete comparison with the other Regions is, if the
	// set has reconcile.
	Proof *time.Duration
	Lag   []Lag // replicas written in this Region, by their source; none without data
}

// Lag is how long replicas from one Region took, from the event's time to the copy's end.
type Lag struct {
	Source        string
	P50, P99, Max time.Duration
}

// Measure asks the CloudWatch of each of the Regions for the last hour, at
// once. It fails only if ctx ends; what a Region does not tell is in its
// figures. now is the end of the hour. Of the options it needs Set and Clients.
func Measure(ctx context.Context, o Options, regions []string, now time.Time) (map[string]Figures, error) {
	all := make([]Figures, len(regions))
	var wait sync.WaitGroup
	for i, region := range regions {
		wait.Go(func() {
			plan := planQueries(o.Set.Name, o.Set.FunctionName(), o.Set.QueueName(), region, o.Set.Others(region))
			plan.addFollowed(o.Set.Name, region, int32(Window/time.Second), o.Set.FollowAny())
			values, err := plan.ask(ctx, o.Clients[region].CloudWatch, now)
			if err != nil {
				all[i] = Figures{Why: whyNoMetrics(region, err)}
				return
			}
			all[i] = plan.figures(values)
			if o.Set.Reconcile == nil {
				return
			}
			if age := proofAge(ctx, o.Clients[region].CloudWatch, o.Set, region, now); age.State == Found {
				all[i].Proof = &age.Value
			}
		})
	}
	wait.Wait()
	byRegion := make(map[string]Figures, len(regions))
	for i, region := range regions {
		byRegion[region] = all[i]
	}
	return byRegion, ctx.Err()
}

const noCloudWatch = "the endpoint has no CloudWatch"

// whyNoMetrics tells a server without CloudWatch from other trouble.
func whyNoMetrics(region string, err error) string {
	unknown := slices.Contains([]string{"NotImplemented", "UnknownOperationException", "InvalidAction"}, errorcode.Of(err))
	// Who does not know CloudWatch need not know the form of its answers.
	if unknown || slices.Contains([]int{http.StatusNotFound, http.StatusNotImplemented}, errorcode.Status(err)) {
		return noCloudWatch
	}
	return failed[int](region, "CloudWatch", err).Why
}

// queries is what one Region is asked for.
type queries struct {
	others   []string
	followed []string // metrics of what is followed; nil if nothing is
	list     []types.MetricDataQuery
}

// The statistics of the lag, in the order of their queries.
func lagStatistics() []string { return []string{"p50", "p99", "Maximum"} }

func planQueries(set, function, queue, region string, others []string) queries {
	q := queries{others: others}
	const window = int32(Window / time.Second)
	q.add("errors", "AWS/Lambda", "Errors", "Sum", window, [2]string{"FunctionName", function})
	q.add("throttles", "AWS/Lambda", "Throttles", "Sum", window, [2]string{"FunctionName", function})
	q.add("oldest", "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", 60, [2]string{"QueueName", queue})
	q.add("diverged", "s3fanout", "Diverged", "Sum", window, [2]string{"ReplicaSet", set}, [2]string{"TargetRegion", region})
	for i, source := range others {
		for j, statistic := range lagStatistics() {
			q.add(lagID(i, j), "s3fanout", "ReplicationLag", statistic, window,
				[2]string{"ReplicaSet", set}, [2]string{"SourceRegion", source}, [2]string{"TargetRegion", region})
		}
	}
	return q
}

func lagID(source, statistic int) string { return fmt.Sprintf("lag%d_%d", source, statistic) }

func (q *queries) add(id, namespace, metric, statistic string, period int32, dimensions ...[2]string) {
	var list []types.Dimension
	for _, d := range dimensions {
		list = append(list, types.Dimension{Name: aws.String(d[0]), Value: aws.String(d[1])})
	}
	q.list = append(q.list, types.MetricDataQuery{
		Id: aws.String(id),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String(namespace), MetricName: aws.String(metric), Dimensions: list},
			Period: aws.Int32(period), Stat: aws.String(statistic),
		},
	})
}

// ask returns the values of each query, the newest first. One request takes
// 500 queries; 20 Regions make 61.
func (q queries) ask(ctx context.Context, client CloudWatch, now time.Time) (map[string][]float64, error) {
	values := map[string][]float64{}
	pages := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: q.list,
		StartTime:         aws.Time(now.Add(-Window)), EndTime: aws.Time(now),
		ScanBy: types.ScanByTimestampDescending,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.MetricDataResults {
			values[aws.ToString(r.Id)] = append(values[aws.ToString(r.Id)], r.Values...)
		}
	}
	return values, nil
}

// figures reads the answers. CloudWatch may cut the hour into two periods:
// sums are added, and of the others the greater one is taken.
func (q queries) figures(values map[string][]float64) Figures {
	f := Figures{
		Errors: total(values["errors"]), Throttles: total(values["throttles"]), Diverged: total(values["diverged"]),
		Followed: q.followedFigures(values),
	}
	if v := values["oldest"]; len(v) > 0 {
		age := time.Duration(v[0] * float64(time.Second))
		f.Oldest = &age
	}
	for i, source := range q.others {
		l := Lag{Source: source}
		data := false
		for j, to := range []*time.Duration{&l.P50, &l.P99, &l.Max} {
			if v := values[lagID(i, j)]; len(v) > 0 {
				*to = time.Duration(slices.Max(v) * float64(time.Millisecond))
				data = true
			}
		}
		if data {
			f.Lag = append(f.Lag, l)
		}
	}
	return f
}

func total(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return &sum
}
