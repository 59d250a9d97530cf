package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

const (
	defaultRecords = 50
	maxRecords     = 100
)

// describeAlarms answers with the Region's metric alarms, by name. There are no
// composite ones
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html).
func (s *Service) describeAlarms(ctx context.Context, region string, input cbor.Value) (cbor.Value, error) {
	in := reader{}
	m := in.object("the request", input, "AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "MaxRecords", "NextToken")
	prefix, state, after := in.text(m, "AlarmNamePrefix"), State(in.text(m, "StateValue")), in.text(m, "NextToken")
	names, types := in.texts(m, "AlarmNames"), in.texts(m, "AlarmTypes")
	records := defaultRecords
	if m["MaxRecords"] != nil {
		n, err := cbor.AsInt32(m["MaxRecords"])
		if err != nil || n < 1 || n > maxRecords {
			in.fail("The parameter MaxRecords must be 1 to %d.", maxRecords)
		}
		records = int(n)
	}
	if len(names) > maxRecords {
		in.fail("The parameter AlarmNames must have at most %d members.", maxRecords)
	}
	if len(names) > 0 && prefix != "" {
		in.fail("The parameters AlarmNames and AlarmNamePrefix must not be used together.")
	}
	for _, t := range types {
		if t != "MetricAlarm" && t != "CompositeAlarm" {
			in.fail("The sandbox's CloudWatch has no alarms of the type %q.", t)
		}
	}
	if state != "" && !slices.Contains([]State{OK, Raised, InsufficientData}, state) {
		in.fail("The parameter StateValue has the value %q, which is no state.", string(state))
	}
	if in.err != nil {
		return nil, in.err
	}
	if err := s.Evaluate(ctx, region); err != nil {
		return nil, err
	}
	found, next := cbor.List{}, ""
	for _, a := range s.alarmsOf(region) {
		switch {
		case len(types) > 0 && !slices.Contains(types, "MetricAlarm"), len(names) > 0 && !slices.Contains(names, a.Name):
		case !strings.HasPrefix(a.Name, prefix), state != "" && a.state != state, a.Name <= after:
		case len(found) == records:
			next = lastName(found)
		default:
			found = append(found, a.described())
		}
	}
	answer := cbor.Map{"MetricAlarms": found, "CompositeAlarms": cbor.List{}}
	if next != "" {
		answer["NextToken"] = cbor.String(next)
	}
	return answer, nil
}

// lastName is what the next page begins after.
func lastName(found cbor.List) string {
	return string(found[len(found)-1].(cbor.Map)["AlarmName"].(cbor.String))
}

func (a alarm) described() cbor.Map {
	m := cbor.Map{
		"AlarmName": cbor.String(a.Name), "AlarmArn": cbor.String(a.arn), "ActionsEnabled": cbor.Bool(!a.Muted),
		"AlarmConfigurationUpdatedTimestamp": moment(a.changed),
		"StateValue":                         cbor.String(a.state), "StateReason": cbor.String(a.reason),
		"StateUpdatedTimestamp": moment(a.since), "StateTransitionedTimestamp": moment(a.since),
		"AlarmActions": texts(a.AlarmActions), "OKActions": texts(a.OKActions), "InsufficientDataActions": texts(a.InsufficientDataActions),
		"EvaluationPeriods":  cbor.Uint(a.EvaluationPeriods), //nolint:gosec // at least 1
		"DatapointsToAlarm":  cbor.Uint(a.DatapointsToAlarm), //nolint:gosec // at least 1
		"ComparisonOperator": cbor.String(a.Comparison), "Threshold": cbor.Float64(a.Threshold),
		"TreatMissingData": cbor.String(a.MissingData),
	}
	if a.Description != "" {
		m["AlarmDescription"] = cbor.String(a.Description)
	}
	if a.Stat != nil {
		maps.Copy(m, a.Stat.described())
		m["Period"] = seconds(a.Stat.Period)
		name := "Statistic"
		if isExtended(a.Stat.Stat) {
			name = "ExtendedStatistic"
		}
		m[name] = cbor.String(a.Stat.Stat)
		if a.Stat.Unit != "" {
			m["Unit"] = cbor.String(a.Stat.Unit)
		}
		return m
	}
	queries := cbor.List{}
	for _, q := range a.Queries {
		described := cbor.Map{"Id": cbor.String(q.ID), "ReturnData": cbor.Bool(q.ReturnData)}
		if q.Label != "" {
			described["Label"] = cbor.String(q.Label)
		}
		if q.Stat == nil {
			described["Expression"] = cbor.String(q.Expression)
		} else {
			stat := cbor.Map{"Metric": q.Stat.described(), "Period": seconds(q.Stat.Period), "Stat": cbor.String(q.Stat.Stat)}
			if q.Stat.Unit != "" {
				stat["Unit"] = cbor.String(q.Stat.Unit)
			}
			described["MetricStat"] = stat
		}
		queries = append(queries, described)
	}
	m["Metrics"] = queries
	return m
}

func (m Metric) described() cbor.Map {
	dimensions := cbor.List{}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		dimensions = append(dimensions, cbor.Map{"Name": cbor.String(name), "Value": cbor.String(m.Dimensions[name])})
	}
	return cbor.Map{"Namespace": cbor.String(m.Namespace), "MetricName": cbor.String(m.Name), "Dimensions": dimensions}
}

func moment(t time.Time) cbor.Value {
	return &cbor.Tag{ID: epochSeconds, Value: cbor.Float64(float64(t.UnixMilli()) / 1000)}
}

func seconds(d time.Duration) cbor.Value { return cbor.Uint(d / time.Second) } //nolint:gosec // a period is positive

func texts(list []string) cbor.List {
	l := cbor.List{}
	for _, text := range list {
		l = append(l, cbor.String(text))
	}
	return l
}
