package report

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/cloudwatch"
	"s3fanout/internal/sandbox/iam"
)

// now is when the reports are made, unless a test says otherwise.
var now = time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)

var set = replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}

// world is a CloudWatch whose figures the test writes.
type world struct {
	*cloudwatch.Service
	t       *testing.T
	clients map[string]metricdata.Client
}

func newWorld(t *testing.T, now time.Time) *world {
	t.Helper()
	w := &world{
		t: t, Service: cloudwatch.New(cloudwatch.Config{Now: func() time.Time { return now }}), clients: map[string]metricdata.Client{},
	}
	admin := iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", AccountID: "123456789012"}
	for _, region := range set.Regions {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeAPI(rw, r, region, admin) }))
		t.Cleanup(server.Close)
		w.clients[region] = awscloudwatch.NewFromConfig(aws.Config{
			Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		})
	}
	return w
}

func (w *world) put(region, namespace, name string, at time.Time, value float64, dimensions ...string) {
	m := cloudwatch.Metric{Namespace: namespace, Name: name, Dimensions: map[string]string{}}
	for i := 0; i < len(dimensions); i += 2 {
		m.Dimensions[dimensions[i]] = dimensions[i+1]
	}
	w.Put(region, cloudwatch.Datum{Metric: m, Time: at, Value: value})
}

// arrive writes what the function of target writes of a replica.
func (w *world) arrive(source, target string, at time.Time, lag time.Duration) {
	w.put(target, "s3fanout", "ReplicationLag", at, float64(lag.Milliseconds()), "ReplicaSet", "media", "SourceRegion", source,
		"TargetRegion", target)
}

func (w *world) make(month string, threshold time.Duration, now time.Time) Report {
	w.t.Helper()
	m, err := ParseMonth(month)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := Make(w.t.Context(), Options{Set: set, Month: m, Threshold: threshold, Now: now, Clients: w.clients})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, region := range r.Regions {
		if region.Err != nil {
			w.t.Fatal(region.Err)
		}
	}
	return r
}

func (r Report) pair(source, target string) Arrivals {
	for _, p := range r.Pairs {
		if p.Source == source && p.Target == target {
			return p.Arrivals
		}
	}
	return Arrivals{}
}

// The report's numbers are those that are counted one by one from what the
// functions wrote, whatever the hours and however near the limits.
func TestNumbersAreThoseOfEachReplica(t *testing.T) {
	w := newWorld(t, now)
	random := rand.New(rand.NewPCG(16, 2))
	begin, end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), now
	threshold := 10 * time.Minute
	want := map[[2]string]*Arrivals{}
	lags := []time.Duration{0, time.Millisecond, time.Minute - time.Millisecond, time.Minute, time.Minute + time.Millisecond, threshold,
		threshold + time.Millisecond,
		15 * time.Minute, 15*time.Minute + time.Millisecond, time.Hour, time.Hour + time.Millisecond, 13 * 24 * time.Hour}
	for range 3000 {
		source := set.Regions[random.IntN(2)] // nothing from the third
		target := set.Others(source)[random.IntN(2)]
		at := begin.Add(time.Duration(random.Int64N(int64(end.Sub(begin)))))
		lag := lags[random.IntN(len(lags))]
		if random.IntN(2) == 0 {
			lag = time.Duration(random.Int64N(int64(2*time.Hour))) / time.Millisecond * time.Millisecond
		}
		w.arrive(source, target, at, lag)
		a := want[[2]string{source, target}]
		if a == nil {
			a = &Arrivals{Within: make([]int64, 3)}
			want[[2]string{source, target}] = a
		}
		a.Arrived++
		for i, limit := range Limits() {
			if lag <= limit {
				a.Within[i]++
			}
		}
		if lag > threshold {
			a.Late++
		}
		if hour := at.Truncate(time.Hour); lag > a.Worst || lag == a.Worst && hour.Before(a.WorstAt) {
			a.Worst, a.WorstAt = lag, hour
		}
	}
	r := w.make("2026-11", threshold, now)
	if len(r.Pairs) != 6 {
		t.Fatalf("%d pairs, want 6", len(r.Pairs))
	}
	for _, p := range r.Pairs {
		expected := Arrivals{Within: make([]int64, 3)}
		if a := want[[2]string{p.Source, p.Target}]; a != nil {
			expected = *a
		}
		if !reflect.DeepEqual(p.Arrivals, expected) {
			t.Errorf("%s to %s:\ngot  %+v\nwant %+v", p.Source, p.Target, p.Arrivals, expected)
		}
	}
}

