package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/sandbox/iam"
)

// watched is a service whose clock and queue the test sets.
type watched struct {
	*Service
	client         *awscloudwatch.Client
	now            time.Time
	visible, taken float64
	published      []map[string]any
	subjects       []string
	callers        []iam.Caller
}

func newWatched(t *testing.T, caller iam.Caller) *watched {
	t.Helper()
	w := &watched{now: noon}
	w.Service = New(Config{
		Partition: "aws", AccountID: "123456789012",
		Gauge: func(_ string, m Metric) (float64, bool) {
			return map[bool]float64{true: w.visible, false: w.taken}[strings.HasSuffix(m.Name, "sVisible")], m.Namespace == "AWS/SQS"
		},
		Publish: func(_ context.Context, caller iam.Caller, _, subject, message string) error {
			var m map[string]any
			if err := json.Unmarshal([]byte(message), &m); err != nil {
				return err
			}
			w.published, w.subjects, w.callers = append(w.published, m), append(w.subjects, subject), append(w.callers, caller)
			return errors.New("not to be noticed")
		},
		Now: func() time.Time { return w.now },
	})
	w.client = clientOf(t, w.Service, caller)
	return w
}

func queueStat(name string) *MetricStat {
	return &MetricStat{Metric: Metric{"AWS/SQS", name, map[string]string{"QueueName": "letters"}}, Stat: "Maximum", Period: 5 * time.Minute}
}

// letters is the alarm dead-letters of the templates.
func letters() AlarmConfig {
	return AlarmConfig{
		Name: "s3fanout-dead-letters", Description: "what to do", EvaluationPeriods: 1, Comparison: "GreaterThanThreshold",
		MissingData: notBreaching,
		Queries: []MetricQuery{
			{ID: "m1", Stat: queueStat("ApproximateNumberOfMessagesVisible")},
			{ID: "m2", Stat: queueStat("ApproximateNumberOfMessagesNotVisible")},
			{ID: "sum", Expression: "m1 + m2", Label: "letters", ReturnData: true},
		},
		AlarmActions: []string{"arn:aws:sns:eu-west-1:123456789012:alarms"},
		OKActions:    []string{"arn:aws:sns:eu-west-1:123456789012:alarms"},
	}
}

func errorsAlarm() AlarmConfig {
	return AlarmConfig{
		Name: "s3fanout-errors", EvaluationPeriods: 1, Comparison: "GreaterThanThreshold", MissingData: notBreaching,
		Stat: &MetricStat{
			Metric: Metric{"AWS/Lambda", "Errors", map[string]string{"FunctionName": "f"}}, Stat: "Sum", Period: 5 * time.Minute,
		},
	}
}

func (w *watched) put(t *testing.T, c AlarmConfig) {
	t.Helper()
	if _, err := w.PutAlarm(region, c); err != nil {
		t.Fatal(err)
	}
}

// state asks for the only alarm.
func (w *watched) state(t *testing.T) types.MetricAlarm {
	t.Helper()
	out, err := w.client.DescribeAlarms(t.Context(), &awscloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.MetricAlarms) != 1 {
		t.Fatalf("%d alarms", len(out.MetricAlarms))
	}
	return out.MetricAlarms[0]
}

// A dead letter raises the alarm at once. It ends when the dead letter has been gone
// for the alarm's period, and each change is told once.
func TestAlarmOfAQueueIsRaisedAndEnds(t *testing.T) {
	w := newWatched(t, admin())
	w.put(t, letters())
	for _, step := range []struct {
		after          time.Duration
		visible, taken float64
		want           types.StateValue
	}{
		{0, 0, 0, types.StateValueOk},
		{10 * time.Second, 0, 1, types.StateValueAlarm}, // somebody holds it
		{15 * time.Second, 0, 0, types.StateValueAlarm}, // gone within the minute
		{4 * time.Minute, 0, 0, types.StateValueAlarm},
		{time.Minute, 0, 0, types.StateValueOk},
		{time.Minute, 3, 0, types.StateValueAlarm},
	} {
		w.now, w.visible, w.taken = w.now.Add(step.after), step.visible, step.taken
		if got := w.state(t); got.StateValue != step.want {
			t.Errorf("%v: %s, want %s: %s", w.now, got.StateValue, step.want, aws.ToString(got.StateReason))
		}
	}
	var states []any
	for _, m := range w.published {
		states = append(states, m["NewStateValue"])
	}
	if want := []any{"OK", "ALARM", "OK", "ALARM"}; !reflect.DeepEqual(states, want) {
		t.Fatalf("published: %v, want %v", states, want)
	}
	m := w.published[1]
	for name, want := range map[string]any{
		"AlarmName": "s3fanout-dead-letters", "AlarmDescription": "what to do", "AWSAccountId": "123456789012", "OldStateValue": "OK",
		"StateChangeTime": "2026-11-21T12:00:40.000+0000", "Region": region,
		"AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:s3fanout-dead-letters",
	} {
		if m[name] != want {
			t.Errorf("message: %s is %v, want %v", name, m[name], want)
		}
	}
	trigger := m["Trigger"].(map[string]any)
	if trigger["Threshold"] != 0.0 || len(trigger["Metrics"].([]any)) != 3 || trigger["TreatMissingData"] != notBreaching {
		t.Errorf("message: the trigger is %v", trigger)
	}
	if w.subjects[1] != `ALARM: "s3fanout-dead-letters" in eu-west-1` {
		t.Errorf("subject %s", w.subjects[1])
	}
	if want := (iam.Caller{
		Service: "cloudwatch.amazonaws.com", SourceARN: m["AlarmArn"].(string), SourceAccount: "123456789012",
	}); !reflect.DeepEqual(w.callers[1], want) {
		t.Errorf("published by %+v, want %+v", w.callers[1], want)
	}
}

