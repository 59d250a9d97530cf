package redrive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

const (
	east, west, asia = "us-east-1", "eu-west-1", "ap-northeast-1"
	topicARN         = "arn:aws:sns:" + east + ":" + account + ":media-object-created"
	subscriptionARN  = topicARN + ":2bcfbf39"
)

// world is a replica set of fakes.
type world struct {
	options   redrive.Options
	queues    map[string]*fakeQueue
	functions map[string]*fakeFunction
	topics    map[string]*fakeTopics
}

func newWorld() *world {
	w := &world{
		options: redrive.Options{
			Config:  replicaset.Config{Name: "media", Regions: []string{east, west, asia}},
			Clients: map[string]redrive.Clients{},
		},
		queues: map[string]*fakeQueue{}, functions: map[string]*fakeFunction{}, topics: map[string]*fakeTopics{},
	}
	for _, r := range w.options.Config.Regions {
		w.queues[r], w.functions[r], w.topics[r] = &fakeQueue{region: r, errs: map[string]error{}}, &fakeFunction{}, &fakeTopics{}
		w.options.Clients[r] = redrive.Clients{SQS: w.queues[r], Lambda: w.functions[r], SNS: w.topics[r]}
	}
	return w
}

func (w *world) run(t *testing.T, ctx context.Context) redrive.Report {
	t.Helper()
	var seen []redrive.Result
	report, err := redrive.Run(ctx, w.options, redrive.Observer{Finished: func(r redrive.Result) { seen = append(seen, r) }})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, s := range report.Regions {
		total += len(s.Results)
	}
	if len(seen) != total {
		t.Errorf("the observer saw %d results, the report has %d", len(seen), total)
	}
	return report
}

func outcomes(report redrive.Report) string {
	var list []string
	for _, s := range report.Regions {
		for _, r := range s.Results {
			list = append(list, s.Region+" "+string(r.Outcome))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func toJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func s3Event(key string) string {
	return toJSON(map[string]any{"Records": []any{map[string]any{
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": east,
		"s3": map[string]any{
			"bucket": map[string]any{"name": "media-" + account + "-" + east}, "object": map[string]any{"key": key, "versionId": "v"},
		},
	}}})
}

func snsEvent(key string) map[string]any {
	return map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": s3Event(key)}}}}
}

func envelope(key, functionARN string) string {
	return toJSON(map[string]any{
		"version":         "1.0",
		"requestContext":  map[string]any{"functionArn": functionARN, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
		"requestPayload":  snsEvent(key),
		"responsePayload": map[string]any{"errorMessage": "SlowDown", "errorType": "ReplicationError"},
	})
}

func functionARN(region string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:media-replicator"
}

func notice(topic, subscription string) string {
	return toJSON(map[string]any{
		"Type": "Notification", "TopicArn": topic, "Message": s3Event("k"),
		"UnsubscribeURL": "https://sns.example/?Action=Unsubscribe&SubscriptionArn=" + subscription,
	})
}

func TestRoutes(t *testing.T) {
	known := []snstypes.Subscription{
		{SubscriptionArn: aws.String(topicARN + ":other"), Endpoint: aws.String(functionARN(asia))},
		{SubscriptionArn: aws.String(subscriptionARN), Endpoint: aws.String(functionARN(west))},
	}
	foreign := []snstypes.Subscription{
		{SubscriptionArn: aws.String(subscriptionARN),
			Endpoint: aws.String("arn:aws:lambda:" + west + ":" + account + ":function:indexer")},
	}
	tests := []struct {
		name          string
		body          string
		subscriptions []snstypes.Subscription
		topicErr      error
		want          []string // Regions whose function runs
		outcome       redrive.Outcome
	}{
		{"envelope of this Region", envelope("k", functionARN(east)+":$LATEST"), nil, nil, []string{east}, redrive.Replayed},
		// bad input: rd-08
		{"envelope of another Region", envelope("k", functionARN(asia)), nil, nil, nil, redrive.NotOurs},
		// bad input: rd-01
		{"envelope of another function", envelope("k", "arn:aws:lambda:"+east+":"+account+":function:indexer"), nil, nil, nil,
			redrive.NotOurs},
		// bad input: rd-02
		{"envelope of a Region outside the set", envelope("k", functionARN("eu-west-2")), nil, nil, nil, redrive.NotOurs},
		// bad input: rd-03
		{"envelope of another account", envelope("k", "arn:aws:lambda:"+east+":999999999999:function:media-replicator"), nil, nil, nil,
			redrive.NotOurs},
		// bad input: rd-04
		{"envelope of no ARN", envelope("k", "media-replicator"), nil, nil, nil, redrive.NotOurs},
		{"function's queue", toJSON(snsEvent("k")), nil, nil, []string{east}, redrive.Replayed},
		{"subscription", notice(topicARN, subscriptionARN), known, nil, []string{west}, redrive.Replayed},
		{"subscription that is gone", notice(topicARN, subscriptionARN), nil, nil, []string{asia, west}, redrive.Replayed},
		{"subscription that is not named", notice(topicARN, ""), known, nil, []string{asia, west}, redrive.Replayed},
		{"topic that is gone", notice(topicARN, subscriptionARN), known, &snstypes.NotFoundException{}, []string{asia, west},
			redrive.Replayed},
		// bad input: rd-05
		{"subscription of another function", notice(topicARN, subscriptionARN), foreign, nil, nil, redrive.NotOurs},
		// bad input: rd-06
		{"topic of another set", notice(topicARN+"-2", topicARN+"-2:s"), known, nil, nil, redrive.NotOurs},
		// bad input: rd-09
		{"topic of another Region", notice(strings.Replace(topicARN, east, west, 1), ""), known, nil, nil, redrive.NotOurs},
		// bad input: rd-10
		{"topic of another account", notice(strings.Replace(topicARN, account, "999999999999", 1), ""), known, nil, nil, redrive.NotOurs},
		// bad input: rd-07
		{"not understood", "hello", nil, nil, nil, redrive.NotUnderstood},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.topics[east].subscriptions, w.topics[east].err = tt.subscriptions, tt.topicErr
				w.queues[east].put(tt.body)
				report := w.run(t, t.Context())
				if got, want := outcomes(report), east+" "+string(tt.outcome); got != want {
					t.Errorf("outcomes: got %s, want %s", got, want)
				}
				var invoked []string
				for region, f := range w.functions {
					for i, payload := range f.payloads {
						invoked = append(invoked, region)
						if f.names[i] != "media-replicator" || !strings.Contains(payload, "ObjectCreated:Put") {
							t.Errorf("invoked %s with %s", f.names[i], payload)
						}
					}
				}
				slices.Sort(invoked)
				if !slices.Equal(invoked, tt.want) {
					t.Errorf("invoked the functions of %v, want %v", invoked, tt.want)
				}
				wantLeft := 0
				if tt.outcome != redrive.Replayed {
					wantLeft = 1
				}
				if got := w.queues[east].visible(); got != wantLeft || got != w.queues[east].left() || report.Left() != wantLeft {
					t.Errorf("left: %d of %d visible, reported %d; want %d", got, w.queues[east].left(), report.Left(), wantLeft)
				}
				if report.Err() != nil {
					t.Errorf("error: %v", report.Err())
				}
			})
		})
	}
}

func TestFailsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.functions[west].run = func(_ context.Context, payload string) error {
			if strings.Contains(payload, "bad") {
				return errThrown
			}
			return nil
		}
		for i := range 25 {
			key := fmt.Sprintf("good-%d", i)
			if i%5 == 0 {
				key = fmt.Sprintf("bad-%d", i)
			}
			w.queues[west].put(envelope(key, functionARN(west)))
		}
		report := w.run(t, t.Context())
		if got := w.functions[west].invocations(); got != 25 {
			t.Errorf("invocations: got %d, want one for each of 25 letters", got)
		}
		if got := w.queues[west].visible(); got != 5 || report.Left() != 5 {
			t.Errorf("visible: got %d, reported %d, want the 5 that failed", got, report.Left())
		}
		for _, r := range report.Regions[1].Results {
			object := r.Letter.Objects[0]
			if bad := strings.HasPrefix(object.Key, "bad"); bad != (r.Outcome == redrive.Failed) {
				t.Errorf("%s: got %s", object.Key, r.Outcome)
			}
			if r.Outcome == redrive.Failed && !strings.Contains(r.Detail, "target still gone") {
				t.Errorf("detail: got %q, want the function's message", r.Detail)
			}
			if r.Letter.Reason != "SlowDown" || r.Letter.Payload != nil || r.SentAt.Year() != 2000 {
				t.Errorf("got %+v", r)
			}
		}
		if report.Err() != nil {
			t.Errorf("error: got %v, want none: the function's failure is not the run's", report.Err())
		}
	})
}

func TestDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.DryRun = true
		for range 25 {
			w.queues[east].put(envelope("k", functionARN(east)))
		}
		w.queues[east].put(notice(topicARN, subscriptionARN))
		w.queues[east].put("hello")
		report := w.run(t, t.Context())
		if got, want := len(report.Regions[0].Results), 27; got != want {
			t.Errorf("letters: got %d, want %d", got, want)
		}
		if got := strings.Count(outcomes(report), string(redrive.Waiting)); got != 26 {
			t.Errorf("waiting: got %d, want 26", got)
		}
		if got := w.queues[east].visible(); got != 27 {
			t.Errorf("visible afterwards: got %d, want 27", got)
		}
		if w.functions[east].invocations() != 0 || w.queues[east].called("DeleteMessageBatch") != 0 {
			t.Error("a dry run invoked or deleted")
		}
	})
}

// TestTopicAskedOnce shows that many dead letters need one listing.
func TestTopicAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.topics[east].subscriptions = []snstypes.Subscription{
			{SubscriptionArn: aws.String(subscriptionARN), Endpoint: aws.String(functionARN(west))},
		}
		for range 30 {
			w.queues[east].put(notice(topicARN, subscriptionARN))
		}
		report := w.run(t, t.Context())
		if got := report.Regions[0].Results[0].Letter; got.Reason != "function not found" || got.ErrorType != "404" {
			t.Errorf("got %+v, want the reason in the message's attributes", got)
		}
		if w.topics[east].calls != 1 || w.functions[west].invocations() != 30 {
			t.Errorf("listings: got %d, want 1; invocations: got %d, want 30", w.topics[east].calls, w.functions[west].invocations())
		}
	})
}

func TestOptions(t *testing.T) {
	w := newWorld()
	w.options.Regions = []string{"eu-west-2"}
	if _, err := redrive.Run(t.Context(), w.options, redrive.Observer{}); err == nil || !strings.Contains(err.Error(), "eu-west-2") {
		t.Errorf("Region outside the set: got %v", err)
	}
	w = newWorld()
	delete(w.options.Clients, asia)
	if _, err := redrive.Run(t.Context(), w.options, redrive.Observer{}); err == nil || !strings.Contains(err.Error(), asia) {
		t.Errorf("missing clients: got %v", err)
	}
}

func TestOneRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Regions = []string{west}
		w.queues[east].put(envelope("k", functionARN(east)))
		w.queues[west].put(envelope("k", functionARN(west)))
		report := w.run(t, t.Context())
		if len(report.Regions) != 1 || w.queues[east].called("GetQueueUrl") != 0 || w.queues[west].left() != 0 {
			t.Errorf("got %+v", report)
		}
	})
}