// What is just outside a month is another one's, by UTC, also where the machine
// is elsewhere.
func TestMonthsAreOfUTC(t *testing.T) {
	w := newWorld(t, now)
	for _, at := range []time.Time{
		time.Date(2026, 9, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 31, 23, 59, 59, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	} {
		w.arrive("us-east-1", "eu-west-1", at, time.Second)
	}
	west := time.FixedZone("UTC-10", -10*60*60)
	for month, want := range map[string]int64{"2026-09": 1, "2026-10": 2, "2026-11": 1, "2026-08": 0} {
		r := w.make(month, 15*time.Minute, now.In(west))
		if a := r.pair("us-east-1", "eu-west-1"); a.Arrived != want || a.Within[0] != want || a.Late != 0 {
			t.Errorf("%s: %+v, want %d arrivals in time", month, a, want)
		}
		if whole := r.Whole(); whole != (month != "2026-11") {
			t.Errorf("%s: whole is %v", month, whole)
		}
	}
	for after, want := range map[time.Duration]bool{0: false, behind - 1: false, behind: true} {
		if r := w.make("2026-10", time.Minute, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(after)); r.Whole() != want {
			t.Errorf("%v after October it is whole: %v", after, r.Whole())
		}
	}
	if got := MonthOf(time.Date(2026, 11, 30, 20, 0, 0, 0, west)); got.String() != "2026-12" {
		t.Errorf("the month is %s, want that of UTC", got)
	}
	if got := MonthOf(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)).Before(); got.String() != "2026-12" {
		t.Errorf("before January comes %s", got)
	}
}

func TestKept(t *testing.T) {
	for _, c := range []struct {
		month, from, until, says string
		now                      time.Time
	}{
		{month: "2026-10", from: "2026-10-01T00:00:00Z", until: "2026-11-01T00:00:00Z", now: now},
		{month: "2026-11", from: "2026-11-01T00:00:00Z", until: "2026-11-29T12:34:56Z", now: now},
		{month: "2026-12", says: "2026-12 has not begun; this month is 2026-11", now: now},
		{month: "2026-11", says: "has not begun", now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		// 455 days before now.
		{month: "2025-08", from: "2025-08-31T13:00:00Z", until: "2025-09-01T00:00:00Z", now: now},
		{month: "2025-07", says: "the oldest month that it has is 2025-08", now: now},
		{month: "0001-01", says: "455 days", now: now},
		{month: "9999-12", says: "has not begun", now: now},
	} {
		m, err := ParseMonth(c.month)
		if err != nil {
			t.Fatal(err)
		}
		from, until, err := m.Kept(c.now)
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want an error that says %q", c.month, err, c.says)
			}
			continue
		}
		if err != nil || from.Format(time.RFC3339) != c.from || until.Format(time.RFC3339) != c.until {
			t.Errorf("%s: from %v until %v, %v; want %s, %s", c.month, from, until, err, c.from, c.until)
		}
	}
	for _, wrong := range []string{"", "2026", "2026-13", "2026-00", "26-11", "2026-11-01", "November", "2026-11 ", "２０２６-11"} {
		if m, err := ParseMonth(wrong); err == nil {
			t.Errorf("%q is taken for %s", wrong, m)
		}
	}
}

