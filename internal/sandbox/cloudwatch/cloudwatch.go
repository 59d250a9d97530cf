// Package cloudwatch is the sandbox's Amazon CloudWatch, as far as metrics and
// alarms are read: GetMetricData and DescribeAlarms, in the Smithy RPC v2 CBOR
// protocol.
//
// Its figures come from what happens: services count into it, queues are looked
// at when they are asked for, and metrics that a function writes to its log in
// the embedded metric format are taken from there, if its role may write logs at
// all. Data points have the resolution that they have on AWS, one minute or one
// second, and appear at once. The last 10,000 values of each metric are kept;
// older ones are answered in the periods alone that AWS keeps at their age.
//
// Metric alarms, which templates make, are evaluated by CloudWatch's rules, and tell
// topics of their states. They see the minute that runs, so that one is raised at
// once and not after it. Expressions are those of alarms alone; composite alarms,
// history, dashboards and writing operations are refused by name.
package cloudwatch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// Limits of what is kept.
const (
	maxValues = 10_000 // of one metric
	maxSeries = 10_000 // of one Region
)

// Metric identifies a metric: data with other dimensions, or fewer, belong to
// another one
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension).
type Metric struct {
	Namespace  string
	Name       string
	Dimensions map[string]string
}

// key is the metric as a map's key. The parts have no zero bytes.
func (m Metric) key() string {
	parts := []string{m.Namespace, m.Name}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		parts = append(parts, name, m.Dimensions[name])
	}
	return strings.Join(parts, "\x00")
}

// Datum is one value of a metric.
type Datum struct {
	Metric
	Time           time.Time
	Value          float64
	Unit           string // as "Milliseconds"; None if empty
	HighResolution bool   // kept to the second, and not to the minute
}

// Config says where figures come from, and all of it may be missing.
type Config struct {
	Partition, AccountID string // of alarms' ARNs

	// Logs returns the files that a Region's functions write their logs to.
	Logs func(region string) []string
	// Gauge returns what a metric is at this moment; false if it is none that
	// is looked at.
	Gauge func(region string, m Metric) (value float64, ok bool)
	// Publish tells a topic of an alarm.
	Publish func(ctx context.Context, caller iam.Caller, topicARN, subject, message string) error

	Now    func() time.Time // time.Now if nil
	Logger *slog.Logger     // logs embedded metrics that CloudWatch would refuse; nothing is logged if nil
}

// Service holds the metrics of all Regions of one account. Methods may be
// called concurrently.
type Service struct {
	cfg Config

	mu     sync.Mutex
	series map[string]map[string]*series // by Region and metric
	logs   map[string]int64              // by file: how much of it has been read

	alarms alarms
}

// series is the values of one metric, the oldest of which are forgotten.
type series struct {
	values []value
	next   int // where the next value goes, once there are maxValues
}

type value struct {
	time   time.Time
	number float64
	unit   string
}

// New returns a service without metrics.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{
		cfg: c, series: map[string]map[string]*series{}, logs: map[string]int64{},
		alarms: alarms{byRegion: map[string]map[string]*alarm{}},
	}
}

// Put adds a value to a metric of a Region. A metric beyond those that are kept
// is dropped, and the log says so.
func (s *Service) Put(region string, d Datum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(region, d)
}

// put is Put; s.mu is held.
func (s *Service) put(region string, d Datum) {
	metrics := s.series[region]
	if metrics == nil {
		metrics = map[string]*series{}
		s.series[region] = metrics
	}
	key := d.key()
	if metrics[key] == nil {
		if len(metrics) >= maxSeries {
			s.cfg.Logger.Warn("a metric is dropped: there are too many", "region", region, "namespace", d.Namespace, "metric", d.Name)
			return
		}
		metrics[key] = &series{}
	}
	resolution := time.Minute
	if d.HighResolution {
		resolution = time.Second
	}
	if d.Unit == "" {
		d.Unit = "None"
	}
	metrics[key].add(value{d.Time.UTC().Truncate(resolution), d.Value, d.Unit})
}

func (s *series) add(v value) {
	if len(s.values) < maxValues {
		s.values = append(s.values, v)
		return
	}
	s.values[s.next] = v
	s.next = (s.next + 1) % maxValues
}

// last is the value that was added last; a series has one at least.
func (s *series) last() *value {
	return &s.values[(s.next+len(s.values)-1)%len(s.values)]
}

// between returns the values from start on and before end, of one unit if that is
// not empty, in no order. A nil series has none.
func (s *series) between(unit string, start, end time.Time) (list []value) {
	if s == nil {
		return nil
	}
	for _, v := range s.values {
		if !v.time.Before(start) && v.time.Before(end) && (unit == "" || unit == v.unit) {
			list = append(list, v)
		}
	}
	return list
}

// between returns a metric's values from start on and before end, of one unit
// if that is not empty, in no order. Of this minute, what is looked at has the value
// of this moment.
func (s *Service) between(region string, m Metric, unit string, start, end time.Time) []value {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.series[region][m.key()].between(unit, start, end)
	if s.cfg.Gauge == nil {
		return list
	}
	n, ok := s.cfg.Gauge(region, m)
	minute := s.cfg.Now().UTC().Truncate(time.Minute)
	if !ok || minute.Before(start) || !minute.Before(end) {
		return list
	}
	list = slices.DeleteFunc(list, func(v value) bool { return v.time.Equal(minute) })
	return append(list, value{minute, n, unit})
}