// Data that come now and then alone: two periods more than one are looked at, so
// that the alarm stays for three. A deployment's change of the threshold holds from
// the next evaluation on.
func TestAlarmOfEventsStaysForItsEvaluationRange(t *testing.T) {
	w := newWatched(t, admin())
	w.put(t, errorsAlarm())
	w.Put(region, Datum{Metric: errorsAlarm().Stat.Metric, Time: noon, Value: 2})
	for _, step := range []struct {
		after time.Duration
		want  types.StateValue
	}{{0, types.StateValueAlarm}, {14 * time.Minute, types.StateValueAlarm}, {time.Minute, types.StateValueOk}} {
		w.now = w.now.Add(step.after)
		if got := w.state(t); got.StateValue != step.want || !got.StateTransitionedTimestamp.Equal(*got.StateUpdatedTimestamp) {
			t.Errorf("%v: %s, want %s", w.now, got.StateValue, step.want)
		}
	}
	w.Put(region, Datum{Metric: errorsAlarm().Stat.Metric, Time: w.now, Value: 2})
	higher := errorsAlarm()
	higher.Threshold = 2
	w.put(t, higher)
	if got := w.state(t); got.StateValue != types.StateValueOk || *got.Threshold != 2 {
		t.Errorf("with another threshold: %s over %v", got.StateValue, *got.Threshold)
	}
	w.DeleteAlarm(region, higher.Name)
	if w.HasAlarm(region, higher.Name) {
		t.Error("a deleted alarm is there")
	}
}

// A sum that still grows must not raise an alarm at less.
func TestMinuteThatRunsCountsForMoreAlone(t *testing.T) {
	w := newWatched(t, admin())
	c := errorsAlarm()
	c.Comparison, c.Threshold, c.MissingData = "LessThanThreshold", 1, missing
	w.put(t, c)
	w.Put(region, Datum{Metric: c.Stat.Metric, Time: noon, Value: 0})
	if got := w.state(t); got.StateValue != types.StateValueInsufficientData {
		t.Errorf("%s of the minute that runs", got.StateValue)
	}
	w.now = w.now.Add(time.Minute)
	if got := w.state(t); got.StateValue != types.StateValueAlarm {
		t.Errorf("%s of a minute that has ended", got.StateValue)
	}
}

func TestDescribeAlarmsSelects(t *testing.T) {
	w := newWatched(t, admin())
	w.visible = 1
	for _, name := range []string{"b-2", "a-1", "b-1", "b-3"} {
		c := errorsAlarm()
		c.Name = name
		if name == "b-3" {
			c = letters()
			c.Name, c.Muted = name, true
		}
		w.put(t, c)
	}
	names := func(in awscloudwatch.DescribeAlarmsInput) (list []string) {
		t.Helper()
		pages := awscloudwatch.NewDescribeAlarmsPaginator(w.client, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.MetricAlarms {
				list = append(list, *a.AlarmName)
			}
		}
		return list
	}
	for _, c := range []struct {
		in   awscloudwatch.DescribeAlarmsInput
		want []string
	}{
		{awscloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(1)}, []string{"a-1", "b-1", "b-2", "b-3"}},
		{awscloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("b-"), MaxRecords: aws.Int32(2)}, []string{"b-1", "b-2", "b-3"}},
		{awscloudwatch.DescribeAlarmsInput{AlarmNames: []string{"b-2", "none"}}, []string{"b-2"}},
		{awscloudwatch.DescribeAlarmsInput{StateValue: types.StateValueAlarm}, []string{"b-3"}},
		{awscloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}, nil},
		{awscloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}},
			[]string{"a-1", "b-1", "b-2", "b-3"}},
	} {
		if got := names(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.in, got, c.want)
		}
	}
	out, err := w.client.DescribeAlarms(t.Context(), &awscloudwatch.DescribeAlarmsInput{AlarmNames: []string{"b-3"}})
	if err != nil {
		t.Fatal(err)
	}
	a := out.MetricAlarms[0]
	if *a.ActionsEnabled || len(w.published) != 0 || len(a.Metrics) != 3 || *a.Metrics[2].Expression != "m1 + m2" ||
		*a.Metrics[0].MetricStat.Metric.Dimensions[0].Value != "letters" || *a.Metrics[0].MetricStat.Period != 300 {
		t.Errorf("described: %+v, published %v", a, w.published)
	}
}