func TestGivenUpAndProofs(t *testing.T) {
	w := newWorld(t, now)
	at := time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventsDropped", at, 3, "FunctionName", "media-replicator")
	w.put("eu-west-1", "AWS/Lambda", "DestinationDeliveryFailures", at, 1, "FunctionName", "media-replicator")
	w.put("eu-west-1", "AWS/SNS", "NumberOfNotificationsFailed", at, 5, "TopicName", "media-object-created")
	w.put("eu-west-1", "AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", at, 2, "TopicName", "media-object-created")
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventsDropped", at.AddDate(0, -1, 0), 100, "FunctionName", "media-replicator")
	proof := func(region, name string, at time.Time, v float64) {
		w.put(region, "s3fanout", name, at, v, "ReplicaSet", "media", "TargetRegion", region)
	}
	for day := range 3 { // a comparison a day, in two ticks
		day := at.AddDate(0, 0, day)
		for _, tick := range []time.Time{day, day.Add(15 * time.Minute)} {
			proof("eu-west-1", "KeysCompared", tick, 1000)
			proof("eu-west-1", "ProofAge", tick, 86400)
		}
		proof("eu-west-1", "ProofTime", day.Add(15*time.Minute), 900+float64(day.Day()))
	}
	proof("eu-west-1", "KeysMissing", at, 4)
	proof("eu-west-1", "KeysDifferent", at, 2)
	proof("eu-west-1", "KeysRepaired", at, 5)
	proof("eu-west-1", "KeysUnrepaired", at, 1)
	proof("us-east-1", "ProofAge", at, 7200) // on, and not complete yet
	got := w.make("2026-11", 15*time.Minute, now).Regions
	want := []Region{
		{Name: "us-east-1", Proofs: &Proofs{Oldest: 2 * time.Hour}},
		{Name: "eu-west-1", GivenUp: 3, Undelivered: 5, Lost: 3, Proofs: &Proofs{
			Complete: 3, Longest: 905 * time.Second, Oldest: 24 * time.Hour, Compared: 6000, Missing: 4, Different: 2, Repaired: 5,
			Unrepaired: 1,
		}},
		{Name: "ap-northeast-1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// A Region that does not answer leaves the others' numbers as they are.
func TestRegionThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t, now)
	w.arrive("us-east-1", "ap-northeast-1", now.Add(-time.Hour), time.Second)
	gone := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		cloudwatch.WriteError(rw, &cloudwatch.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"})
	}))
	t.Cleanup(gone.Close)
	w.clients["eu-west-1"] = awscloudwatch.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(gone.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
	var done []string
	r, err := Make(t.Context(), Options{
		Set: set, Month: MonthOf(now), Threshold: time.Minute, Now: now, Clients: w.clients,
		Done: func(region string) { done = append(done, region) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Pairs) != 4 || r.pair("us-east-1", "ap-northeast-1").Arrived != 1 || len(done) != 3 {
		t.Errorf("pairs %+v, done %v", r.Pairs, done)
	}
	if e := r.Regions[1].Err; !errors.Is(e, awsapi.ErrDenied) || !strings.Contains(e.Error(), "cloudwatch:GetMetricData") {
		t.Errorf("the Region that refused: %v", e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(ctx, Options{
		Set: set, Month: MonthOf(now), Threshold: time.Minute, Now: now, Clients: w.clients,
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

// CloudWatch's percentile ranks are interpolated; what its exact statistics say
// of an hour counts.
func TestEstimatesDoNotContradictTheGreatest(t *testing.T) {
	hour := time.Date(2026, 11, 3, 4, 0, 0, 0, time.UTC)
	p := plan{bounds: Limits(), late: 1}
	points := func(v ...float64) (list []metricdata.Point) {
		for i, x := range v {
			list = append(list, metricdata.Point{Time: hour.Add(time.Duration(i) * time.Hour), Value: x})
		}
		return list
	}
	got, err := p.arrivals(points(1000, 1000), points(59_000, 61_000), [][]metricdata.Point{
		points(99.7, 99.99), // two are said to be late in the first hour, and none in the second
		points(99.99, 99.99), points(100, 100),
	})
	want := Arrivals{Arrived: 2000, Within: []int64{1999, 2000, 2000}, Worst: 61 * time.Second, WorstAt: hour.Add(time.Hour)}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for _, c := range []struct {
		worst []metricdata.Point
		ranks [][]metricdata.Point
	}{
		{nil, [][]metricdata.Point{points(1), points(1), points(1)}},
		{points(1e9), [][]metricdata.Point{points(1), nil, points(1)}},
	} {
		if got, err := p.arrivals(points(2), c.worst, c.ranks); err == nil {
			t.Errorf("a statistic is missing, and the hour counts as %+v", got)
		}
	}
}

// CloudWatch charges for each metric that is asked for, and the command says for
// how many.
func TestNumberOfQueries(t *testing.T) {
	for _, c := range []struct {
		threshold time.Duration
		want      int
	}{{15 * time.Minute, 12 + 2*5}, {5 * time.Minute, 12 + 2*6}} {
		p := planFor(set, "us-east-1", c.threshold)
		if len(p.queries) != c.want {
			t.Errorf("%v: %d queries, want %d", c.threshold, len(p.queries), c.want)
		}
		for _, q := range p.queries {
			if q.Period != time.Hour || slices.Contains([]string{"", "Average"}, q.Statistic) {
				t.Errorf("%+v", q)
			}
		}
	}
}
