package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// An alarm at a metric that nobody writes would be silent for ever, and so
// would a graph of it. So all that can happen to a record happens once, and
// then every metric of ours that a template names has to have a figure.
func TestTemplatesNameTheMetricsThatTheFunctionWrites(t *testing.T) {
	t.Parallel()
	var named []types.Metric // of one Region
	const region = "eu-west-1"
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		ofType(resources, "AWS::CloudWatch::Dashboard", func(_ string, p map[string]any) {
			named = append(named, metricsOfDashboard(t, p["DashboardBody"].(string), region)...)
		})
		return 1
	})
	a.edit("s3fanout-"+region, func(resources map[string]any) int {
		ofType(resources, "AWS::CloudWatch::Alarm", func(_ string, p map[string]any) {
			if p["Metrics"] != nil {
				if text := fmt.Sprint(p["Metrics"]); strings.Contains(text, "Namespace:s3fanout") {
					t.Errorf("this test does not read the sum %s of our own metrics", text)
				}
				return // a sum of others' metrics
			}
			m := types.Metric{Namespace: aws.String(p["Namespace"].(string)), MetricName: aws.String(p["MetricName"].(string))}
			for _, d := range p["Dimensions"].([]any) {
				dimension := d.(map[string]any)
				m.Dimensions = append(m.Dimensions, types.Dimension{
					Name: aws.String(dimension["Name"].(string)), Value: aws.String(dimension["Value"].(string)),
				})
			}
			named = append(named, m)
		})
		return 1
	})
	named = slices.DeleteFunc(named, func(m types.Metric) bool { return *m.Namespace != "s3fanout" })
	if len(named) < 5 {
		t.Fatalf("the templates name %d metrics of ours: the test looks in the wrong place", len(named))
	}

	w := start(t, a.files)
	w.upload("us-east-1", object{key: "copied", body: "x"})
	w.settle()
	if trouble := w.invoke(region, w.replicaEvent("us-east-1", "copied")); trouble != "" { // Exists
		t.Fatal(trouble)
	}
	w.upload("us-east-1", object{key: "copied", body: "other"}) // Diverged
	w.settle()
	if trouble := acceptsGoneSource(w, "gone"); trouble != "" {
		t.Fatal(trouble)
	}
	w.fault(region, fault.S3Unavailable, 1, 0)
	w.upload("us-east-1", object{key: "failed", body: "x"})
	w.settle()
	w.fault(region, fault.S3Unavailable, 0, 0)

	client := cloudwatch.NewFromConfig(w.config(region))
	for _, m := range named {
		t.Run(*m.MetricName, func(t *testing.T) {
			out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
				MetricDataQueries: []types.MetricDataQuery{{
					Id:         aws.String("m"),
					MetricStat: &types.MetricStat{Metric: &m, Period: aws.Int32(3600), Stat: aws.String("SampleCount")},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.MetricDataResults) != 1 || len(out.MetricDataResults[0].Values) == 0 {
				t.Errorf("%s %s: no figure", *m.MetricName, describeDimensions(m.Dimensions))
			}
		})
	}
}

// metricsOfDashboard reads a Region's from lines such as
// ["s3fanout","Exists","ReplicaSet","media",{"stat":"Sum","region":"eu-west-1"}].
func metricsOfDashboard(t *testing.T, body, region string) (list []types.Metric) {
	t.Helper()
	var b struct {
		Widgets []struct {
			Properties struct{ Metrics [][]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	for _, w := range b.Widgets {
		for _, line := range w.Properties.Metrics {
			if line[len(line)-1].(map[string]any)["region"] != any(region) {
				continue
			}
			m := types.Metric{Namespace: aws.String(line[0].(string)), MetricName: aws.String(line[1].(string))}
			for i := 2; i+1 < len(line); i += 2 {
				m.Dimensions = append(m.Dimensions, types.Dimension{
					Name: aws.String(line[i].(string)), Value: aws.String(line[i+1].(string)),
				})
			}
			list = append(list, m)
		}
	}
	return list
}

func describeDimensions(list []types.Dimension) string {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = fmt.Sprintf("%s=%s", *d.Name, *d.Value)
	}
	return strings.Join(texts, " ")
}

// The operator's screen shows how long replication took, from the function's
// own log to the table, and what waits for which function, as soon as it does.
func TestStatusTellsTheLagAndWhatWaits(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t), func(c *sandbox.Config) { c.RetryWait = time.Hour })
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	for _, r := range w.status() {
		if hasLag := len(r.Lag) > 0; hasLag != (r.Region != "us-east-1") {
			t.Errorf("%s: lag %v; only the targets have one", r.Region, r.Lag)
		}
		if b := r.Behind; b == nil || b.Unavailable != "" || b.Waiting == nil || *b.Waiting != 0 || b.Bytes != nil {
			t.Errorf("%s: %+v, want that nothing waits", r.Region, b)
		}
	}
	// Each attempt fails, and the next one is an hour away.
	w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
	for i := range 3 {
		w.upload("us-east-1", object{key: fmt.Sprintf("waits/%d", i), body: "body"})
	}
	w.upload("ap-northeast-1", object{key: "waits/too", body: "body"})
	copied := func(region string) int {
		return strings.Count(w.logLines(region, `"msg":"record"`), `"outcome":"Copied"`)
	}
	w.until(&usage{}, func() bool {
		return w.sandbox.Stats().Regions["eu-west-1"].Lambda.Errors == 4 && copied("ap-northeast-1") == 4 && copied("us-east-1") == 1
	})
	want := map[string][]int64{"us-east-1": {0, 0}, "eu-west-1": {3, 1}, "ap-northeast-1": {0, 0}}
	for _, r := range w.status() {
		var got []int64
		for _, s := range r.Behind.Sources {
			if *s.Waiting != s.ByAge[0].Waiting {
				t.Errorf("%s from %s: %+v, want all of the first minutes", r.Region, s.SourceRegion, s)
			}
			got = append(got, *s.Waiting)
		}
		if !slices.Equal(got, want[r.Region]) || *r.Behind.Waiting != got[0]+got[1] ||
			r.Behind.OldestSeconds == nil && r.Region != "us-east-1" {
			t.Errorf("%s: %+v, want %v", r.Region, r.Behind, want[r.Region])
		}
	}
}

// status is what the command tells of each Region where all is well.
func (w *world) status() []document.StatusRegion {
	w.t.Helper()
	code, stdout, stderr := w.command("status", "--output", "json")
	if code != 0 {
		w.t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	var d document.Status
	if err := json.Unmarshal(stdout, &d); err != nil {
		w.t.Fatal(err)
	}
	return d.Regions
}
