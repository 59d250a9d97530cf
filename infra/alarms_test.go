package infra

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// TestAlarmsAreThoseOfThePage holds the alarms of the template against the
// list of the page for operators, both ways.
func TestAlarmsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Alarms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]string{}
	unwrapped := strings.ReplaceAll(section, "\n  ", " ")
	for _, item := range regexp.MustCompile("(?m)^- `([a-z-]+)`: (.+ → .+)$").FindAllStringSubmatch(unwrapped, -1) {
		documented[item[1]] = strings.NewReplacer("`", "", " → ", " What to do: ").Replace(item[2])
	}
	everywhere := defaultSet(t)
	everywhere.Follow, everywhere.Reconcile = everything, daily()
	for _, set := range []replicaset.Config{everywhere, defaultSet(t)} {
		if !set.Follow.Any() { // as the page says below the list
			delete(documented, "many-deletions")
			delete(documented, "not-proven")
			delete(documented, "not-repaired")
		}
		s := synthesize(t, set)
		for _, region := range set.Regions {
			deployed := map[string]string{}
			for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
				deployed[strings.TrimPrefix(a.at("AlarmName").(string), set.Name+"-")] = a.at("AlarmDescription").(string)
			}
			equal(t, region+": alarms", deployed, documented)
		}
	}
}

// watched is a metric that an alarm looks at.
type watched struct {
	namespace, name, statistic string
	dimensions                 object
	period                     float64
}

// watchedBy are those of an alarm: its own, or those of the sum.
func watchedBy(t *testing.T, a resource) (found []watched) {
	t.Helper()
	read := func(metric object, statistic any, period any) {
		w := watched{metric["Namespace"].(string), metric["MetricName"].(string), fmt.Sprint(statistic), object{}, period.(float64)}
		for _, d := range metric["Dimensions"].(list) {
			w.dimensions[d.(object)["Name"].(string)] = d.(object)["Value"]
		}
		found = append(found, w)
	}
	queries, several := a.Properties["Metrics"].(list)
	if !several {
		statistic, extended := a.Properties["Statistic"], a.Properties["ExtendedStatistic"]
		if (statistic == nil) == (extended == nil) {
			t.Errorf("%s: statistic %v and extended statistic %v, want one of them", a.ID, statistic, extended)
		}
		read(a.Properties, cmp.Or(statistic, extended), a.Properties["Period"])
		return found
	}
	var ids []string
	for _, q := range queries[:len(queries)-1] {
		query := q.(object)
		ids = append(ids, query["Id"].(string))
		equal(t, a.ID+": a part is data", query["ReturnData"], any(false))
		stat := query["MetricStat"].(object)
		read(stat["Metric"].(object), stat["Stat"], stat["Period"])
	}
	equal(t, a.ID+": the sum", queries[len(queries)-1], any(object{
		"Id": "sum", "Expression": strings.Join(ids, " + "), "ReturnData": true, "Label": queries[len(queries)-1].(object)["Label"],
	}))
	return found
}

// TestWatchDoesNotBlindTheAlarms: a redrive --watch holds a dead letter that it cannot
// replay nearly all of the time, so that it is seldom visible.
func TestWatchDoesNotBlindTheAlarms(t *testing.T) {
	set := defaultSet(t)
	s := synthesize(t, set)
	for _, region := range set.Regions {
		seen := 0
		for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
			if name := a.at("AlarmName"); name != any(set.Name+"-dead-letters") && name != any(set.Name+"-dead-letters-old") {
				continue
			}
			seen++
			period := map[any]float64{any(set.Name + "-dead-letters"): 300, any(set.Name + "-dead-letters-old"): 3600}[a.at("AlarmName")]
			var want []watched
			for _, metric := range []string{"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"} {
				want = append(want, watched{"AWS/SQS", metric, "Maximum", object{"QueueName": set.QueueName()}, period})
			}
			equal(t, region+": "+a.ID, watchedBy(t, a), want)
			equal(t, region+": "+a.ID+" over", a.at("Threshold"), any(0.0))
		}
		equal(t, region+": alarms of dead letters", seen, 2)
	}
}

