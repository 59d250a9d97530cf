package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

// State is what an alarm says.
type State string

// The states of an alarm
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html).
const (
	OK               State = "OK"
	Raised           State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// evaluateEvery is how often alarms are evaluated: AWS does it every minute.
const evaluateEvery = 10 * time.Second

// MetricStat is a statistic of a metric over periods.
type MetricStat struct {
	Metric
	Stat   string // as Sum or p99
	Period time.Duration
	Unit   string // any if empty
}

// MetricQuery is a part of an alarm on an expression: a statistic or an expression.
type MetricQuery struct {
	ID, Label  string
	Stat       *MetricStat
	Expression string
	ReturnData bool // true for the query that is compared with the threshold
}

// AlarmConfig describes a metric alarm. It has Stat or Queries. What is empty is
// as on AWS: DatapointsToAlarm is EvaluationPeriods, MissingData is "missing".
type AlarmConfig struct {
	Name, Description string
	Stat              *MetricStat
	Queries           []MetricQuery
	EvaluationPeriods int
	DatapointsToAlarm int
	Comparison        string // as GreaterThanThreshold
	Threshold         float64
	MissingData       string // missing, notBreaching, breaching or ignore

	// The ARNs of the topics that are notified, unless Muted.
	AlarmActions, OKActions, InsufficientDataActions []string
	Muted                                            bool
}

// alarm is one with its state.
type alarm struct {
	AlarmConfig
	arn     string
	state   State
	reason  string
	since   time.Time // of the state
	changed time.Time // of the configuration
}

// alarms are those of all Regions.
type alarms struct {
	// evaluating lets one evaluation go on at a time, so that actions are in the
	// order of the states. It is taken before the service's mu.
	evaluating sync.Mutex
	byRegion   map[string]map[string]*alarm // by Region and name; under the service's mu
}

// PutAlarm makes an alarm and returns its ARN, or gives the one of that name other
// properties. A new one has INSUFFICIENT_DATA until it is evaluated.
func (s *Service) PutAlarm(region string, c AlarmConfig) (arn string, err error) {
	if c.DatapointsToAlarm == 0 {
		c.DatapointsToAlarm = c.EvaluationPeriods
	}
	if c.MissingData == "" {
		c.MissingData = missing
	}
	if err := c.check(); err != nil {
		return "", fmt.Errorf("alarm %s: %w", c.Name, err)
	}
	now := s.cfg.Now().UTC()
	arn = s.alarmARN(region, c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alarms.byRegion[region] == nil {
		s.alarms.byRegion[region] = map[string]*alarm{}
	}
	if old := s.alarms.byRegion[region][c.Name]; old != nil {
		old.AlarmConfig, old.changed = c, now
		return arn, nil
	}
	s.alarms.byRegion[region][c.Name] = &alarm{
		AlarmConfig: c, arn: arn, state: InsufficientData, reason: "Unchecked: Initial alarm creation", since: now, changed: now,
	}
	return arn, nil
}

// HasAlarm tells whether a Region has an alarm of that name.
func (s *Service) HasAlarm(region, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alarms.byRegion[region][name] != nil
}

// DeleteAlarm ends an alarm; one that is gone is no error.
func (s *Service) DeleteAlarm(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alarms.byRegion[region], name)
}

// Watch evaluates all alarms every ten seconds, until ctx ends.
func (s *Service) Watch(ctx context.Context) {
	clock := time.NewTicker(evaluateEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			s.mu.Lock()
			regions := slices.Sorted(maps.Keys(s.alarms.byRegion))
			s.mu.Unlock()
			for _, region := range regions {
				if err := s.Evaluate(ctx, region); err != nil {
					s.cfg.Logger.Warn("alarms are not evaluated", "region", region, "error", err.Error())
				}
			}
		}
	}
}

// Evaluate brings a Region's alarms up to date, and tells their topics of those
// that changed. DescribeAlarms does so too: its answer is never out of date.
func (s *Service) Evaluate(ctx context.Context, region string) error {
	s.alarms.evaluating.Lock()
	defer s.alarms.evaluating.Unlock()
	if err := s.readLogs(region); err != nil {
		return err
	}
	now := s.cfg.Now().UTC()
	for _, a := range s.alarmsOf(region) {
		for _, m := range a.stats() {
			s.sample(region, m.Metric, now)
		}
		state, reason := a.evaluate(now, func(m MetricStat, begin, end time.Time) []value { return s.kept(region, m, begin, end) })
		if state == a.state {
			continue
		}
		before, was := a.state, s.turn(region, a.Name, state, reason, now)
		if was != nil {
			s.act(ctx, region, *was, before)
		}
	}
	return nil
}

// turn gives an alarm another state. It returns the alarm as it is then, nil if
// it has been deleted.
func (s *Service) turn(region, name string, state State, reason string, now time.Time) *alarm {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alarms.byRegion[region][name]
	if a == nil {
		return nil
	}
	a.state, a.reason, a.since = state, reason, now
	is := *a
	return &is
}

// alarmsOf are copies of a Region's alarms, by name.
func (s *Service) alarmsOf(region string) []alarm {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []alarm
	for _, name := range slices.Sorted(maps.Keys(s.alarms.byRegion[region])) {
		list = append(list, *s.alarms.byRegion[region][name])
	}
	return list
}

