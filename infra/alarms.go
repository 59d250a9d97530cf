package infra

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// alarm is one thing that a person has to know of. Together, means and fix
// are the alarm's description, so that the message which wakes somebody says
// what to do.
type alarm struct {
	name string // ends the alarm's name
	// metrics of one statistic are added up. Each is billed as an alarm.
	metrics []metric
	over    float64 // alarms above it
	period  float64 // seconds; zero: alarmPeriod
	// periods in a row that have to be over.
	periods int
	// silence says that the metric always has figures, and that without any for all
	// of the periods something is wrong as well.
	silence bool
	// stays says that the metric has a figure now and then alone, and that the alarm
	// stays as it is until the next one.
	stays bool
	means string
	fix   string // a command, or what to do before one
}

// alarmPeriod is in seconds. What is alarmed at can wait for minutes: it lies
// in a queue for days.
const alarmPeriod = 300

const (
	// deletionLimit is how many objects may be deleted here within
	// deletionSeconds because they were deleted elsewhere, before somebody is asked
	// whether that was meant.
	deletionLimit   = 1000
	deletionSeconds = 60 * 60
)

// alarms are those of a Region, in the order of docs/runbook.md.
//
// What ends as a dead letter has no alarm of its own: events that Lambda gives
// up or that would go round in a loop, and messages that SNS cannot deliver.
// They are dead letters, with the reason, or counted as lost
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
// Nor have the function's errors and timeouts: Lambda tries the event again after one
// minute and after two more, and what fails then is a dead letter. An error that a
// retry repairs has no alarm. CloudWatch charges for each metric of each alarm.
func (s site) alarms() []alarm {
	function, topic, ours := s.functionMetric, s.topicMetric, s.ownMetric
	// The metrics are in milliseconds.
	late, lateAfter := float64(s.ReplicationTime().Milliseconds()), replicaset.Span(s.ReplicationTime())
	// Also those that somebody has received: a redrive --watch holds what it
	// cannot replay nearly all of the time.
	letters := []metric{s.queueMetric("ApproximateNumberOfMessagesVisible"), s.queueMetric("ApproximateNumberOfMessagesNotVisible")}
	list := []alarm{
		{
			name: "dead-letters", metrics: letters, periods: 1,
			means: "Objects were not replicated. Their events wait in the dead-letter queue with the reasons.",
			fix:   "s3fanout redrive --dry-run, then s3fanout doctor, which says whether the Region is paused",
		},
		{
			// Not the age of the oldest: SQS leaves dead letters out of that which were
			// read more than three times, as redrive and explain read them.
			name: "dead-letters-old", metrics: letters, period: 3600, periods: 72,
			means: "There were dead letters in every hour of the last three days. SQS deletes them after 14 days.",
			fix:   "s3fanout redrive; if the Region is paused, resume it instead",
		},
		{
			name: "diverged", metrics: one(ours("Diverged", "Sum")), periods: 1,
			means: "An object was not replicated because its key has other contents here. " +
				"Nothing was replaced: each Region keeps its first write.",
			fix: "s3fanout verify",
		},
		{
			name: "function-throttled", metrics: one(function("Throttles", "Sum")), periods: 3,
			means: "Lambda has throttled the function for 15 minutes. Events wait for at most six hours.",
			fix:   "raise the account's concurrency or reservedConcurrency; then s3fanout status",
		},
		{
			name: "events-waiting", metrics: one(function("AsyncEventAge", "Maximum")), over: late, periods: 1,
			means: "Events wait for the function for more than " + lateAfter + ": replicas are late. " +
				"After six hours events become dead letters.",
			fix: "s3fanout status; if it counts throttles, raise the concurrency; else see the function's log",
		},
		{
			name: "letters-lost", metrics: one(function("DestinationDeliveryFailures", "Sum")), periods: 1,
			means: "Lambda could not send a failed event to the dead-letter queue. The event is lost.",
			fix:   "s3fanout doctor, then s3fanout backfill",
		},
		{
			name: "replication-slow", metrics: one(ours("ReplicationLag", "p99")), over: late, periods: 1,
			means: "One in a hundred replicas takes more than " + lateAfter + " from the upload.",
			fix:   "s3fanout status",
		},
		{
			name: "notifications-lost", metrics: one(topic("NumberOfNotificationsFailedToRedriveToDlq")), periods: 1,
			means: "SNS could neither deliver messages nor send them to the dead-letter queue. They are lost.",
			fix:   "s3fanout doctor, then s3fanout backfill",
		},
	}
	if s.FollowAny().Deletions {
		list = append(list, alarm{
			name: "many-deletions", metrics: one(ours("Deleted", "Sum")), over: deletionLimit, period: deletionSeconds, periods: 1,
			means: "More than 1,000 objects were deleted here within an hour because they were deleted in another Region. " +
				"No version is lost.",
			fix: "if that was a mistake, s3fanout undelete --since 2h --dry-run, then without --dry-run; " +
				"never remove delete markers yourself",
		})
	}
	return append(list, s.reconcileAlarms()...)
}

