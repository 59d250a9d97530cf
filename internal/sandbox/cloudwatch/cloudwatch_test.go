package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
)

const region = "eu-west-1"

// noon is what the clock says here.
var noon = time.Date(2026, 11, 21, 12, 0, 30, 0, time.UTC)

// world is a service whose function writes to a file.
type world struct {
	*Service
	log    string
	client *awscloudwatch.Client
}

func newWorld(t *testing.T, caller iam.Caller) *world {
	t.Helper()
	w := &world{log: filepath.Join(t.TempDir(), "function.log")}
	w.Service = New(Config{
		Logs: func(r string) []string {
			if r != region {
				return nil
			}
			return []string{w.log, w.log + ".absent"}
		},
		Gauge: func(_ string, m Metric) (float64, bool) { return 7, m.Namespace == "AWS/SQS" },
		Now:   func() time.Time { return noon },
	})
	w.client = clientOf(t, w.Service, caller)
	return w
}

// clientOf sends requests to the service as caller's.
func clientOf(t *testing.T, s *Service, caller iam.Caller) *awscloudwatch.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeAPI(w, r, region, caller) }))
	t.Cleanup(server.Close)
	return awscloudwatch.New(awscloudwatch.Options{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
		}),
	})
}

func admin() iam.Caller {
	return iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", AccountID: "123456789012"}
}

func (w *world) write(t *testing.T, text string) {
	t.Helper()
	f, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// line is a document in the embedded metric format as a function writes it.
func line(at time.Time, lag string) string {
	return fmt.Sprintf(`{"time":"x","msg":"copied","ReplicaSet":"media","SourceRegion":"us-east-1","Lag":%s,"Bytes":3,`+
		`"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"s3fanout","Dimensions":[["ReplicaSet"],["ReplicaSet","SourceRegion"]],`+
		`"Metrics":[{"Name":"Lag","Unit":"Milliseconds"},{"Name":"Bytes"}]}]}}`+"\n", lag, at.UnixMilli())
}

func stat(id, namespace, name, statistic string, period int32, dimensions ...string) types.MetricDataQuery {
	m := &types.Metric{Namespace: &namespace, MetricName: &name}
	for i := 0; i < len(dimensions); i += 2 {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: m, Period: &period, Stat: &statistic}}
}

func (w *world) ask(
	ctx context.Context, start, end time.Time, queries ...types.MetricDataQuery,
) (map[string]types.MetricDataResult, error) {
	out, err := w.client.GetMetricData(ctx, &awscloudwatch.GetMetricDataInput{StartTime: &start, EndTime: &end, MetricDataQueries: queries})
	if err != nil {
		return nil, err
	}
	results := map[string]types.MetricDataResult{}
	for _, r := range out.MetricDataResults {
		results[*r.Id] = r
	}
	return results, nil
}

