package e2e

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/operator/alarms"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// A dead letter raises the alarm of its Region and no other. Its replay ends it, as
// soon as no minute of the alarm's period has a dead letter. Both are told by mail.
func TestDeadLetterRaisesTheAlarmUntilItIsReplayed(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	w := start(t, careful(t), func(c *sandbox.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	set := carefulSet()
	clients := alarms.NewClients(w.config(""), set.Regions)
	// raised are the alarms that are not OK, by Region and name.
	raised := func() (list []string) {
		t.Helper()
		for _, region := range set.Regions {
			r := alarms.Ask(t.Context(), set, region, clients[region])
			if r.Err != nil || len(r.Alarms) < 8 {
				t.Fatalf("%s: %d alarms, %v", r.Name, len(r.Alarms), r.Err)
			}
			for _, a := range r.Alarms {
				if a.State != string(types.StateValueOk) {
					list = append(list, r.Name+" "+a.Name+" "+a.State)
				}
			}
		}
		return list
	}
	if got := raised(); len(got) > 0 {
		t.Fatalf("before anything happened: %v", got)
	}
	mails := w.published("us-east-1", set.AlarmTopicName())

	w.fault("us-east-1", fault.LambdaCrash, 1, 0)
	o := object{key: "in put/a.jpg", body: "b"}
	w.upload("eu-west-1", o)
	w.settle()
	if got, want := raised(), []string{"us-east-1 dead-letters ALARM"}; !slices.Equal(got, want) {
		t.Errorf("with a dead letter: %v, want %v", got, want)
	}
	w.fault("us-east-1", fault.LambdaCrash, 0, 0)
	w.redriveCareful()
	w.settle()
	w.wantEverywhere(o)
	ahead.Add(int64(6 * time.Minute))
	if got := raised(); len(got) > 0 {
		t.Errorf("six minutes after the replay: %v", got)
	}
	if got := w.published("us-east-1", set.AlarmTopicName()); got != mails+2 {
		t.Errorf("%v mails of the alarm, want one of ALARM and one of OK", got-mails)
	}
}

// published is how many messages a topic took.
func (w *world) published(region, topic string) float64 {
	w.t.Helper()
	now := time.Now()
	out, err := cloudwatch.NewFromConfig(w.config(region)).GetMetricData(w.t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)), MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("m"), MetricStat: &types.MetricStat{Period: aws.Int32(3600), Stat: aws.String("Sum"), Metric: &types.Metric{
				Namespace: aws.String("AWS/SNS"), MetricName: aws.String("NumberOfMessagesPublished"),
				Dimensions: []types.Dimension{{Name: aws.String("TopicName"), Value: aws.String(topic)}},
			}},
		}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, v := range out.MetricDataResults[0].Values {
		sum += v
	}
	return sum
}
