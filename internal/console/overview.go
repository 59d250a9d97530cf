package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
)

// The states of a Region and of a pair, the worst last. Each is shown as a word and a
// sign, too.
const (
	stateIdle    = "idle" // nothing arrived, and nothing waits
	stateOK      = "ok"
	stateUnknown = "unknown"
	stateWarning = "warning"
	stateFailed  = "failed"
)

// overview is what the first page shows.
type overview struct {
	Set      string
	State    string
	Regions  []regionView
	Pairs    []pairView // the worst first
	Arrows   []arrow
	Findings findingsView
	Next     []string
}

// regionView is a Region. A number that is not known is nil.
type regionView struct {
	document.StatusRegion

	State          string
	X, Y           float64 // of its circle
	LabelX, LabelY float64
	MarkY          float64
	Anchor         string // SVG's text-anchor
	Uploads        *int64
	Received       *float64
	Rate           *float64 // of what is received, a minute
	Trend          Trend
	Waiting        *int64
	WaitingSeconds *float64
	Waits          bool
	Found          map[string]int // findings by severity
	Alarms         *alarmCount
	Proofs         bool // the set has reconcile
	Silent         bool
	Since          time.Time // when a silent Region answered last; zero: never
}

// slow and late are the 99th percentile of a pair that is not well, in milliseconds:
// a minute is longer than AWS's events typically take, 15 minutes is what S3's own
// Replication Time Control promises.
const (
	slow = 60_000
	late = 15 * 60_000
)

// glance is all that the overview is made of.
type glance struct {
	look    Look
	trends  []Trend
	alarms  *alarmsView // nil: not asked for yet
	letters pairLetters
	proofs  bool
}

func newOverview(g glance) overview {
	o := overview{Set: g.look.ReplicaSet, State: stateOK, Findings: newFindings(g.look.Findings, mostFindings), Next: g.look.Next}
	for i, r := range g.look.Regions {
		v := newRegion(r, g)
		v.place(i, len(g.look.Regions))
		o.Regions = append(o.Regions, v)
		o.State = worse(o.State, v.State)
	}
	o.addPairs(g.trends, g.letters)
	o.addArrows()
	return o
}

// HowMany says how many of the Regions are in the state of the set, the worst one.
func (o overview) HowMany() string {
	n := 0
	for _, r := range o.Regions {
		if r.State == o.State {
			n++
		}
	}
	switch {
	case n == len(o.Regions) && n == 2:
		return "both"
	case n == len(o.Regions):
		return "all " + strconv.Itoa(n)
	}
	return strconv.Itoa(n) + " of " + strconv.Itoa(len(o.Regions))
}

func newRegion(r document.StatusRegion, g glance) regionView {
	v := regionView{StatusRegion: r, Proofs: g.proofs, Found: map[string]int{}}
	v.Since, v.Silent = g.look.Silent[r.Region]
	for _, f := range g.look.Findings {
		// One finding can be of several.
		if slices.Contains(strings.Split(f.Region, ", "), r.Region) {
			v.Found[f.Severity]++
		}
	}
	// CloudWatch is minutes behind: the age of dead letters that have just come is of
	// none.
	if v.Oldest != nil && *v.Oldest < 1 {
		v.Oldest = nil
	}
	if n, ok := g.look.Uploads[r.Region]; ok {
		v.Uploads = &n
	}
	if g.alarms != nil {
		v.Alarms = g.alarms.of(r.Region)
	}
	v.Waits = r.Behind != nil && r.Behind.Waiting != nil && *r.Behind.Waiting > 0
	if r.Behind != nil {
		v.Waiting = r.Behind.Waiting
		if age := r.Behind.OldestSeconds; age != nil && *age >= 60 { // at the last try; less says little of now
			v.WaitingSeconds = age
		}
	}
	v.Trend = trendTo(r.Region, g.trends)
	v.Received, v.Rate = sum(v.Trend.Replicas), v.Trend.rate()
	v.State = regionState(v)
	return v
}

// regionState is failed, too, where a Region has dead letters: objects wait for
// somebody there.
func regionState(r regionView) string {
	switch {
	case r.Found["failed"] > 0 || r.DeadLetters != nil && *r.DeadLetters > 0:
		return stateFailed
	case r.Behind != nil && r.Behind.OldestSeconds != nil && lagState(*r.Behind.OldestSeconds*1000) == stateFailed:
		return stateFailed
	case r.Silent || r.Found["unknown"] > 0 || r.DeadLetters == nil || r.MetricsUnavailable != "":
		return stateUnknown
	case positive(r.Errors) || positive(r.Throttles) || r.Alarms != nil && r.Alarms.Raised > 0:
		return stateWarning
	case slices.Contains(values(r.Parts), "warning") || slices.Contains(values(r.Parts), "paused"):
		return stateWarning
	}
	return stateOK
}

func positive(n *float64) bool { return n != nil && *n > 0 }

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

func cmpStates(a, b string) int {
	order := []string{stateIdle, stateOK, stateUnknown, stateWarning, stateFailed}
	return slices.Index(order, a) - slices.Index(order, b)
}

func worse(a, b string) string {
	if cmpStates(a, b) > 0 {
		return a
	}
	return b
}
