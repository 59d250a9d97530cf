// Package metricdata asks CloudWatch for figures. It reads only, guesses
// nothing, and knows no metric by name: no data is no points, and never zero.
package metricdata

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/aws/awsapi"
)

// Client is what is asked of CloudWatch in one Region.
type Client interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// A request that nobody answers ends after about twenty seconds.
const (
	askTime  = 10 * time.Second
	attempts = 2
)

// NewClients makes the client of each Region from the SDK's configuration.
func NewClients(config aws.Config, regions []string) map[string]Client {
	clients := make(map[string]Client, len(regions))
	for region, c := range NewCloudWatch(config, regions) {
		clients[region] = c
	}
	return clients
}

// NewCloudWatch makes the SDK's client of each Region, which gives up soon.
func NewCloudWatch(config aws.Config, regions []string) map[string]*cloudwatch.Client {
	http := awsapi.HTTPClient(config, askTime, 1)
	clients := make(map[string]*cloudwatch.Client, len(regions))
	for _, region := range regions {
		regional := config.Copy()
		regional.Region, regional.HTTPClient = region, http
		if regional.RetryMaxAttempts == 0 || regional.RetryMaxAttempts > attempts {
			regional.RetryMaxAttempts = attempts
		}
		clients[region] = cloudwatch.NewFromConfig(regional)
	}
	return clients
}

// Metric identifies a metric.
type Metric struct {
	Namespace, Name string
	Dimensions      [][2]string // names and values
}

// Query is a statistic of a metric, such as Sum, p99 or PR(:60000)
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
// CloudWatch charges for each.
type Query struct {
	Metric    Metric
	Statistic string
	// Period of each point, in whole minutes; CloudWatch returns nothing from more
	// than 15 days ago unless it is a multiple of 5 minutes, and from more than 63
	// days ago unless it is one of an hour.
	Period time.Duration
}

// Point is a statistic over the period that begins at Time.
type Point struct {
	Time  time.Time
	Value float64
}

// Retention is for how long CloudWatch keeps data
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html).
const Retention = 455 * 24 * time.Hour

// mostQueries is how many one request takes.
const mostQueries = 500

// Ask returns the points of each query from start on and before end, the
// earliest first, in the order of the queries.
func Ask(ctx context.Context, client Client, start, end time.Time, queries []Query) ([][]Point, error) {
	series := make([][]Point, len(queries))
	for first := 0; first < len(queries); first += mostQueries {
		some := queries[first:min(first+mostQueries, len(queries))]
		if err := ask(ctx, client, start, end, some, series[first:]); err != nil {
			return nil, err
		}
	}
	for _, points := range series {
		slices.SortFunc(points, func(a, b Point) int { return a.Time.Compare(b.Time) })
	}
	return series, nil
}

func ask(ctx context.Context, client Client, start, end time.Time, queries []Query, into [][]Point) error {
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(start), EndTime: aws.Time(end)}
	for i, q := range queries {
		in.MetricDataQueries = append(in.MetricDataQueries, q.asked(queryID(i)))
	}
	pages := cloudwatch.NewGetMetricDataPaginator(client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.MetricDataResults {
			i, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(r.Id), idPrefix))
			if err != nil || i < 0 || i >= len(queries) || len(r.Timestamps) != len(r.Values) {
				return fmt.Errorf("CloudWatch answers what was not asked: %q", aws.ToString(r.Id))
			}
			switch r.StatusCode {
			case types.StatusCodeForbidden, types.StatusCodeInternalError:
				return fmt.Errorf("%s of %s: CloudWatch answers %s; try again", queries[i].Statistic, queries[i].Metric.Name, r.StatusCode)
			case types.StatusCodeComplete, types.StatusCodePartialData: // the rest is on the next page
			}
			for j, at := range r.Timestamps {
				into[i] = append(into[i], Point{at.UTC(), r.Values[j]})
			}
		}
	}
	return nil
}

const idPrefix = "q"

func queryID(i int) string { return idPrefix + strconv.Itoa(i) }

func (q Query) asked(id string) types.MetricDataQuery {
	var dimensions []types.Dimension
	for _, d := range q.Metric.Dimensions {
		dimensions = append(dimensions, types.Dimension{Name: aws.String(d[0]), Value: aws.String(d[1])})
	}
	return types.MetricDataQuery{
		Id: aws.String(id),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String(q.Metric.Namespace), MetricName: aws.String(q.Metric.Name), Dimensions: dimensions},
			Period: aws.Int32(int32(q.Period.Seconds())), Stat: aws.String(q.Statistic),
		},
	}
}

// Sum adds the points' values up.
func Sum(points []Point) float64 {
	total := 0.0
	for _, p := range points {
		total += p.Value
	}
	return total
}

// Greatest is the point with the greatest value, the earliest of equal ones;
// false for none.
func Greatest(points []Point) (Point, bool) {
	if len(points) == 0 {
		return Point{}, false
	}
	worst := points[0]
	for _, p := range points[1:] {
		if p.Value > worst.Value {
			worst = p
		}
	}
	return worst, true
}
