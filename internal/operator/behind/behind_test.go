package behind

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
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

var (
	now = time.Date(2026, 11, 29, 12, 34, 30, 0, time.UTC)
	set = replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
)

// world is a CloudWatch whose figures the test writes.
type world struct {
	*cloudwatch.Service
	t       *testing.T
	clients map[string]metricdata.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, Service: cloudwatch.New(cloudwatch.Config{Now: func() time.Time { return now }}), clients: map[string]metricdata.Client{},
	}
	for _, region := range set.Regions {
		w.serve(region, func(rw http.ResponseWriter, r *http.Request) {
			w.ServeAPI(rw, r, region, iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", AccountID: "123456789012"})
		})
	}
	return w
}

func (w *world) serve(region string, answer http.HandlerFunc) {
	server := httptest.NewServer(answer)
	w.t.Cleanup(server.Close)
	w.clients[region] = awscloudwatch.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
}

func (w *world) put(region, namespace, name string, ago time.Duration, value float64, dimensions ...string) {
	m := cloudwatch.Metric{Namespace: namespace, Name: name, Dimensions: map[string]string{}}
	for i := 0; i < len(dimensions); i += 2 {
		m.Dimensions[dimensions[i]] = dimensions[i+1]
	}
	w.Put(region, cloudwatch.Datum{Metric: m, Time: now.Add(-ago), Value: value})
}

func (w *world) topic(region, metric string, ago time.Duration, n float64) {
	w.put(region, "AWS/SNS", metric, ago, n, "TopicName", "media-object-created")
}

// write is n uploads, each announced to both of the others, and the events of
// both replicas, which the filters drop for both subscriptions.
func (w *world) write(region string, ago time.Duration, n float64) {
	w.topic(region, "NumberOfMessagesPublished", ago, n)
	for _, other := range set.Others(region) {
		w.topic(other, "NumberOfMessagesPublished", ago-time.Second, n)
		w.topic(other, "NumberOfNotificationsFilteredOut", ago-time.Second-time.Minute, 2*n) // counted a minute later
	}
}

// arrive is n replicas of what us-east-1 wrote.
func (w *world) arrive(target string, ago time.Duration, n int) {
	for range n {
		w.put(target, "s3fanout", "ReplicationLag", ago, 900, "ReplicaSet", "media", "SourceRegion", "us-east-1", "TargetRegion", target)
	}
}

