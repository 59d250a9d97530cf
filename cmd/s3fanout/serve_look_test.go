package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/console"
	"s3fanout/internal/operator/alarms"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/operator/poll"
	"s3fanout/internal/replicaset"
)

// hanging is an AWS in which nothing is deployed, and of which one Region takes
// requests and never answers them.
type hanging struct {
	mu    sync.Mutex
	away  string
	asked map[string]int // requests by Region
	reads int            // of a queue
}

func (h *hanging) hang(region string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away, h.asked = region, map[string]int{}
}

func (h *hanging) serve(t *testing.T) aws.Config {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}
}

func (h *hanging) requests(region string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[region]
}

func (h *hanging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or the end of the connection is not seen
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	h.mu.Lock()
	h.asked[parts[2]]++
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
		h.reads++
	}
	away := h.away == parts[2]
	h.mu.Unlock()
	switch {
	case away:
		<-r.Context().Done()
	case parts[3] == "sts":
		const result = `<GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>`
		answer(w, "<GetCallerIdentityResponse>%s</GetCallerIdentityResponse>", result)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// counting is a CloudWatch without data, and how many metrics it was asked for.
type counting struct{ metrics *atomic.Int64 }

func (c counting) GetMetricData(
	_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	c.metrics.Add(int64(len(in.MetricDataQueries)))
	return &cloudwatch.GetMetricDataOutput{}, nil
}

// What CloudWatch charges for is bounded by the minutes, not by the looks, and no look
// reads a queue.
func TestConsoleAsksForSoManyFigures(t *testing.T) {
	h := &hanging{asked: map[string]int{}}
	config := h.serve(t)
	for _, n := range []int{3, 20} {
		set := replicaset.Config{Name: "media"}
		for i := range n {
			set.Regions = append(set.Regions, fmt.Sprintf("xx-test-%d", i+1))
		}
		var figures counting
		figures.metrics = &atomic.Int64{}
		o := health.Options{Set: set, Regions: set.Regions, Clients: health.NewClients(config, set.Regions)}
		metrics := map[string]metricdata.Client{}
		for region, clients := range o.Clients {
			clients.CloudWatch, metrics[region] = figures, figures
			o.Clients[region] = clients
		}
		limits := poll.Limits{Question: time.Minute, Pace: time.Hour, Patience: time.Minute}
		often := limits
		often.Pace = 0
		l := newLookout(t.Context(), o, metrics, alarms.NewClients(config, set.Regions), often, limits)
		requests := 0
		for look := range 3 {
			if _, err := l.Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Trends(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, want := figures.metrics.Load(), int64(n*(6*n+10)); got != want {
				t.Errorf("%d Regions: %d metrics in %d looks, want %d", n, got, look+1, want)
			}
			if before := requests; look > 0 && h.requests(set.Regions[0]) <= before {
				t.Errorf("look %d asks nothing, so it proves nothing", look+1)
			}
			requests = h.requests(set.Regions[0])
		}
		if h.reads > 0 {
			t.Errorf("a look reads dead letters")
		}
	}
}

// A Region that hangs is told as such, with when it answered last, and holds the
// others up no longer.
func TestConsoleTellsOfARegionThatHangs(t *testing.T) {
	h := &hanging{asked: map[string]int{}}
	config := h.serve(t)
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
	o := health.Options{Set: set, Regions: set.Regions, Clients: health.NewClients(config, set.Regions)}
	limits := poll.Limits{Question: 2 * time.Second, Pace: 50 * time.Millisecond, Patience: 100 * time.Millisecond}
	l := newLookout(t.Context(), o, metricdata.NewClients(config, set.Regions), alarms.NewClients(config, set.Regions), limits, limits)

	// until looks until the Regions that are silent are those.
	until := func(silent ...string) (look console.Look) {
		t.Helper()
		for {
			var err error
			if look, err = l.Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(look.Regions) != 3 {
				t.Fatalf("the look has %d Regions", len(look.Regions))
			}
			if _, ok := look.Silent["eu-west-1"]; len(look.Silent) == len(silent) && ok == (len(silent) == 1) {
				return look
			}
		}
	}
	until()
	hung := time.Now()
	h.hang("eu-west-1")
	look := until("eu-west-1")
	if since := look.Silent["eu-west-1"]; since.IsZero() || since.After(hung.Add(time.Second)) {
		t.Errorf("silent since %v, it hangs since %v", since, hung)
	}
	for _, r := range look.Regions {
		silent := r.Region == "eu-west-1"
		found := slices.ContainsFunc(look.Findings, func(f document.Finding) bool {
			return f.Region == r.Region && f.Check == "region-access"
		})
		if found != silent || (r.MetricsUnavailable == "the Region does not answer") != silent {
			t.Errorf("%s: found %v, metrics %q, findings %+v", r.Region, found, r.MetricsUnavailable, look.Findings)
		}
	}
	// The others are asked anew all the while.
	before := h.requests("us-east-1")
	for h.requests("us-east-1") < 2*before {
		if look, err := l.Status(t.Context()); err != nil || len(look.Silent) != 1 {
			t.Fatalf("%v, silent: %v", err, look.Silent)
		}
	}
	// Nor does it hide the alarms of the others.
	for _, region := range []string{"us-east-1", "ap-northeast-1"} {
		asked := time.Now()
		for answered := false; !answered; {
			if time.Since(asked) > time.Minute {
				t.Fatalf("%s has no answer about its alarms", region)
			}
			list, err := l.Alarms(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			answered = slices.ContainsFunc(list, func(a console.Alarm) bool {
				return a.Region == region && a.Unavailable != errNotYet.Error()
			})
		}
	}
	trends, err := l.Trends(t.Context())
	if err != nil || len(trends) != 6 {
		t.Errorf("%d trends, %v", len(trends), err)
	}
	h.hang("")
	until()
}
