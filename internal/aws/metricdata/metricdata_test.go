package metricdata

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// paged is a CloudWatch that answers each query with its metric's number at noon
// and an hour later, the later one on the first page; the sandbox has no pages.
type paged struct {
	status   types.StatusCode
	requests []int // queries of each
}

func (p *paged) GetMetricData(
	_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	out := &cloudwatch.GetMetricDataOutput{}
	at, status := noon, p.status
	if in.NextToken == nil {
		p.requests = append(p.requests, len(in.MetricDataQueries))
		out.NextToken, at, status = aws.String("more"), noon.Add(time.Hour), types.StatusCodePartialData
	}
	for _, q := range in.MetricDataQueries {
		var n float64
		if _, err := fmt.Sscan(aws.ToString(q.MetricStat.Metric.MetricName), &n); err != nil {
			return nil, err
		}
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{
			Id: q.Id, StatusCode: status, Timestamps: []time.Time{at}, Values: []float64{n},
		})
	}
	return out, nil
}

func TestAskPutsPagesAndRequestsTogether(t *testing.T) {
	var queries []Query
	for i := range 1100 {
		queries = append(queries, Query{Metric: Metric{Namespace: "n", Name: fmt.Sprint(i)}, Statistic: "Sum", Period: time.Hour})
	}
	p := &paged{status: types.StatusCodeComplete}
	got, err := Ask(t.Context(), p, noon, noon.Add(2*time.Hour), queries)
	if err != nil {
		t.Fatal(err)
	}
	for i, points := range got {
		want := []Point{{noon, float64(i)}, {noon.Add(time.Hour), float64(i)}}
		if !reflect.DeepEqual(points, want) {
			t.Fatalf("query %d: %v, want %v", i, points, want)
		}
	}
	if want := []int{500, 500, 100}; !reflect.DeepEqual(p.requests, want) {
		t.Errorf("requests of %v queries, want %v", p.requests, want)
	}
}

// Where CloudWatch has failed with one metric, what it has of it is not a figure.
func TestAskRefusesWhatIsNotWhole(t *testing.T) {
	for _, status := range []types.StatusCode{types.StatusCodeInternalError, types.StatusCodeForbidden} {
		_, err := Ask(t.Context(), &paged{status: status}, noon, noon.Add(time.Hour), []Query{
			{Metric: Metric{Name: "7"}, Statistic: "Sum", Period: time.Hour},
		})
		if err == nil || !strings.Contains(err.Error(), "Sum of 7: CloudWatch answers "+string(status)) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestGreatest(t *testing.T) {
	points := []Point{{noon, 2}, {noon.Add(time.Hour), 5}, {noon.Add(2 * time.Hour), 5}}
	if got, ok := Greatest(points); !ok || got != points[1] || Sum(points) != 12 {
		t.Errorf("greatest %v, %v, sum %v", got, ok, Sum(points))
	}
	if got, ok := Greatest(nil); ok || Sum(nil) != 0 {
		t.Errorf("greatest of none: %v", got)
	}
}
