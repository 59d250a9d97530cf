package infra

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// dashboardProps configure newDashboard.
type dashboardProps struct {
	Site site // required
}

// newDashboard makes the Region's dashboard: what arrived and how fast, what
// failed and what waits, and what SNS did. Dashboards are of no Region, so the
// name carries it.
func newDashboard(scope constructs.Construct, id string, props dashboardProps) awscloudwatch.CfnDashboard {
	here := props.Site
	body, err := json.Marshal(map[string]any{"widgets": here.widgets()})
	if err != nil {
		panic(err) // the widgets are strings and numbers
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	return awscloudwatch.NewCfnDashboard(this, jsii.String("Default"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String(here.Name + "-" + here.Region),
		DashboardBody: jsii.String(string(body)),
	})
}

// Sizes in the dashboard's grid of 24 columns.
const (
	widgetWidth  = 8
	widgetHeight = 6
	widgetsInRow = 24 / widgetWidth
)

// graph is one of the dashboard's widgets.
type graph struct {
	title   string
	unit    string // of the vertical axis
	metrics []metric
}

// widgets are in the form of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html.
func (s site) widgets() []any {
	var list []any
	for i, g := range s.graphs() {
		metrics := make([]any, len(g.metrics))
		for j, m := range g.metrics {
			metrics[j] = m.widgetLine()
		}
		list = append(list, map[string]any{
			"type": "metric", "width": widgetWidth, "height": widgetHeight,
			"x": i % widgetsInRow * widgetWidth, "y": i / widgetsInRow * widgetHeight,
			"properties": map[string]any{
				"title": g.title, "region": s.Region, "view": "timeSeries", "period": alarmPeriod, "metrics": metrics,
				"yAxis": map[string]any{"left": map[string]any{"min": 0, "label": g.unit, "showUnits": false}},
			},
		})
	}
	return list
}

func (s site) graphs() []graph {
	queue, function, topic, ours := s.queueMetric, s.functionMetric, s.topicMetric, s.ownMetric
	list := []graph{
		{"Replicas made here, and what did not need one", "records", []metric{
			ours("Copied", "Sum"), ours("Exists", "Sum"), ours("Diverged", "Sum"), ours("SourceGone", "Sum"), ours("Failed", "Sum"),
		}},
		{"Replication lag: from the upload to the replica", "ms", []metric{
			ours("ReplicationLag", "p50"), ours("ReplicationLag", "p99"), ours("ReplicationLag", "Maximum"),
		}},
		{"Bytes copied", "bytes", []metric{ours("Bytes", "Sum")}},
		{"Dead letters", "messages", []metric{
			queue("ApproximateNumberOfMessagesVisible"), queue("ApproximateNumberOfMessagesNotVisible"),
		}},
		{"Age of the oldest dead letter", "s", []metric{queue("ApproximateAgeOfOldestMessage")}},
		{"Function: attempts and what became of them", "attempts", []metric{
			function("Invocations", "Sum"), function("Errors", "Sum"), function("Throttles", "Sum"),
		}},
		{"Function: duration", "ms", []metric{
			function("Duration", "p50"), function("Duration", "p99"), function("Duration", "Maximum"),
		}},
		{"Function: events that wait, and those given up", "ms and events", []metric{
			function("AsyncEventAge", "Maximum"), function("AsyncEventsDropped", "Sum"), function("RecursiveInvocationsDropped", "Sum"),
			function("DestinationDeliveryFailures", "Sum"),
		}},
		{"Topic: messages to the other Regions", "messages", []metric{
			topic("NumberOfMessagesPublished"), topic("NumberOfNotificationsDelivered"),
			topic("NumberOfNotificationsFilteredOut"), topic("NumberOfNotificationsFailed"),
		}},
	}
	if len(s.Exclude) > 0 {
		list[0].metrics = append(list[0].metrics, ours("Excluded", "Sum"))
	}
	if followed := s.followedMetrics(); followed != nil {
		list = append(list, graph{"Later changes followed here", "records", followed})
	}
	if s.Reconcile != nil {
		list = append(list,
			graph{"Comparison with the other Regions", "keys", []metric{
				ours("KeysCompared", "Sum"), ours("KeysMissing", "Sum"), ours("KeysDifferent", "Sum"), ours("KeysRepaired", "Sum"), ours("KeysUnrepaired", "Sum"),
			}},
			graph{"Age of the last complete comparison", "s", []metric{ours("ProofAge", "Maximum")}})
	}
	return list
}

// followedMetrics are what the function counts of what it follows, nil for nothing.
func (s site) followedMetrics() []metric {
	follow := s.FollowAny()
	var all []metric
	for _, m := range []struct {
		name string
		on   bool
	}{
		{"Replaced", follow.Overwrites}, {"Superseded", follow.Overwrites}, {"Waited", follow.Overwrites},
		{"Deleted", follow.Deletions}, {"Retagged", follow.Tags},
	} {
		if m.on {
			all = append(all, s.ownMetric(m.name, "Sum"))
		}
	}
	return all
}