// TestAlarmsNameWhatExists checks each alarm's dimensions: CloudWatch takes
// any, and an alarm at a misspelt name would be silent for ever.
func TestAlarmsNameWhatExists(t *testing.T) {
	set := defaultSet(t)
	set.Follow, set.Reconcile = everything, daily()
	s := synthesize(t, set)
	region := set.Regions[0]
	names := map[string]string{
		"QueueName": set.QueueName(), "FunctionName": set.FunctionName(), "TopicName": set.TopicName(),
		"ReplicaSet": set.Name, "TargetRegion": region,
	}
	for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
		for _, m := range watchedBy(t, a) {
			for name, value := range m.dimensions {
				if want, ok := names[name]; !ok || value != any(want) {
					t.Errorf("%s: dimension %s of %s is %v, want %q", a.ID, name, m.name, value, want)
				}
			}
		}
		switch a.at("AlarmName") {
		// TestNotRepairedStaysUntilAComparisonFindsNothing looks at them
		case any(set.Name + "-not-proven"), any(set.Name + "-not-repaired"):
		default:
			equal(t, a.ID+": missing data", a.at("TreatMissingData"), any("notBreaching"))
		}
	}
}

// TestOneDashboardForAllRegions checks that the stack of the first Region alone has a
// dashboard, that its widgets stand side by side in the grid, and that they show every
// Region's metrics, of all that have an alarm but those that nobody looks at before it
// is one.
func TestOneDashboardForAllRegions(t *testing.T) {
	plain := defaultSet(t)
	busy := plain
	busy.Follow, busy.Reconcile = everything, daily()
	for _, set := range []replicaset.Config{plain, busy} {
		s := synthesize(t, set)
		for _, region := range set.Regions[1:] {
			if boards := s.regions[region].all("AWS::CloudWatch::Dashboard"); len(boards) != 0 {
				t.Errorf("%s: %d dashboards, want none", region, len(boards))
			}
		}
		board := s.regions[set.Regions[0]].one(t, "AWS::CloudWatch::Dashboard")
		equal(t, "name", board.at("DashboardName"), any(set.Name+"-"+set.Regions[0]))
		var body struct {
			Widgets []struct {
				X, Y, Width, Height int
				Properties          struct{ Metrics [][]any }
			}
		}
		if err := json.Unmarshal([]byte(board.at("DashboardBody").(string)), &body); err != nil {
			t.Fatal(err)
		}
		taken, shown, different := map[[2]int]bool{}, map[string]bool{}, map[string]bool{}
		for _, w := range body.Widgets {
			if w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 || taken[[2]int{w.X, w.Y}] {
				t.Errorf("a widget at %d,%d of %d x %d does not fit", w.X, w.Y, w.Width, w.Height)
			}
			taken[[2]int{w.X, w.Y}] = true
			for _, m := range w.Properties.Metrics {
				region := m[len(m)-1].(map[string]any)["region"].(string)
				if i := slices.Index(m, any("TargetRegion")); i >= 0 {
					equal(t, "target of a line", m[i+1], any(region))
				}
				shown[region+" "+m[1].(string)] = true
				different[fmt.Sprint(region, m[:len(m)-1])] = true
			}
		}
		// The free tier of CloudWatch has three dashboards of up to 50 metrics.
		if n := len(different); !set.Follow.Any() && n != 48 {
			t.Errorf("the dashboard of three Regions has %d metrics, want 48", n)
		}
		silent := map[string]bool{"NumberOfNotificationsFailedToRedriveToDlq": true}
		for _, region := range set.Regions {
			for _, a := range s.regions[region].all("AWS::CloudWatch::Alarm") {
				for _, m := range watchedBy(t, a) {
					if !shown[region+" "+m.name] && !silent[m.name] {
						t.Errorf("%s: no widget shows %s, which has an alarm", region, m.name)
					}
				}
			}
		}
	}
}
