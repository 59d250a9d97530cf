package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// servicePrincipal is who publishes to an alarm's topics
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
const servicePrincipal = "cloudwatch.amazonaws.com"

// timestamp is how an alarm's message writes times.
const timestamp = "2006-01-02T15:04:05.000-0700"

// act tells an alarm's topics of its new state. As on AWS an action that fails
// changes nothing; the log says so. It is done even if ctx has ended: the state has
// changed.
func (s *Service) act(ctx context.Context, region string, a alarm, before State) {
	topics := map[State][]string{Raised: a.AlarmActions, OK: a.OKActions, InsufficientData: a.InsufficientDataActions}[a.state]
	if a.Muted || s.cfg.Publish == nil || len(topics) == 0 {
		return
	}
	subject := fmt.Sprintf("%s: %q in %s", a.state, a.Name, region)
	message, err := s.message(region, a, before)
	for _, topic := range topics {
		if err == nil {
			caller := iam.Caller{Service: servicePrincipal, SourceARN: a.arn, SourceAccount: s.cfg.AccountID}
			err = s.cfg.Publish(context.WithoutCancel(ctx), caller, topic, cut(subject, 100), string(message))
		}
		if err != nil {
			s.cfg.Logger.Warn("an alarm's action failed", "region", region, "alarm", a.Name, "action", topic, "error", err.Error())
			err = nil
		}
	}
}

func cut(text string, length int) string { return text[:min(len(text), length)] }

// message is what CloudWatch publishes; the Region goes by its code, and not by its
// name as on AWS.
func (s *Service) message(region string, a alarm, before State) ([]byte, error) {
	return json.Marshal(struct {
		AlarmName                          string
		AlarmDescription                   *string
		AWSAccountID                       string `json:"AWSAccountId"`
		AlarmConfigurationUpdatedTimestamp string
		NewStateValue                      State
		NewStateReason                     string
		StateChangeTime                    string
		Region                             string
		AlarmARN                           string `json:"AlarmArn"`
		OldStateValue                      State
		OKActions                          []string
		AlarmActions                       []string
		InsufficientDataActions            []string
		Trigger                            map[string]any
	}{
		a.Name, orNil(a.Description), s.cfg.AccountID, a.changed.Format(timestamp), a.state, a.reason, a.since.Format(timestamp),
		region, a.arn, before, list(a.OKActions), list(a.AlarmActions), list(a.InsufficientDataActions), a.trigger(),
	})
}

// list is never null.
func list(actions []string) []string { return append([]string{}, actions...) }

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// trigger is what the alarm watches, as its message has it.
func (c AlarmConfig) trigger() map[string]any {
	t := map[string]any{
		"Period": int(c.period().Seconds()), "EvaluationPeriods": c.EvaluationPeriods, "DatapointsToAlarm": c.DatapointsToAlarm,
		"ComparisonOperator": c.Comparison, "Threshold": c.Threshold, "TreatMissingData": c.MissingData,
		"EvaluateLowSampleCountPercentile": "",
	}
	if c.Stat != nil {
		t["MetricName"], t["Namespace"], t["Dimensions"], t["Unit"] = c.Stat.Name, c.Stat.Namespace, c.Stat.dimensions(), orNil(c.Stat.Unit)
		if isExtended(c.Stat.Stat) {
			t["StatisticType"], t["ExtendedStatistic"] = "ExtendedStatistic", c.Stat.Stat
		} else {
			t["StatisticType"], t["Statistic"] = "Statistic", strings.ToUpper(c.Stat.Stat)
		}
		return t
	}
	var metrics []map[string]any
	for _, q := range c.Queries {
		m := map[string]any{"Id": q.ID, "ReturnData": q.ReturnData}
		if q.Label != "" {
			m["Label"] = q.Label
		}
		if q.Expression != "" {
			m["Expression"] = q.Expression
		} else {
			m["MetricStat"] = map[string]any{
				"Metric": map[string]any{"Dimensions": q.Stat.dimensions(), "MetricName": q.Stat.Name, "Namespace": q.Stat.Namespace},
				"Period": int(q.Stat.Period.Seconds()), "Stat": q.Stat.Stat,
			}
		}
		metrics = append(metrics, m)
	}
	t["Metrics"] = metrics
	return t
}

// dimensions are written as an alarm's message has them.
func (m Metric) dimensions() []map[string]string {
	list := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		list = append(list, map[string]string{"value": m.Dimensions[name], "name": name})
	}
	return list
}

// isExtended tells percentiles and the like from the five basic statistics.
func isExtended(statistic string) bool {
	return !slices.Contains([]string{"Sum", "Average", "Minimum", "Maximum", "SampleCount"}, statistic)
}
