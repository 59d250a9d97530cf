package main

import (
	"cmp"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// alarm is one thing that a person has to know of. Together, means and mend
// are the alarm's description, so that the message which wakes somebody says
// what to do.
type alarm struct {
	name   string // ends the alarm's name
	metric metric
	over   float64 // alarms above it
	period float64 // seconds; zero: alarmPeriod
	// periods in a row that have to be over.
	periods int
	means   string
	mend    string // a command, or what to do before one
}

// alarmPeriod is in seconds. What is alarmed at can wait for minutes: it lies
// in a queue for days.
const alarmPeriod = 300

const (
	// lagLimit, in milliseconds, is what S3 Replication Time Control promises:
	// who is slower than fifteen minutes has to say so.
	lagLimit = 15 * 60 * 1000
	// eventAgeLimit, in milliseconds, is an hour of the six that an event may
	// wait for the function.
	eventAgeLimit = 60 * 60 * 1000
	// durationLimit, in milliseconds, is later than the function hands a large
	// copy over, and a little before Lambda kills it.
	durationLimit = (timeoutSeconds - 2) * 1000
)

// alarms are those of a Region, in the order of docs/operations.md.
func (s site) alarms() []alarm {
	queue, function, topic, ours := s.queueMetric, s.functionMetric, s.topicMetric, s.ownMetric
	return []alarm{
		{
			name: "dead-letters", metric: queue("ApproximateNumberOfMessagesVisible"), periods: 1,
			means: "Objects were not replicated; their events wait in the dead-letter queue with the reasons.",
			mend:  "s3fanout redrive --dry-run",
		},
		{
			// Not the age of the oldest: SQS leaves letters out of that which were
			// read more than three times, as redrive and explain read them.
			name: "dead-letters-old", metric: queue("ApproximateNumberOfMessagesVisible"), period: 3600, periods: 72,
			means: "There were dead letters in every hour of the last three days. SQS deletes a letter after 14 days.",
			mend:  "s3fanout redrive",
		},
		{
			name: "function-errors", metric: function("Errors", "Sum"), periods: 3,
			means: "The function has been failing for 15 minutes. Lambda tries each event three times, then it is a dead letter.",
			mend:  "s3fanout status",
		},
		{
			name: "function-throttled", metric: function("Throttles", "Sum"), periods: 3,
			means: "Lambda has not let the function run as often as it had to for 15 minutes. Events wait, for six hours at most.",
			mend:  "raise the account's concurrency or reservedConcurrency, then s3fanout status",
		},
		{
			name: "function-slow", metric: function("Duration", "Maximum"), over: durationLimit, periods: 1,
			means: "An invocation took all of its time, and did not hand its copy over. Lambda begins it anew.",
			mend:  "s3fanout status",
		},
		{
			name: "events-waiting", metric: function("AsyncEventAge", "Maximum"), over: eventAgeLimit, periods: 1,
			means: "Events wait for the function for more than an hour. After six hours they are dead letters.",
			mend:  "raise the account's concurrency or reservedConcurrency, then s3fanout status",
		},
		{
			name: "events-dropped", metric: function("AsyncEventsDropped", "Sum"), periods: 1,
			means: "Lambda gave events up: after three attempts, after six hours, or for want of concurrency. They should be dead letters.",
			mend:  "s3fanout redrive, then s3fanout verify",
		},
		{
			name: "letters-lost", metric: function("DestinationDeliveryFailures", "Sum"), periods: 1,
			means: "Lambda could not put an event that failed into the dead-letter queue. It is lost.",
			mend:  "s3fanout doctor, then s3fanout backfill",
		},
		{
			name: "recursion", metric: function("RecursiveInvocationsDropped", "Sum"), periods: 1,
			means: "Lambda stopped the function because it had invoked itself some 16 times in a chain, which it should never do.",
			mend:  "s3fanout doctor, then s3fanout verify",
		},
		{
			name: "replication-slow", metric: ours("ReplicationLag", "p99"), over: lagLimit, periods: 1,
			means: "One in a hundred replicas takes more than 15 minutes from the upload.",
			mend:  "s3fanout status",
		},
		{
			name: "notifications-failed", metric: topic("NumberOfNotificationsFailed"), periods: 1,
			means: "SNS could not deliver to another Region's function. The messages are in this Region's dead-letter queue.",
			mend:  "s3fanout doctor, then s3fanout redrive",
		},
		{
			name: "notifications-lost", metric: topic("NumberOfNotificationsFailedToRedriveToDlq"), periods: 1,
			means: "SNS could neither deliver messages nor put them into the dead-letter queue. They are lost.",
			mend:  "s3fanout doctor, then s3fanout backfill",
		},
	}
}

// description is what the alarm says to who is woken by it.
func (a alarm) description() string { return a.means + " What to do: " + a.mend }

// AlarmsProps configure NewAlarms.
type AlarmsProps struct {
	Site site // required
}

// NewAlarms makes the Region's alarms, and the topic that tells of them where
// the configuration has an e-mail address. A metric without figures is no alarm:
// most of them exist only when something is wrong.
func NewAlarms(scope constructs.Construct, id string, props AlarmsProps) constructs.Construct {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	var told *[]any
	if topic := here.alarmTopic(this); topic != nil {
		told = &[]any{topic}
	}
	for _, a := range here.alarms() {
		properties := &awscloudwatch.CfnAlarmProps{
			AlarmName:          jsii.String(here.alarmName(a)),
			AlarmDescription:   jsii.String(a.description()),
			Namespace:          jsii.String(a.metric.namespace),
			MetricName:         jsii.String(a.metric.name),
			Dimensions:         a.metric.alarmDimensions(),
			Period:             jsii.Number(cmp.Or(a.period, alarmPeriod)),
			EvaluationPeriods:  jsii.Number(a.periods),
			ComparisonOperator: jsii.String("GreaterThanThreshold"),
			Threshold:          jsii.Number(a.over),
			TreatMissingData:   jsii.String("notBreaching"),
			AlarmActions:       told,
			OkActions:          told,
		}
		if a.metric.statistic[0] == 'p' {
			properties.ExtendedStatistic = jsii.String(a.metric.statistic)
		} else {
			properties.Statistic = jsii.String(a.metric.statistic)
		}
		awscloudwatch.NewCfnAlarm(this, jsii.String(a.name), properties)
	}
	return this
}

func (s site) alarmName(a alarm) string { return s.Name + "-" + a.name }