// What an identity may do is asked, with the resource that AWS asks for.
func TestDescribeAlarmsNeedsPermission(t *testing.T) {
	store := iam.NewStore("aws", "123456789012")
	trust, err := iam.ParseDocument(
		[]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	role, err := store.CreateRole(iam.RoleConfig{Name: "r", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	caller := func(resource string) iam.Caller {
		d, err := iam.ParseDocument(
			[]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudwatch:DescribeAlarms","Resource":"` +
				resource + `"}]}`),
		)
		if err != nil {
			t.Fatal(err)
		}
		role.PutPolicy("p", d)
		return iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: "123456789012", Role: role}
	}
	for resource, allowed := range map[string]bool{
		"*": true, "arn:aws:cloudwatch:*:123456789012:alarm:*": true,
		"arn:aws:cloudwatch:us-east-1:123456789012:alarm:*":                     false,
		"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:s3fanout-dead-letters": false,
	} {
		_, err := newWatched(t, caller(resource)).client.DescribeAlarms(t.Context(), &awscloudwatch.DescribeAlarmsInput{})
		if allowed != (err == nil) {
			t.Errorf("%s: %v", resource, err)
		}
		if err != nil &&
			!strings.Contains(
				err.Error(),
				"not authorized to perform: cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*",
			) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestAlarmsThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(*AlarmConfig){
		"name has other than":            func(c *AlarmConfig) { c.Name = "é" },
		"EvaluationPeriods must be at":   func(c *AlarmConfig) { c.EvaluationPeriods = 0 },
		"DatapointsToAlarm must be":      func(c *AlarmConfig) { c.DatapointsToAlarm = 2 },
		"ComparisonOperator":             func(c *AlarmConfig) { c.Comparison = "GreaterThanUpperThreshold" },
		"TreatMissingData":               func(c *AlarmConfig) { c.MissingData = "none" },
		"either a MetricName or Metrics": func(c *AlarmConfig) { c.Queries = nil },
		"not valid, or not unique":       func(c *AlarmConfig) { c.Queries[1].ID = "m1" },
		"either a MetricStat or":         func(c *AlarmConfig) { c.Queries[2].Expression = "" },
		"exactly one of Metrics":         func(c *AlarmConfig) { c.Queries[0].ReturnData = true },
		"has a MetricStat":               func(c *AlarmConfig) { c.Queries = c.Queries[2:] },
		"more than the sandbox knows":    func(c *AlarmConfig) { c.Queries[2].Expression = "SUM(METRICS())" },
		`"m3" is none`:                   func(c *AlarmConfig) { c.Queries[2].Expression = "m3" },
		"Namespace and the MetricN":      func(c *AlarmConfig) { c.Queries[0].Stat.Name = "" },
		"statistic":                      func(c *AlarmConfig) { c.Queries[0].Stat.Stat = "IQM" },
		"same Period":                    func(c *AlarmConfig) { c.Queries[1].Stat.Period = time.Minute },
		"Period must be": func(c *AlarmConfig) {
			c.Queries = nil
			c.Stat = queueStat("n")
			c.Stat.Period = 90 * time.Second
		},
		"times Period must not exceed 24h": func(c *AlarmConfig) { c.EvaluationPeriods = 289 },
		"times Period must not exceed 168h": func(c *AlarmConfig) {
			c.EvaluationPeriods, c.Queries = 169, nil
			c.Stat = queueStat("n")
			c.Stat.Period = time.Hour
		},
	} {
		w := newWatched(t, admin())
		c := letters()
		change(&c)
		if _, err := w.PutAlarm(region, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if w.HasAlarm(region, c.Name) {
			t.Errorf("%s: it is there", want)
		}
	}
	for _, in := range []*awscloudwatch.DescribeAlarmsInput{
		{MaxRecords: aws.Int32(101)}, {AlarmNames: []string{"a"}, AlarmNamePrefix: aws.String("a")}, {ActionPrefix: aws.String("a")},
		{AlarmTypes: []types.AlarmType{"LogAlarm"}}, {StateValue: "NONE"},
	} {
		_, err := newWatched(t, admin()).client.DescribeAlarms(t.Context(), in)
		if err == nil || !strings.Contains(err.Error(), "ValidationError") {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

// The Regions are evaluated without being asked, until the end.
func TestWatchEnds(t *testing.T) {
	w := newWatched(t, admin())
	w.put(t, letters())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Watch(ctx); close(done) }()
	cancel()
	<-done
	if got := slices.Collect(maps.Keys(w.alarms.byRegion)); len(got) != 1 {
		t.Errorf("Regions with alarms: %v", got)
	}
}
