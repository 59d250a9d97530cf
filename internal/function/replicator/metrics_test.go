package replicator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/replicaset"
)

// metricsOf checks a log line against the specification and the JSON schema of
// the embedded metric format and returns the values that CloudWatch takes out
// of it, as "Name(dimension=value,…)" with the unit behind.
func metricsOf(t *testing.T, line string) map[string]float64 {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(line), &root); err != nil || strings.Count(line, `"_aws":`) > 1 {
		t.Fatalf("%s: %v", line, err)
	}
	if root["_aws"] == nil {
		return nil
	}
	var envelope struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	raw, _ := json.Marshal(root["_aws"])
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields() // "objects MUST NOT contain any additional members"
	if err := d.Decode(&envelope); err != nil || envelope.Timestamp == nil {
		t.Fatalf("_aws: %v in %s", err, raw)
	}
	// CloudWatch takes what is at most two weeks old and two hours ahead.
	if at := time.UnixMilli(*envelope.Timestamp).UTC(); at != time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) {
		t.Errorf("Timestamp is %v", at)
	}
	units := regexp.MustCompile(`^(Milliseconds|Count)$`)
	got := map[string]float64{}
	for _, directive := range envelope.CloudWatchMetrics {
		if directive.Namespace != "s3fanout" || len(directive.Dimensions) == 0 || len(directive.Metrics) == 0 ||
			len(directive.Metrics) > 100 {
			t.Errorf("directive %+v", directive)
		}
		for _, set := range directive.Dimensions {
			var named []string
			for _, dimension := range set {
				value, ok := root[dimension].(string)
				if !ok || value == "" || len(value) > 1024 || len(set) > 30 {
					t.Errorf("dimension %s is %v", dimension, root[dimension])
				}
				named = append(named, dimension+"="+value)
			}
			for _, metric := range directive.Metrics {
				value, ok := root[metric.Name].(float64)
				if !ok || !units.MatchString(metric.Unit) {
					t.Errorf("metric %s is %v in %q", metric.Name, root[metric.Name], metric.Unit)
				}
				name := fmt.Sprintf("%s(%s) %s", metric.Name, strings.Join(named, ","), metric.Unit)
				if _, twice := got[name]; twice {
					t.Errorf("%s is counted twice", name)
				}
				got[name] = value
			}
		}
	}
	return got
}

const (
	inPair = "(ReplicaSet=media,SourceRegion=us-east-1,TargetRegion=eu-west-1) "
	inHere = "(ReplicaSet=media,TargetRegion=eu-west-1) "
)