func TestEmbeddedMetrics(t *testing.T) {
	w := newWorld(t, admin())
	w.write(t,
		"START RequestId: 1\n"+line(noon.Add(-5*time.Minute), "100")+`{"msg":"no metric"}`+"\n"+line(noon.Add(-5*time.Minute), "[300,200]"))
	both := []string{"ReplicaSet", "media", "SourceRegion", "us-east-1"}
	ask := func() map[string]types.MetricDataResult {
		t.Helper()
		got, err := w.ask(t.Context(), noon.Add(-time.Hour), noon,
			stat("sum", "s3fanout", "Lag", "Sum", 3600, both...),
			stat("average", "s3fanout", "Lag", "Average", 3600, both...),
			stat("least", "s3fanout", "Lag", "Minimum", 3600, both...),
			stat("most", "s3fanout", "Lag", "Maximum", 3600, both...),
			stat("count", "s3fanout", "Lag", "SampleCount", 3600, both...),
			stat("p50", "s3fanout", "Lag", "p50", 3600, both...),
			stat("p99", "s3fanout", "Lag", "p99", 3600, both...),
			stat("bytes", "s3fanout", "Bytes", "Sum", 3600, "ReplicaSet", "media"),
			stat("other", "s3fanout", "Lag", "Sum", 3600, "ReplicaSet", "other"),
			stat("undimensioned", "s3fanout", "Lag", "Sum", 3600),
		)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := ask()
	for id, want := range map[string][]float64{
		"sum": {600}, "average": {200}, "least": {100}, "most": {300}, "count": {3}, "p50": {200}, "p99": {300}, "bytes": {6},
		"other": nil, "undimensioned": nil,
	} {
		if r := got[id]; !slices.Equal(r.Values, want) || r.StatusCode != types.StatusCodeComplete {
			t.Errorf("%s = %v %s, want %v", id, r.Values, r.StatusCode, want)
		}
	}
	// What is written later is read later, once, and as soon as its line is whole.
	next := line(noon.Add(-time.Minute), "400")
	w.write(t, next[:40])
	if got := ask()["sum"].Values; !slices.Equal(got, []float64{600}) {
		t.Errorf("with half a line more: %v, want 600", got)
	}
	w.write(t, next[40:])
	if got := ask()["sum"].Values; !slices.Equal(got, []float64{1000}) {
		t.Errorf("with a line more: %v, want 1000", got)
	}
}

func TestPeriods(t *testing.T) {
	w := newWorld(t, admin())
	m := Metric{Namespace: "n", Name: "m"}
	for _, d := range []Datum{
		{Metric: m, Time: noon.Add(-10 * time.Minute), Value: 1},                                         // 11:50:30
		{Metric: m, Time: noon.Add(-10*time.Minute + 20*time.Second), Value: 2, Unit: "Count"},           // 11:50:50
		{Metric: m, Time: noon.Add(-9 * time.Minute), Value: 4},                                          // 11:51:30
		{Metric: m, Time: noon.Add(-2 * time.Minute), Value: 8},                                          // 11:58:30
		{Metric: m, Time: noon.Add(-2*time.Minute + 5*time.Second), Value: 16, HighResolution: true},     // 11:58:35
		{Metric: m, Time: noon.Add(time.Minute), Value: 1000},                                            // after the end
		{Metric: Metric{Namespace: "n", Name: "m2"}, Time: noon.Add(-2 * time.Minute), Value: 1_000_000}, // another metric
	} {
		w.Put(region, d)
	}
	w.Put("us-east-1", Datum{Metric: m, Time: noon.Add(-2 * time.Minute), Value: 1_000_000})
	at := func(minute, second int) time.Time { return time.Date(2026, 11, 21, 11, minute, second, 0, time.UTC) }
	for _, c := range []struct {
		name   string
		start  time.Time
		period int32
		unit   types.StandardUnit
		times  []time.Time
		values []float64
	}{
		{"minutes, from within one", at(50, 45), 60, "", []time.Time{at(58, 0), at(51, 0), at(50, 0)}, []float64{24, 4, 3}},
		{"five minutes from the start on", at(50, 0), 300, "", []time.Time{at(55, 0), at(50, 0)}, []float64{24, 7}},
		{"seconds", at(58, 0), 5, "", []time.Time{at(58, 35), at(58, 0)}, []float64{16, 8}},
		{"one unit", at(50, 0), 60, types.StandardUnitCount, []time.Time{at(50, 0)}, []float64{2}},
		{"nothing", at(59, 0), 60, "", nil, nil},
	} {
		q := stat("q", "n", "m", "Sum", c.period)
		q.MetricStat.Unit = c.unit
		got, err := w.ask(t.Context(), c.start, noon, q)
		if err != nil {
			t.Fatal(err)
		}
		if r := got["q"]; !slices.EqualFunc(r.Timestamps, c.times, time.Time.Equal) || !slices.Equal(r.Values, c.values) {
			t.Errorf("%s: %v %v, want %v %v", c.name, r.Timestamps, r.Values, c.times, c.values)
		}
	}
	q := stat("q", "n", "m", "Sum", 60)
	start := at(50, 0)
	out, err := w.client.GetMetricData(t.Context(), &awscloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: &noon, ScanBy: types.ScanByTimestampAscending, MetricDataQueries: []types.MetricDataQuery{q},
	})
	if err != nil || !slices.Equal(out.MetricDataResults[0].Values, []float64{3, 4, 24}) || *out.MetricDataResults[0].Label != "m" {
		t.Errorf("ascending: %+v, %v; want 3, 4, 24", out, err)
	}
}

func TestGauge(t *testing.T) {
	w := newWorld(t, admin())
	got, err := w.ask(t.Context(), noon.Add(-time.Hour), noon, stat("depth", "AWS/SQS", "Depth", "Maximum", 300))
	if err != nil || !slices.Equal(got["depth"].Values, []float64{7}) {
		t.Errorf("now: %+v, %v; want 7", got, err)
	}
	got, err = w.ask(t.Context(), noon.Add(-2*time.Hour), noon.Add(-time.Hour), stat("depth", "AWS/SQS", "Depth", "Maximum", 300))
	if err != nil || len(got["depth"].Values) != 0 {
		t.Errorf("an hour ago: %+v, %v; want nothing", got, err)
	}
}

func TestOldestValuesAreForgotten(t *testing.T) {
	w := newWorld(t, admin())
	m := Metric{Namespace: "n", Name: "m"}
	for i := range maxValues + 3 {
		w.Put(region, Datum{Metric: m, Time: noon.Add(-time.Hour), Value: float64(i)})
	}
	got, err := w.ask(t.Context(), noon.Add(-2*time.Hour), noon, stat("least", "n", "m", "Minimum", 60),
		stat("count", "n", "m", "SampleCount", 60))
	if err != nil || got["least"].Values[0] != 3 || got["count"].Values[0] != maxValues {
		t.Errorf("got %+v, %v; want %d values from 3 on", got, err, maxValues)
	}
}