// reconcileAlarms are those of the function that compares, none without it.
func (s site) reconcileAlarms() []alarm {
	if s.Reconcile == nil {
		return nil
	}
	return []alarm{
		{
			name: "not-proven", metrics: one(s.ownMetric("ProofAge", "Maximum")),
			over: 2 * s.Reconcile.Every.Seconds(), period: 3600, periods: 3, silence: true,
			means: "The bucket has not been compared with the other Regions for twice the time in reconcile.every, " +
				"or the function that compares does not run.",
			fix: "s3fanout doctor, then s3fanout verify",
		},
		{
			name: "not-repaired", metrics: one(s.ownMetric("KeysUnrepaired", "Sum")), periods: 1, stays: true,
			means: "Objects are missing or different here, and the comparison of the buckets did not repair them.",
			fix:   "s3fanout verify, then s3fanout backfill",
		},
	}
}

// description is what the alarm says to who is woken by it.
func (a alarm) description() string { return a.means + " What to do: " + a.fix }

// madeAlarm is an alarm, and the resource that it became.
type madeAlarm struct {
	alarm
	made awscloudwatch.CfnAlarm
}

// alarmsProps configure newAlarms.
type alarmsProps struct {
	Site site // required
}

// newAlarms makes the Region's alarms, and the topic that tells of them where
// the configuration has an e-mail address. A metric without figures is no alarm:
// most of them exist only when something is wrong. The one that always has figures
// says so, see alarm.silence.
func newAlarms(scope constructs.Construct, id string, props alarmsProps) []madeAlarm {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	var actions *[]any
	if topic := here.alarmTopic(this); topic != nil {
		actions = &[]any{topic}
	}
	var made []madeAlarm
	for _, a := range here.alarms() {
		properties := &awscloudwatch.CfnAlarmProps{
			AlarmName:          jsii.String(here.alarmName(a)),
			AlarmDescription:   jsii.String(a.description()),
			EvaluationPeriods:  jsii.Number(a.periods),
			ComparisonOperator: jsii.String("GreaterThanThreshold"),
			Threshold:          jsii.Number(a.over),
			TreatMissingData:   jsii.String("notBreaching"),
			AlarmActions:       actions,
			OkActions:          actions,
		}
		if a.silence {
			// Not "breaching": a new alarm would be raised before the first figure. Without
			// figures it goes back to INSUFFICIENT_DATA, which is notified as well.
			properties.TreatMissingData, properties.InsufficientDataActions = jsii.String("missing"), actions
		}
		if a.stays {
			properties.TreatMissingData = jsii.String("ignore")
		}
		a.watch(properties)
		made = append(made, madeAlarm{alarm: a, made: awscloudwatch.NewCfnAlarm(this, jsii.String(a.name), properties)})
	}
	return made
}

// watch says what the alarm looks at: a metric, or the sum of some. Where one of
// them has no figure, the sum has none; a queue has both or neither.
func (a alarm) watch(properties *awscloudwatch.CfnAlarmProps) {
	period := jsii.Number(cmp.Or(a.period, alarmPeriod))
	if len(a.metrics) == 1 {
		m := a.metrics[0]
		properties.Namespace, properties.MetricName = jsii.String(m.namespace), jsii.String(m.name)
		properties.Dimensions, properties.Period = m.alarmDimensions(), period
		if m.statistic[0] == 'p' {
			properties.ExtendedStatistic = jsii.String(m.statistic)
		} else {
			properties.Statistic = jsii.String(m.statistic)
		}
		return
	}
	var queries []any
	var ids []string
	for i, m := range a.metrics {
		id := "m" + strconv.Itoa(i+1)
		ids = append(ids, id)
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id: jsii.String(id), ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{
					Namespace: jsii.String(m.namespace), MetricName: jsii.String(m.name), Dimensions: m.alarmDimensions(),
				},
				Period: period, Stat: jsii.String(m.statistic),
			},
		})
	}
	queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("sum"), Expression: jsii.String(strings.Join(ids, " + ")), Label: jsii.String(a.name), ReturnData: jsii.Bool(true),
	})
	properties.Metrics = queries
}

func one(m metric) []metric { return []metric{m} }

func (s site) alarmName(a alarm) string { return s.Name + "-" + a.name }
