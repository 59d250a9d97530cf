package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestAlarmsAreThoseOfThePage holds the alarms of the template against the
// table of the page for operators, both ways.
func TestAlarmsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Alarms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (.+) \\| (.+) \\|$").FindAllStringSubmatch(section, -1) {
		documented[row[1]] = row[2] + " What to do: " + strings.ReplaceAll(row[3], "`", "")
	}
	set := defaultSet(t)
	s := synthesize(t, set)
	for _, region := range set.Regions {
		deployed := map[string]string{}
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			deployed[strings.TrimPrefix(a.at("AlarmName").(string), set.Name+"-")] = a.at("AlarmDescription").(string)
		}
		equal(t, region+": alarms", deployed, documented)
	}
}

// TestAlarmsNameWhatExists checks each alarm's dimensions: CloudWatch takes
// any, and an alarm at a misspelt name would be silent for ever.
func TestAlarmsNameWhatExists(t *testing.T) {
	set := defaultSet(t)
	s := synthesize(t, set)
	region := set.Regions[0]
	names := map[string]string{
		"QueueName": set.QueueName(), "FunctionName": set.FunctionName(), "TopicName": set.TopicName(),
		"ReplicaSet": set.Name, "TargetRegion": region,
	}
	for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
		for _, d := range a.at("Dimensions").(list) {
			dimension := d.(object)
			name := dimension["Name"].(string)
			if want, ok := names[name]; !ok || dimension["Value"] != want {
				t.Errorf("%s: dimension %s is %v, want %q", a.ID, name, dimension["Value"], want)
			}
		}
		statistic, extended := a.Properties["Statistic"], a.Properties["ExtendedStatistic"]
		if (statistic == nil) == (extended == nil) {
			t.Errorf("%s: statistic %v and extended statistic %v, want one of them", a.ID, statistic, extended)
		}
		equal(t, a.ID+": missing data", a.at("TreatMissingData"), any("notBreaching"))
	}
}

// TestDashboardFits checks that the widgets stand side by side in the grid,
// look at their own Region, and show every metric that has an alarm but those
// that nobody looks at before it is one.
func TestDashboardFits(t *testing.T) {
	set := defaultSet(t)
	s := synthesize(t, set)
	for _, region := range set.Regions {
		boards := s.regions[region].all("AWS::CloudWatch::Dashboard")
		if len(boards) != 1 {
			t.Fatalf("%s: %d dashboards, want 1", region, len(boards))
		}
		equal(t, "name", boards[0].at("DashboardName"), any(set.Name+"-"+region))
		var body struct {
			Widgets []struct {
				X, Y, Width, Height int
				Properties          struct {
					Region  string
					Metrics [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(boards[0].at("DashboardBody").(string)), &body); err != nil {
			t.Fatal(err)
		}
		taken, shown := map[[2]int]bool{}, map[string]bool{}
		for _, w := range body.Widgets {
			equal(t, "region of a widget", w.Properties.Region, region)
			if w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 || taken[[2]int{w.X, w.Y}] {
				t.Errorf("%s: a widget at %d,%d of %d x %d does not fit", region, w.X, w.Y, w.Width, w.Height)
			}
			taken[[2]int{w.X, w.Y}] = true
			for _, m := range w.Properties.Metrics {
				shown[m[1].(string)] = true
			}
		}
		silent := map[string]bool{"RecursiveInvocationsDropped": true, "NumberOfNotificationsFailedToRedriveToDlq": true}
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			if name := a.at("MetricName").(string); !shown[name] && !silent[name] {
				t.Errorf("%s: no widget shows %s, which has an alarm", region, name)
			}
		}
	}
}