func TestParseEmbedded(t *testing.T) {
	at := fmt.Sprint(noon.UnixMilli())
	document := func(members, dimensions, metrics string) string {
		return `{` + members + `,"_aws":{"Timestamp":` + at + `,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":` + dimensions +
			`,"Metrics":` + metrics + `}]}}`
	}
	for _, c := range []struct {
		name, line string
		want       int    // values
		says       string // of the error
	}{
		{"no JSON", `panic: "_aws"`, 0, ""},
		{"another log line", `{"msg":"hello"}`, 0, ""},
		{"logs alone", `{"_aws":{"Timestamp":` + at + `}}`, 0, ""},
		{"without dimensions", document(`"m":1`, `[[]]`, `[{"Name":"m"}]`), 1, ""},
		{"several values", document(`"m":[1,2,3]`, `[[]]`, `[{"Name":"m"}]`), 3, ""},
		{"no dimension set", document(`"m":1`, `[]`, `[{"Name":"m"}]`), 0, "[[]]"},
		{"a dimension that is not there", document(`"m":1`, `[["d"]]`, `[{"Name":"m"}]`), 0, `dimension "d"`},
		{"a dimension that is a number", document(`"m":1,"d":2`, `[["d"]]`, `[{"Name":"m"}]`), 0, `dimension "d"`},
		{"a metric that is not there", document(`"x":1`, `[[]]`, `[{"Name":"m"}]`), 0, `metric "m"`},
		{"a metric that is null", document(`"m":null`, `[[]]`, `[{"Name":"m"}]`), 0, `metric "m"`},
		{"a metric that is a text", document(`"m":"1"`, `[[]]`, `[{"Name":"m"}]`), 0, `metric "m"`},
		{"too many values", document(`"m":[0`+strings.Repeat(",1", 100)+`]`, `[[]]`, `[{"Name":"m"}]`), 0, "100"},
		{"no namespace", `{"m":1,"_aws":{"Timestamp":` + at + `,"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"m"}]}]}}`, 0,
			"Namespace"},
		{"no time", `{"m":1,"_aws":{"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"m"}]}]}}`, 0, "Timestamp"},
		{"a time in seconds",
			`{"m":1,"_aws":{"Timestamp":1795000000,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"m"}]}]}}`, 0,
			"two weeks"},
	} {
		got, err := parseEmbedded([]byte(c.line), noon)
		if len(got) != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v; want %d values, an error that says %q", c.name, got, err, c.want, c.says)
		}
	}
}

func TestPercentiles(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for name, want := range map[string]float64{
		"p0": 1, "p1": 1, "p50": 50, "p99": 99, "p99.9": 100, "p100": 100, "Sum": 5050, "Average": 50.5,
	} {
		s, err := parseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.of(slices.Clone(hundred)); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{
		"", "sum", "p101", "p-1", "tm99", "p", "PR", "PR()", "PR(:)", "PR(300)", "PR(:-1)", "PR(2:1)", "PR(1:1)", "PR(10%:90%)",
		"pr(:1)", "PR(:1) ",
	} {
		if _, err := parseStatistic(name); err == nil {
			t.Errorf("the statistic %q is taken", name)
		}
	}
}

func TestRequestsAreRefused(t *testing.T) {
	w := newWorld(t, admin())
	nobody := newWorld(t, iam.Caller{
		ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: "123456789012", Role: &iam.Role{Name: "r"},
	})
	good := stat("q", "n", "m", "Sum", 60)
	change := func(f func(*types.MetricDataQuery)) types.MetricDataQuery {
		q := stat("q", "n", "m", "Sum", 60)
		f(&q)
		return q
	}
	for _, c := range []struct {
		name       string
		world      *world
		start      time.Time
		queries    []types.MetricDataQuery
		code, says string
	}{
		{"not permitted", nobody, noon.Add(-time.Hour), []types.MetricDataQuery{good}, "AccessDenied", "cloudwatch:GetMetricData"},
		{"an expression", w, noon.Add(-time.Hour), []types.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("a/b")}},
			"ValidationError", "MetricStat"},
		{"no time between", w, noon, []types.MetricDataQuery{good}, "ValidationError", "StartTime"},
		{"an odd period", w, noon.Add(-time.Hour), []types.MetricDataQuery{stat("q", "n", "m", "Sum", 61)}, "ValidationError", "Period"},
		{"a statistic that is not there", w, noon.Add(-time.Hour), []types.MetricDataQuery{stat("q", "n", "m", "IQM", 60)},
			"ValidationError", "IQM"},
		{"an id in capitals", w, noon.Add(-time.Hour), []types.MetricDataQuery{stat("Q", "n", "m", "Sum", 60)}, "ValidationError", `"Q"`},
		{"one id twice", w, noon.Add(-time.Hour), []types.MetricDataQuery{good, good}, "ValidationError", "unique"},
		{"another account's", w, noon.Add(-time.Hour),
			[]types.MetricDataQuery{change(func(q *types.MetricDataQuery) { q.AccountId = aws.String("1") })}, "ValidationError",
			"AccountId"},
	} {
		_, err := c.world.ask(t.Context(), c.start, noon, c.queries...)
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode() != c.code || !strings.Contains(e.ErrorMessage(), c.says) {
			t.Errorf("%s: %v; want %s that says %q", c.name, err, c.code, c.says)
		}
	}
	_, err := w.client.ListMetrics(t.Context(), nil)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "InvalidAction" {
		t.Errorf("ListMetrics: %v, want InvalidAction", err)
	}
}
