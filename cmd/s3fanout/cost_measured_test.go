package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/sandbox/snapshot"
)

// TestCostOfWhatIsWritten holds the model's sizes and its number of metrics
// against what S3, SNS and the functions write in the sandbox for a key of 60
// bytes.
func TestCostOfWhatIsWritten(t *testing.T) {
	key := "films/2026/11/a-title-of-the-usual-length/part-0000000001.mp4"[:60]
	t.Parallel()
	r := runSandbox(t)
	for region := range r.state.Regions {
		r.upload(region, region[:4]+key[4:], "body")
	}
	r.settle()

	series := map[string]bool{}
	largest, lines := 0, 0
	err := filepath.WalkDir(r.data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".log" {
			return err
		}
		content, err := os.ReadFile(path)
		for line := range bytes.Lines(content) {
			if bytes.Contains(line, []byte(`"outcome":"Copied"`)) {
				lines++
				largest = max(largest, len(bytes.TrimSpace(line)))
			}
			addSeries(t, series, line)
			if bytes.Contains(line, []byte(`"type":"platform.`)) {
				t.Errorf("%s has a line of Lambda's own, which the model has none of: %s", path, line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := len(r.state.Regions)
	if lines != n*(n-1) {
		t.Errorf("%d lines of copies, want %d", lines, n*(n-1))
	}
	within(t, "a copy's log line", largest, cost.LogLineBytes)
	if want := n * cost.MetricsPerRegion(n-1); len(series) != want {
		t.Errorf("%d metrics have data, want %d", len(series), want)
	}

	// A dead letter holds what the function was invoked with.
	if code, out := r.s3fanout("sandbox", "fault", "--region", "eu-west-1", "--kind", "lambda-crash", "--rate", "1"); code != exitDone {
		t.Fatal(out)
	}
	r.upload("us-east-1", key+"x", "body")
	r.settle()
	out, err := sqs.NewFromConfig(r.config("eu-west-1")).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(r.state.Regions["eu-west-1"].DeadLetterQueueURL),
	})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("got %v and %v, want a letter", out, err)
	}
	var letter struct {
		RequestPayload json.RawMessage `json:"requestPayload"`
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.Messages[0].Body)), &letter); err != nil {
		t.Fatal(err)
	}
	var notification struct {
		Records []struct {
			Sns struct{ Message string }
		}
	}
	if err := json.Unmarshal(letter.RequestPayload, &notification); err != nil {
		t.Fatal(err)
	}
	within(t, "a notification", len(letter.RequestPayload), cost.NotificationBytes)
	within(t, "an event", len(notification.Records[0].Sns.Message), cost.EventBytes)
}

// within says whether the model has a size that is at least the measured one,
// and at most a quarter more: AWS's own IDs are longer than the sandbox's.
func within(t *testing.T, what string, measured, model int) {
	t.Helper()
	t.Logf("%s: %d bytes, the model has %d", what, measured, model)
	if model < measured || model > measured+measured/4 {
		t.Errorf("%s has %d bytes, the model %d", what, measured, model)
	}
}

// addSeries notes the metrics that CloudWatch takes out of a line: each name
// with each combination of dimensions and their values.
func addSeries(t *testing.T, series map[string]bool, line []byte) {
	t.Helper()
	var values map[string]json.RawMessage
	var carrier struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if json.Unmarshal(line, &values) != nil || json.Unmarshal(line, &carrier) != nil {
		return // not a line of ours
	}
	for _, directive := range carrier.AWS.CloudWatchMetrics {
		for _, dimensions := range directive.Dimensions {
			for _, metric := range directive.Metrics {
				name := []string{metric.Name}
				for _, d := range dimensions {
					name = append(name, d+"="+string(values[d]))
				}
				series[strings.Join(name, " ")] = true
			}
		}
	}
}

// metricOfAlarm counts what alarms are billed by.
const metricOfAlarm = "metric of an alarm"

// alarmMetrics is how many metrics an alarm looks at, whose queries these are;
// without queries it looks at one.
func alarmMetrics(queries []struct{ MetricStat json.RawMessage }) int {
	n := 0
	for _, q := range queries {
		if q.MetricStat != nil {
			n++
		}
	}
	return max(1, n)
}

// TestCostOfWhatIsDeployed holds the model against the committed templates.
func TestCostOfWhatIsDeployed(t *testing.T) {
	counts := map[string]int{}
	memory := map[float64]int{}
	files, err := fs.Glob(snapshot.FS(), "*.template.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := fs.ReadFile(snapshot.FS(), file)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties struct {
					MemorySize    float64
					Metrics       []struct{ MetricStat json.RawMessage } // of an alarm on a sum
					Architectures []string
				}
			}
		}
		if err := json.Unmarshal(raw, &template); err != nil {
			t.Fatal(err)
		}
		for _, resource := range template.Resources {
			counts[resource.Type]++
			if resource.Type == "AWS::CloudWatch::Alarm" {
				counts[metricOfAlarm] += alarmMetrics(resource.Properties.Metrics)
			}
			if resource.Type == "AWS::Lambda::Function" {
				memory[resource.Properties.MemorySize]++
				if a := resource.Properties.Architectures; len(a) != 1 || a[0] != "arm64" {
					t.Errorf("%s: a function on %v, want arm64", file, a)
				}
			}
		}
	}
	set, err := snapshot.Config()
	if err != nil {
		t.Fatal(err)
	}
	n := len(set.Regions)
	for resource, want := range map[string]int{
		metricOfAlarm: n * cost.AlarmMetricsPerRegion, "AWS::CloudWatch::Dashboard": cost.DashboardsPerSet,
		"AWS::Lambda::Function": n, "AWS::SNS::Subscription": n * (n - 1),
	} {
		if counts[resource] != want {
			t.Errorf("%d of %s, want %d", counts[resource], resource, want)
		}
	}
	if memory[cost.DefaultMemoryMiB] != n {
		t.Errorf("functions have the memory %v (MiB: functions), want %d MiB", memory, cost.DefaultMemoryMiB)
	}
}
