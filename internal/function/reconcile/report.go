package reconcile

import (
	"log/slog"
	"sync"
	"time"

	"s3fanout/internal/function/emf"
)

// report writes a line about a tick, which carries its metrics.
func (h *Handler) report(log *slog.Logger, status Status, s State, now time.Time, c Counts) {
	m := newMetrics(h.Config.Target.Set, h.Config.Target.Region, now)
	m.counts(c)
	if status != progress {
		m.add("ProofAge", "Seconds", int64(s.age(now)/time.Second))
	}
	m.line(log, status, s)
}

// reportEnd writes the line about a complete comparison, of which c has not been
// reported yet. Where the whole of it left no key unrepaired it says so with a zero, by
// which an alarm ends that another comparison has raised.
func (h *Handler) reportEnd(log *slog.Logger, status Status, s State, now time.Time, c Counts, unrepaired int64, took time.Duration) {
	m := newMetrics(h.Config.Target.Set, h.Config.Target.Region, now)
	m.counts(c)
	if unrepaired == 0 {
		m.add("KeysUnrepaired", "Count", 0)
	}
	m.add("ProofAge", "Seconds", int64(s.age(now)/time.Second))
	m.add("ProofTime", "Seconds", int64(took/time.Second))
	m.line(log, status, s)
}

func (m *metrics) line(log *slog.Logger, status Status, s State) {
	attributes := append(m.attributes(), "status", status)
	if !s.Began.IsZero() {
		attributes = append(attributes, "began", s.Began, "after", s.After, "soFar", s.Counts)
	}
	log.Info("reconcile", attributes...)
}

// progress is the status of a line in the middle of an invocation.
const progress Status = "progress"

// reportRange writes a line about a range, which carries its metrics.
func (h *Handler) reportRange(log *slog.Logger, a Answer, r Range) {
	m := newMetrics(h.Config.Target.Set, h.Config.Target.Region, h.Now())
	m.counts(a.Counts)
	attributes := append(m.attributes(), "status", a.Status, "began", a.Began, "after", r.After, "through", r.Through)
	if a.Range != nil {
		attributes = append(attributes, "left", a.Range.After)
	}
	log.Info("reconcile", attributes...)
}

// metrics are those of one line.
type metrics struct {
	set, region string
	at          time.Time
	definitions []emf.Definition
	values      []any
}

func newMetrics(set, region string, at time.Time) *metrics {
	return &metrics{set: set, region: region, at: at}
}

// counts adds what was counted. Each metric costs money in every hour in which it
// has a value, so that zeros are left out.
func (m *metrics) counts(c Counts) {
	for _, one := range []struct {
		name string
		n    int64
	}{
		{"KeysCompared", c.Compared}, {"KeysMissing", c.Missing}, {"KeysDifferent", c.Different},
		{"KeysRepaired", c.Repaired}, {"KeysUnrepaired", c.Unrepaired},
	} {
		if one.n != 0 {
			m.add(one.name, "Count", one.n)
		}
	}
}

func (m *metrics) add(name, unit string, value int64) {
	m.definitions = append(m.definitions, emf.Definition{Name: name, Unit: unit})
	m.values = append(m.values, name, value)
}

func (m *metrics) attributes() []any {
	list := []any{"ReplicaSet", m.set, "TargetRegion", m.region}
	if len(m.values) == 0 {
		return list
	}
	list = append(list, m.values...)
	return append(list, emf.Attribute, emf.Envelope{Timestamp: m.at.UnixMilli(), Directives: []emf.Directive{{
		Namespace: emf.Namespace, Dimensions: [][]string{{"ReplicaSet", "TargetRegion"}}, Metrics: m.definitions,
	}}})
}

// mostNamed is how many keys an invocation names.
const mostNamed = 100

// named names keys that stay different in the log, and counts those that are too
// many.
type named struct {
	log *slog.Logger

	mu    sync.Mutex
	n     int
	rest  int
	byWhy map[string]int // the rest
}

func (n *named) add(key, region, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.n++; n.n <= mostNamed {
		n.log.Warn("key not repaired", "key", key, "sourceRegion", region, "why", why)
		return
	}
	n.rest++
	if n.byWhy == nil {
		n.byWhy = map[string]int{}
	}
	if _, known := n.byWhy[why]; !known && len(n.byWhy) >= 8 {
		why = "other reasons" // errors name keys
	}
	n.byWhy[why]++
}

// end says how many keys were not named.
func (n *named) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rest > 0 {
		n.log.Warn("not all keys that were not repaired are named; s3fanout verify lists all", "keys", n.rest, "why", n.byWhy)
	}
}