func TestMetricsOfEachOutcome(t *testing.T) {
	// The event is 1.5 s older than the test's clock.
	for _, tt := range []struct {
		name   string
		record string
		copier *fakeCopier
		want   map[string]float64
	}{
		{"copied", eventtest.Upload("k"), &fakeCopier{}, map[string]float64{
			"ReplicationLag" + inPair + "Milliseconds": 1500, "ReplicationLag" + inHere + "Milliseconds": 1500,
		}},
		{"exists", eventtest.Upload("k"), &fakeCopier{outcome: map[string]copier.Outcome{"k": copier.Exists}},
			map[string]float64{"Exists" + inHere + "Count": 1}},
		{"diverged", eventtest.Upload("k"), &fakeCopier{outcome: map[string]copier.Outcome{"k": copier.Diverged}},
			map[string]float64{"Diverged" + inHere + "Count": 1}},
		{"gone", eventtest.Upload("k"), &fakeCopier{outcome: map[string]copier.Outcome{"k": copier.SourceGone}},
			map[string]float64{"SourceGone" + inHere + "Count": 1}},
		{"left deleted", eventtest.Upload("k"), &fakeCopier{outcome: map[string]copier.Outcome{"k": copier.LeftDeleted}}, nil},
		{"an outcome without a metric", eventtest.Upload("k"), &fakeCopier{outcome: map[string]copier.Outcome{"k": "Other"}}, nil},
		{"excluded", eventtest.Upload("tmp/k"), &fakeCopier{}, map[string]float64{"Excluded" + inHere + "Count": 1}},
		{"handed over", eventtest.Upload("k"), &fakeCopier{uploads: map[string]copier.Upload{"k": openUpload("u")}}, nil},
		{"denied", eventtest.Upload("k"),
			&fakeCopier{err: map[string]error{"k": &copier.Error{Class: copier.Denied, Err: errors.New("no")}}},
			map[string]float64{"Failed" + inPair + "Count": 1, "Failed" + inHere + "Count": 1,
				"Failed(ReplicaSet=media,TargetRegion=eu-west-1,Class=denied) Count": 1}},
		{"from outside", eventtest.Record("made-up-1", "stranger", "k", ""), &fakeCopier{},
			map[string]float64{"Failed(ReplicaSet=media,SourceRegion=none,TargetRegion=eu-west-1) Count": 1, "Failed" + inHere + "Count": 1,
				"Failed(ReplicaSet=media,TargetRegion=eu-west-1,Class=permanent) Count": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, out := newTestHandler(tt.copier)
			h.Config.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
			_, _ = h.with(&fakeSelf{}).Invoke(t.Context(), eventtest.Payload(eventtest.Message(tt.record)))
			if n := strings.Count(out.String(), "\n"); n != 1 {
				t.Fatalf("got %d lines, want one that is log and metric: %s", n, out)
			}
			if got := metricsOf(t, out.String()); !maps.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

// A test event and a message that is not understood are no records.
func TestNoMetricsWithoutRecord(t *testing.T) {
	h, out := newTestHandler(&fakeCopier{})
	_, _ = h.Invoke(t.Context(), eventtest.Payload(testEvent, "not JSON"))
	for line := range strings.Lines(out.String()) {
		if got := metricsOf(t, line); got != nil {
			t.Errorf("got %v in %s", got, line)
		}
	}
}

// The lag of a copy in parts counts from the event, whichever invocation
// finishes it, and its time is that of the last invocation.
func TestMetricsOfContinuation(t *testing.T) {
	h, out := newTestHandler(&fakeCopier{uploads: map[string]copier.Upload{"k": openUpload("u")}})
	self := &fakeSelf{}
	if _, err := h.with(self).Invoke(t.Context(), eventtest.Payload(eventtest.Message(eventtest.Upload("k")))); err != nil ||
		len(self.payloads) != 1 {
		t.Fatalf("got %v and %d continuations", err, len(self.payloads))
	}
	out.Reset()
	ended := h.Now()
	begun := ended.Add(-2 * time.Second)
	clock := []time.Time{begun, begun} // the invocation, its record
	h.Now = func() time.Time {         // 2 s from the beginning to the end
		now := clock[0]
		clock = append(clock[1:], ended)
		return now
	}
	h.Copier = &fakeCopier{}
	if _, err := h.Invoke(t.Context(), self.payloads[0]); err != nil {
		t.Fatal(err)
	}
	got := metricsOf(t, out.String())
	if lag, took := got["ReplicationLag"+inHere+"Milliseconds"], lines(t, out)[0]["durationMs"]; lag != 1500 || took != 2000.0 {
		t.Errorf("lag %v, time %v; want 1500 and 2000: %v", lag, took, slices.Sorted(maps.Keys(got)))
	}
}

// A task of S3 Batch Operations has no time, and so no lag, rather than one of
// centuries.
func TestMetricsOfTask(t *testing.T) {
	h, out := newTestHandler(&fakeCopier{})
	answerOf(t, h, batchOf("", task("t", "media-us", "k")))
	if got := metricsOf(t, out.String()); got != nil || lines(t, out)[0]["outcome"] != "Copied" {
		t.Errorf("got %v in %s", got, out)
	}
}

// What nobody reads is paid for with every replica: a name that another attribute
// says, a zero, an ID that nothing else has.
func TestLineOfAReplicaIsShort(t *testing.T) {
	h, out := newTestHandler(&fakeCopier{})
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	if _, err := h.Invoke(ctx, eventtest.Payload(eventtest.Message(eventtest.Upload("k")))); err != nil {
		t.Fatal(err)
	}
	want := `{"timestamp":T,"level":"INFO","msg":"record","ReplicaSet":"media","SourceRegion":"us-east-1","TargetRegion":"eu-west-1",` +
		`"ReplicationLag":1500,` +
		`"_aws":{"Timestamp":1795168800000,"CloudWatchMetrics":[{"Namespace":"s3fanout",` +
		`"Dimensions":[["ReplicaSet","SourceRegion","TargetRegion"],["ReplicaSet","TargetRegion"]],"Metrics":[{"Name":"ReplicationLag",` +
		`"Unit":"Milliseconds"}]}]},` +
		`"key":"k","versionId":"v1","bytes":7,"durationMs":0,"outcome":"Copied"}` + "\n"
	if got := regexp.MustCompile(`"timestamp":"[^"]+"`).ReplaceAllString(out.String(), `"timestamp":T`); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
