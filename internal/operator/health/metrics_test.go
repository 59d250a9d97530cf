package health

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// recorded is a CloudWatch with values for some of the queries, in two pages.
type recorded struct {
	values map[string][]float64 // by "NAMESPACE METRIC STATISTIC dimension=value …"
	err    error
	asked  map[string]bool
}

func (r *recorded) GetMetricData(
	_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	if r.err != nil {
		return nil, r.err
	}
	out := &cloudwatch.GetMetricDataOutput{}
	second := in.NextToken != nil
	if !second {
		out.NextToken = aws.String("more")
	}
	for i, q := range in.MetricDataQueries {
		m := q.MetricStat
		name := []string{aws.ToString(m.Metric.Namespace), aws.ToString(m.Metric.MetricName), aws.ToString(m.Stat)}
		for _, d := range m.Metric.Dimensions {
			name = append(name, aws.ToString(d.Name)+"="+aws.ToString(d.Value))
		}
		key := strings.Join(name, " ")
		r.asked[key] = true
		if (i%2 == 1) == second {
			out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: q.Id, Values: r.values[key]})
		}
	}
	return out, nil
}

func TestMeasure(t *testing.T) {
	lag := func(statistic, source, target string) string {
		return "s3fanout ReplicationLag " + statistic + " ReplicaSet=media SourceRegion=" + source + " TargetRegion=" + target
	}
	busy := &recorded{asked: map[string]bool{}, values: map[string][]float64{
		"AWS/Lambda Errors Sum FunctionName=media-replicator":                        {1, 2}, // an hour cut in two
		"AWS/Lambda Throttles Sum FunctionName=media-replicator":                     {0},
		"AWS/SQS ApproximateAgeOfOldestMessage Maximum QueueName=media-dead-letters": {90, 30},
		"s3fanout Diverged Sum ReplicaSet=media TargetRegion=us-east-1":              {3},
		lag("p50", "eu-west-1", "us-east-1"):                                         {1200},
		lag("p99", "eu-west-1", "us-east-1"):                                         {3400},
		lag("Maximum", "eu-west-1", "us-east-1"):                                     {5600, 5700},
	}}
	idle := &recorded{asked: map[string]bool{}}
	set := testSet()
	got, err := Measure(t.Context(), Options{Set: set, Clients: map[string]Clients{
		"us-east-1": {CloudWatch: busy}, "eu-west-1": {CloudWatch: idle},
		"ap-northeast-1": {CloudWatch: &recorded{err: code("AccessDenied")}},
	}}, set.Regions, time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	three, zero, age := 3.0, 0.0, 90*time.Second
	want := Figures{Errors: &three, Throttles: &zero, Diverged: &three, Oldest: &age, Lag: []Lag{
		{Source: "eu-west-1", P50: 1200 * time.Millisecond, P99: 3400 * time.Millisecond, Max: 5700 * time.Millisecond},
	}}
	if !reflect.DeepEqual(got["us-east-1"], want) {
		t.Errorf("got %+v, want %+v", got["us-east-1"], want)
	}
	if len(busy.asked) != 4+3*2 {
		t.Errorf("asked for %d metrics, want 10: %v", len(busy.asked), busy.asked)
	}
	// No data is no zero.
	if !reflect.DeepEqual(got["eu-west-1"], Figures{}) {
		t.Errorf("got %+v of a CloudWatch without data", got["eu-west-1"])
	}
	if why := got["ap-northeast-1"].Why; !strings.Contains(why, "denied") {
		t.Errorf("why is %q, want that it is denied", why)
	}
}

func TestEndpointWithoutCloudWatch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<Error><Code>NotImplemented</Code></Error>", http.StatusNotImplemented)
	}))
	t.Cleanup(server.Close)
	client := cloudwatch.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
	set := testSet()
	got, err := Measure(t.Context(), Options{Set: set, Clients: map[string]Clients{"us-east-1": {CloudWatch: client}}},
		[]string{"us-east-1"}, time.Now())
	if err != nil || got["us-east-1"].Why != "the endpoint has no CloudWatch" {
		t.Errorf("got %+v, %v", got, err)
	}
}
