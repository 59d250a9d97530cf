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

// newDashboard makes the set's dashboard: what arrived in each Region and how fast,
// what failed and what waits. CloudWatch charges for a dashboard, so there is one for
// all Regions, in the stack of the first. Dashboards are of no Region, so the name
// carries it: a set whose first Region is another one soon has one of another name,
// which the removal of the old one cannot take along.
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

// hasDashboard reports whether the Region's stack has the set's dashboard.
func (s site) hasDashboard() bool { return !s.NoDashboard && s.Region == s.Regions[0] }

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
	metrics func(site) []metric
}

// widgets are in the form of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html.
// Each shows all Regions, a line for each metric of each.
func (s site) widgets() []any {
	var list []any
	for i, g := range s.graphs() {
		var lines []any
		for _, region := range s.Regions {
			for _, m := range g.metrics(newSite(s.Account, s.Config, region)) {
				lines = append(lines, m.widgetLine(region))
			}
		}
		list = append(list, map[string]any{
			"type": "metric", "width": widgetWidth, "height": widgetHeight,
			"x": i % widgetsInRow * widgetWidth, "y": i / widgetsInRow * widgetHeight,
			"properties": map[string]any{
				"title": g.title, "region": s.Region, "view": "timeSeries", "period": alarmPeriod, "metrics": lines,
				"yAxis": map[string]any{"left": map[string]any{"min": 0, "label": g.unit, "showUnits": false}},
			},
		})
	}
	return list
}

// graphs are of sixteen metrics of each Region as long as nothing is followed, excluded
// or compared: CloudWatch's free tier is for dashboards of up to 50.
func (s site) graphs() []graph {
	list := []graph{
		{"Replicas made, and what did not need one", "records", func(s site) []metric {
			// Each replica that an event asked for has a lag.
			all := []metric{
				s.ownMetric("ReplicationLag", "SampleCount"), s.ownMetric("Exists", "Sum"), s.ownMetric("Diverged", "Sum"),
				s.ownMetric("SourceGone", "Sum"), s.ownMetric("Failed", "Sum"),
			}
			if len(s.Exclude) > 0 {
				all = append(all, s.ownMetric("Excluded", "Sum"))
			}
			return all
		}},
		{"Replication lag: from the upload to the replica", "ms", func(s site) []metric {
			return []metric{
				s.ownMetric("ReplicationLag", "p50"),
				s.ownMetric("ReplicationLag", "p99"),
				s.ownMetric("ReplicationLag", "Maximum"),
			}
		}},
		{"Dead letters", "messages", func(s site) []metric {
			return []metric{s.queueMetric("ApproximateNumberOfMessagesVisible"), s.queueMetric("ApproximateNumberOfMessagesNotVisible")}
		}},
		{"Age of the oldest dead letter", "s", func(s site) []metric {
			return []metric{s.queueMetric("ApproximateAgeOfOldestMessage")}
		}},
		{"Functions: attempts and what became of them", "attempts", func(s site) []metric {
			return []metric{s.functionMetric("Invocations", "Sum"), s.functionMetric("Errors", "Sum"), s.functionMetric("Throttles", "Sum")}
		}},
		{"Functions: duration", "ms", func(s site) []metric {
			return []metric{
				s.functionMetric("Duration", "p50"),
				s.functionMetric("Duration", "p99"),
				s.functionMetric("Duration", "Maximum"),
			}
		}},
		{"Functions: how long events wait", "ms", func(s site) []metric {
			return []metric{s.functionMetric("AsyncEventAge", "Maximum")}
		}},
		{"Given up, lost or not delivered", "events", func(s site) []metric {
			return []metric{
				s.functionMetric("AsyncEventsDropped", "Sum"), s.functionMetric("DestinationDeliveryFailures", "Sum"),
				s.topicMetric("NumberOfNotificationsFailed"),
			}
		}},
	}
	if s.FollowAny().Any() {
		list = append(list, graph{"Later changes followed", "records", site.followedMetrics})
	}
	if s.Reconcile != nil {
		list = append(
			list,
			graph{"Comparison with the other Regions", "keys", func(s site) []metric {
				return []metric{
					s.ownMetric("KeysCompared", "Sum"), s.ownMetric("KeysMissing", "Sum"), s.ownMetric("KeysDifferent", "Sum"),
					s.ownMetric("KeysRepaired", "Sum"), s.ownMetric("KeysUnrepaired", "Sum"),
				}
			}},
			graph{
				"Age of the last complete comparison",
				"s",
				func(s site) []metric { return []metric{s.ownMetric("ProofAge", "Maximum")} },
			},
		)
	}
	return list
}

// followedMetrics are what the function counts of what it follows.
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