func (w *world) measure(regions ...string) []Target {
	w.t.Helper()
	got, err := Measure(w.t.Context(), Options{Set: set, Regions: regions, Now: now, Clients: w.clients})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func n(x int64) *int64 { return &x }

func age(d time.Duration) *time.Duration { return &d }

func TestWhatWaitsIsPublishedMinusFinished(t *testing.T) {
	w := newWorld(t)
	// All that is older has arrived everywhere.
	w.write("us-east-1", 20*time.Hour, 100)
	w.arrive("eu-west-1", 20*time.Hour, 100)
	w.arrive("ap-northeast-1", 20*time.Hour, 100)
	// 3 uploads of each age. eu-west-1 has made 11 of the replicas, and of one upload
	// the key was there; ap-northeast-1 has all.
	for _, ago := range []time.Duration{
		3 * time.Minute, 7 * time.Minute, 12 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 9 * time.Hour,
	} {
		w.write("us-east-1", ago, 3)
	}
	w.arrive("eu-west-1", time.Minute, 8)
	w.put("eu-west-1", "s3fanout", "Exists", time.Minute, 1, "ReplicaSet", "media", "TargetRegion", "eu-west-1")
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventsDropped", time.Hour, 1, "FunctionName", "media-replicator")
	w.arrive("ap-northeast-1", time.Minute, 21)
	// The age of the event that the function was last invoked with, and one of long ago.
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventAge", 4*time.Minute, 3_600_000, "FunctionName", "media-replicator")
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventAge", time.Minute, 1_800_000, "FunctionName", "media-replicator")
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventAge", 30*time.Minute, 9_999_999, "FunctionName", "media-replicator")
	nothing := []int64{0, 0, 0, 0, 0, 0, 0}
	want := []Target{
		{Region: "eu-west-1", Oldest: age(time.Hour), Waiting: n(11), Sources: []Source{
			{Region: "us-east-1", Sent: n(121), Waiting: n(11), ByAge: []int64{3, 3, 3, 2, 0, 0, 0}},
			{Region: "ap-northeast-1", Sent: n(0), Waiting: n(0), ByAge: nothing},
		}},
		{Region: "ap-northeast-1", Waiting: n(0), Sources: []Source{
			{Region: "us-east-1", Sent: n(121), Waiting: n(0), ByAge: nothing},
			{Region: "eu-west-1", Sent: n(0), Waiting: n(0), ByAge: nothing},
		}},
	}
	if got := w.measure("eu-west-1", "ap-northeast-1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// What has waited since before yesterday is not seen, and nothing is below zero.
	w.arrive("eu-west-1", 2*time.Minute, 5000)
	if got := w.measure("eu-west-1")[0]; *got.Waiting != 0 || *got.Sources[0].Waiting != 0 {
		t.Errorf("with more finished than published: %+v", got)
	}
}

// What ended without a replica is no source's: it is taken from both, by what
// they have left.
func TestOtherEndsAreShared(t *testing.T) {
	w := newWorld(t)
	w.topic("us-east-1", "NumberOfMessagesPublished", time.Minute, 30)
	w.topic("ap-northeast-1", "NumberOfMessagesPublished", time.Hour, 10)
	for i, end := range otherEnds() {
		w.put("eu-west-1", "s3fanout", end, time.Minute, float64(i%2), "ReplicaSet", "media", "TargetRegion", "eu-west-1") // 3 in all
	}
	w.put("eu-west-1", "AWS/Lambda", "AsyncEventsDropped", time.Minute, 17, "FunctionName", "media-replicator")
	got := w.measure("eu-west-1")[0]
	if *got.Waiting != 20 || *got.Sources[0].Waiting != 15 || *got.Sources[1].Waiting != 5 || got.Oldest != nil ||
		!slices.Equal(got.Sources[0].ByAge, []int64{15, 0, 0, 0, 0, 0, 0}) ||
		!slices.Equal(got.Sources[1].ByAge, []int64{0, 0, 0, 0, 5, 0, 0}) {
		t.Errorf("got %+v", got)
	}
}

// A deployment's test events wait for nobody.
func TestTestEventsDoNotWait(t *testing.T) {
	w := newWorld(t)
	put := func(ago time.Duration, published, dropped float64, sizes ...float64) {
		w.topic("us-east-1", "NumberOfMessagesPublished", ago, published)
		if dropped > 0 {
			w.topic("us-east-1", "NumberOfNotificationsFilteredOut", ago, dropped)
		}
		for _, size := range sizes {
			w.topic("us-east-1", "PublishSize", ago, size)
		}
	}
	put(4*time.Hour, 1, 0, 290)      // before there are subscriptions
	put(3*time.Hour, 2, 0, 290, 800) // with an upload in the same minute
	put(2*time.Hour, 1, 2, 290)      // dropped by both filters
	put(time.Hour, 1, 0, smallestEvent)
	if got := w.measure("eu-west-1")[0]; *got.Waiting != 2 || !slices.Equal(got.Sources[0].ByAge, []int64{0, 0, 0, 0, 1, 1, 0}) {
		t.Errorf("%d wait, %v; want the 2 that are of objects", *got.Waiting, got.Sources[0].ByAge)
	}
}

// A bucket's notifications change while much is uploaded: once a filter has dropped events,
// it drops the test events too, and none of the others is taken for one.
func TestUploadsOfADeploymentsMinuteWait(t *testing.T) {
	w := newWorld(t)
	w.write("us-east-1", 3*time.Hour, 10) // whose replicas' events the other topics' filters drop
	w.write("eu-west-1", 3*time.Hour, 10) // and of these, that of us-east-1
	w.arrive("eu-west-1", 3*time.Hour, 10)
	const tests, uploads = 1, 5
	w.topic("us-east-1", "NumberOfMessagesPublished", time.Hour, tests+uploads)
	w.topic("us-east-1", "NumberOfNotificationsFilteredOut", time.Hour, 2*tests)
	w.topic("us-east-1", "PublishSize", time.Hour, 290)
	if got := w.measure("eu-west-1")[0]; *got.Sources[0].Waiting != uploads {
		t.Errorf("%d of us-east-1 wait; want the %d uploads", *got.Sources[0].Waiting, uploads)
	}
}

// No data is no zero, and a Region that does not answer spoils nobody else.
func TestUnknownIsNoZero(t *testing.T) {
	w := newWorld(t)
	w.topic("us-east-1", "NumberOfMessagesPublished", time.Minute, 2)
	w.serve("ap-northeast-1", func(rw http.ResponseWriter, _ *http.Request) {
		cloudwatch.WriteError(rw, &cloudwatch.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"})
	})
	got := w.measure(set.Regions...)
	if us := got[0]; us.Err != nil || us.Waiting != nil || us.Sources[0].Waiting != nil || us.Sources[1].ByAge != nil {
		t.Errorf("us-east-1: %+v, want that nothing is known of its sources", us)
	}
	if eu := got[1]; eu.Err != nil || *eu.Waiting != 2 || *eu.Sources[0].Waiting != 2 || eu.Sources[1].Waiting != nil {
		t.Errorf("eu-west-1: %+v, want 2 from us-east-1 and nothing known of the other", eu)
	}
	if ap := got[2]; !errors.Is(ap.Err, awsapi.ErrDenied) || ap.Waiting != nil || ap.Sources != nil {
		t.Errorf("ap-northeast-1: %+v, want why nothing is known", ap)
	}
}

// CloudWatch charges for each metric that is asked for, and the command says for
// how many.
func TestNumberOfQueries(t *testing.T) {
	if got, want := len(planFor(set, "us-east-1", true).queries), len(set.Regions)+11; got != want {
		t.Errorf("of a target: %d queries, want %d", got, want)
	}
	if got := len(planFor(set, "us-east-1", false).queries); got != 3 {
		t.Errorf("of a source alone: %d queries, want 3", got)
	}
}

// With copiesByUsers false, and with filters, a bucket's notifications have several
// configurations, each of which S3 announces, and all in one minute.
func TestSeveralTestEventsOfADeploymentDoNotWait(t *testing.T) {
	several := set
	several.NoUserCopies = true
	for _, c := range []struct {
		name      string
		filters   []replicaset.Filter
		published float64
		dropped   float64
		sizes     []float64
		waiting   int64
	}{
		{"before there are subscriptions", nil, 3, 0, []float64{290, 291, 290}, 0},
		{"with filters", []replicaset.Filter{{Prefix: "a/"}, {Prefix: "b/"}}, 6, 0, []float64{290}, 0},
		{"dropped by both filters", nil, 3, 6, []float64{290}, 0},
		{"with an upload in the same minute", nil, 4, 0, []float64{290, 290, 290, 800}, 1},
		{"dropped, with an upload in the same minute, which is taken for one of them", nil, 4, 6, []float64{290, 290, 290, 800}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.topic("us-east-1", "NumberOfMessagesPublished", time.Hour, c.published)
			if c.dropped > 0 {
				w.topic("us-east-1", "NumberOfNotificationsFilteredOut", time.Hour, c.dropped)
			}
			for _, size := range c.sizes {
				w.topic("us-east-1", "PublishSize", time.Hour, size)
			}
			several.Filters = c.filters
			got, err := Measure(t.Context(), Options{Set: several, Regions: []string{"eu-west-1"}, Now: now, Clients: w.clients})
			if err != nil || *got[0].Waiting != c.waiting {
				t.Errorf("%d wait, %v; want %d", *got[0].Waiting, err, c.waiting)
			}
		})
	}
}