func (s *Service) alarmARN(region, name string) string {
	return fmt.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:%s", s.cfg.Partition, region, s.cfg.AccountID, name)
}

// sample looks at a metric that something has at any moment, as SQS reports a
// queue's once a minute. Of each minute the highest value is kept: what lasted for
// seconds alone raises an alarm as well, as it may on AWS.
func (s *Service) sample(region string, m Metric, now time.Time) {
	if s.cfg.Gauge == nil {
		return
	}
	n, ok := s.cfg.Gauge(region, m)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	minute := now.Truncate(time.Minute)
	if metric := s.series[region][m.key()]; metric != nil {
		if last := metric.last(); last.time.Equal(minute) {
			last.number = max(last.number, n)
			return
		}
	}
	s.put(region, Datum{Metric: m, Time: minute, Value: n, Unit: "Count"})
}

// kept are a statistic's values from begin on and before end.
func (s *Service) kept(region string, m MetricStat, begin, end time.Time) []value {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.series[region][m.key()].between(m.Unit, begin, end)
}

// stats are the statistics that the alarm looks at.
func (c AlarmConfig) stats() []MetricStat {
	if c.Stat != nil {
		return []MetricStat{*c.Stat}
	}
	var list []MetricStat
	for _, q := range c.Queries {
		if q.Stat != nil {
			list = append(list, *q.Stat)
		}
	}
	return list
}

var printableASCII = regexp.MustCompile(`^[\x20-\x7e]+$`)

// mostNameBytes is of a name of an alarm and of an ID of a query. It is compared, as a
// pattern that counts so far takes 200 KiB.
const mostNameBytes = 255

func validAlarmName(name string) bool {
	return len(name) <= mostNameBytes && printableASCII.MatchString(name)
}

// check finds what CloudWatch would refuse
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html),
// or the sandbox does not have.
func (c AlarmConfig) check() error {
	switch {
	case !validAlarmName(c.Name):
		return errors.New("the name has other than 1 to 255 printable ASCII characters")
	case c.EvaluationPeriods < 1:
		return errors.New("EvaluationPeriods must be at least 1")
	case c.DatapointsToAlarm < 1 || c.DatapointsToAlarm > c.EvaluationPeriods:
		return errors.New("DatapointsToAlarm must be 1 to EvaluationPeriods")
	case compares[c.Comparison].breaches == nil:
		return fmt.Errorf(
			"the sandbox does not have the ComparisonOperator %q; it has %v", c.Comparison, slices.Sorted(maps.Keys(compares)),
		)
	case !slices.Contains([]string{missing, notBreaching, breaching, ignore}, c.MissingData):
		return fmt.Errorf("TreatMissingData %q is none of missing, notBreaching, breaching and ignore", c.MissingData)
	case (c.Stat == nil) == (len(c.Queries) == 0):
		return errors.New("it must have either a MetricName or Metrics")
	}
	if err := c.checkQueries(); err != nil {
		return err
	}
	period := c.period()
	for _, m := range c.stats() {
		if m.Namespace == "" || m.Name == "" {
			return errors.New("the Namespace and the MetricName are required")
		}
		if _, err := parseStatistic(m.Stat); err != nil {
			return fmt.Errorf("the sandbox does not have the statistic %q; %w", m.Stat, err)
		}
		if m.Period != period {
			return errors.New("all metrics of an expression must have the same Period")
		}
	}
	short := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}
	if !slices.Contains(short, period) && (period <= 0 || period%time.Minute != 0) {
		return errors.New("the Period must be 10, 20, 30 or a multiple of 60 seconds")
	}
	longest := 24 * time.Hour
	if period >= time.Hour {
		longest *= 7
	}
	if time.Duration(c.EvaluationPeriods)*period > longest {
		return fmt.Errorf("EvaluationPeriods times Period must not exceed %v", longest)
	}
	return nil
}

// checkQueries finds what is wrong with an alarm's queries.
func (c AlarmConfig) checkQueries() error {
	if c.Stat != nil {
		return nil
	}
	ids, returned := map[string]bool{}, 0
	for _, q := range c.Queries {
		if !validQueryID(q.ID) || ids[q.ID] {
			return fmt.Errorf("the Id %q of Metrics is not valid, or not unique", q.ID)
		}
		ids[q.ID] = true
		if (q.Stat == nil) == (q.Expression == "") {
			return fmt.Errorf("metric %s must have either a MetricStat or an Expression", q.ID)
		}
		if q.ReturnData {
			returned++
		}
	}
	if returned != 1 {
		return errors.New("exactly one of Metrics must have ReturnData true")
	}
	if len(c.stats()) == 0 {
		return errors.New("none of Metrics has a MetricStat")
	}
	for _, q := range c.Queries {
		if q.Expression == "" {
			continue
		}
		e, err := parseExpression(q.Expression)
		if err != nil {
			return fmt.Errorf("metric %s: %w", q.ID, err)
		}
		for _, id := range e.ids() {
			at := slices.IndexFunc(c.Queries, func(o MetricQuery) bool { return o.ID == id })
			if at < 0 || c.Queries[at].Stat == nil {
				return fmt.Errorf("metric %s: the sandbox takes the Ids of MetricStats in an Expression, and %q is none", q.ID, id)
			}
		}
	}
	return nil
}

// period is that of the alarm's metrics.
func (c AlarmConfig) period() time.Duration { return c.stats()[0].Period }
