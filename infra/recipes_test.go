package infra

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestGrafanaShowsPublishedMetrics compares each query of the recipe's dashboard with
// what CloudWatch's own shows of a set that compares: a name or dimension that nobody
// publishes would be an empty panel. The lag of a pair, which that one leaves out, has
// data in TestGrafanaHasData of cmd/s3fanout.
func TestGrafanaShowsPublishedMetrics(t *testing.T) {
	set := defaultSet(t)
	set.Name, set.Reconcile = "media", daily()
	published := map[string]bool{}
	for _, region := range set.Regions {
		here := newSite(testAccount, set, region)
		for _, g := range here.graphs() {
			for _, m := range g.metrics(here) {
				published[fmt.Sprint(region, m.namespace, m.name, m.dimensions)] = true
			}
		}
	}
	raw, err := os.ReadFile("../docs/recipes/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range set.Regions {
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct {
					Region, Namespace, MetricName string
					MatchExact                    bool
					Dimensions                    map[string]string
				}
			}
		}
		filled := strings.NewReplacer("$set", set.Name, "$region", region).Replace(string(raw))
		if err := json.Unmarshal([]byte(filled), &board); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, p := range board.Panels {
			for _, m := range p.Targets {
				if m.Dimensions["SourceRegion"] == "*" {
					continue
				}
				found++
				if !m.MatchExact || !published[fmt.Sprint(m.Region, m.Namespace, m.MetricName, m.Dimensions)] {
					t.Errorf("%s: nobody publishes %s %s with %v in %s", p.Title, m.Namespace, m.MetricName, m.Dimensions, m.Region)
				}
			}
		}
		if found < 10 {
			t.Errorf("%d queries found, too few to be all", found)
		}
	}
}

// TestRecipesHearEachAlarm compares the topics that the templates for Slack and PagerDuty
// subscribe to with those that the alarms of the default set publish to, once the
// configuration has them make some.
func TestRecipesHearEachAlarm(t *testing.T) {
	set := defaultSet(t)
	set.AlarmEmail = "ops@example.com"
	s := synthesize(t, set)
	var want []string
	for _, region := range set.Regions {
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			for _, actions := range []string{"AlarmActions.0", "OKActions.0"} {
				if topic, ok := a.at(actions).(string); ok && !slices.Contains(want, topic) {
					want = append(want, topic)
				}
			}
		}
	}
	slices.Sort(want)
	if len(want) != len(set.Regions) {
		t.Fatalf("the alarms publish to %q, want a topic in each Region", want)
	}
	for _, name := range []string{"slack", "pagerduty"} {
		raw, err := os.ReadFile("../docs/recipes/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var recipe struct {
			Parameters map[string]struct{ Default string }
			Resources  map[string]struct {
				Type       string
				Properties struct {
					TopicArn     sub
					SnsTopicArns []sub
					Region       string
				}
			}
		}
		if err := json.Unmarshal(raw, &recipe); err != nil {
			t.Fatal(err)
		}
		resolve := strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::AccountId}", testAccount, "${TopicName}",
			recipe.Parameters["TopicName"].Default)
		var got []string
		for id, r := range recipe.Resources {
			switch r.Type {
			case "AWS::Chatbot::SlackChannelConfiguration":
				for _, topic := range r.Properties.SnsTopicArns {
					got = append(got, resolve.Replace(topic.Text))
				}
			case "AWS::SNS::Subscription": // of a topic of another Region, which it has to name
				topic := resolve.Replace(r.Properties.TopicArn.Text)
				if got = append(got, topic); strings.Split(topic, ":")[3] != r.Properties.Region {
					t.Errorf("%s: %s subscribes to %s in %q", name, id, topic, r.Properties.Region)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s subscribes to\n%q, the alarms publish to\n%q", name, got, want)
		}
	}
}

// sub is an intrinsic function that fills in a text.
type sub struct {
	Text string `json:"Fn::Sub"`
}
