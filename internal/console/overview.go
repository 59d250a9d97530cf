package console

import (
	"math"
	"slices"

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
	Pairs    []pairView
	Arrows   []arrow
	Findings []document.Finding
	Next     []string
}

// regionView is a Region. A number that is not known is nil.
type regionView struct {
	document.StatusRegion

	State           string
	X, Y            float64 // of its circle
	LabelX, LabelY  float64
	MarkY           float64
	Anchor          string // SVG's text-anchor
	Received, Sent  *float64
	Waiting         *int64
	WaitingSeconds  *float64
	Waits           bool
	Failed, Unknown int // findings
}

// pairView is what goes from one Region to another.
type pairView struct {
	Source, Target string
	State          string
	Lag            *document.StatusLag
	Waiting        *int64
	Replicas       *float64 // of the last hours
	Trend          Trend
}

// arrow is a pair's line in the ring.
type arrow struct {
	pairView

	X1, Y1, X2, Y2 float64
}

// mostArrows is how many Regions have all their arrows drawn; of more, only those that
// are not well.
const mostArrows = 6

// slow and late are the 99th percentile of a pair that is not well, in milliseconds:
// a minute is longer than AWS's events typically take, 15 minutes is what S3's own
// Replication Time Control promises.
const (
	slow = 60_000
	late = 15 * 60_000
)

func newOverview(s document.Status, trends []Trend) overview {
	o := overview{Set: s.ReplicaSet, State: stateOK, Findings: urgent(s.Findings), Next: s.Next}
	for i, r := range s.Regions {
		v := regionView{StatusRegion: r, State: stateOK}
		v.place(i, len(s.Regions))
		for _, f := range s.Findings {
			if f.Region != r.Region {
				continue
			}
			switch f.Severity {
			case "failed":
				v.Failed++
			case "unknown":
				v.Unknown++
			}
		}
		// CloudWatch is minutes behind: the age of letters that have just come is of none.
		if v.Oldest != nil && *v.Oldest < 1 {
			v.Oldest = nil
		}
		v.State = regionState(v)
		v.Waits = r.Behind != nil && r.Behind.Waiting != nil && *r.Behind.Waiting > 0
		if r.Behind != nil {
			v.Waiting, v.WaitingSeconds = r.Behind.Waiting, r.Behind.OldestSeconds
		}
		v.Received = sumOf(trends, func(t Trend) bool { return t.TargetRegion == r.Region })
		v.Sent = mostOf(trends, func(t Trend) bool { return t.SourceRegion == r.Region })
		o.Regions = append(o.Regions, v)
		o.State = worse(o.State, v.State)
	}
	o.addPairs(trends)
	return o
}

func (o *overview) addPairs(trends []Trend) {
	for i, target := range o.Regions {
		for j, source := range o.Regions {
			if i == j {
				continue
			}
			p := newPair(source.Region, target, trends)
			o.Pairs = append(o.Pairs, p)
			if len(o.Regions) <= mostArrows || p.State == stateWarning || p.State == stateFailed {
				o.Arrows = append(o.Arrows, newArrow(p, source, target))
			}
		}
	}
	slices.SortFunc(o.Pairs, func(a, b pairView) int {
		return cmpStates(b.State, a.State)
	})
}

func newPair(source string, target regionView, trends []Trend) pairView {
	p := pairView{Source: source, Target: target.Region}
	for _, l := range target.Lag {
		if l.SourceRegion == source {
			p.Lag = &l
		}
	}
	if target.Behind != nil {
		for _, s := range target.Behind.Sources {
			if s.SourceRegion == source {
				p.Waiting = s.Waiting
			}
		}
	}
	for _, t := range trends {
		if t.SourceRegion == source && t.TargetRegion == target.Region {
			p.Trend, p.Replicas = t, sum(t.Replicas)
		}
	}
	p.State = pairState(p, target)
	return p
}

// pairState is that of the target where copies fail there, and else that of what
// arrives and waits.
func pairState(p pairView, target regionView) string {
	state := stateIdle
	if p.Lag != nil {
		state = lagState(p.Lag.P99)
	}
	if b := target.Behind; b == nil || p.Waiting == nil || target.MetricsUnavailable != "" {
		state = worse(state, stateUnknown)
	} else if *p.Waiting > 0 && b.OldestSeconds != nil {
		state = worse(state, lagState(*b.OldestSeconds*1000))
	}
	if target.DeadLetters == nil || *target.DeadLetters > 0 {
		state = worse(state, regionState(target))
	}
	return state
}

// lagState judges for how long something takes or waits, in milliseconds.
func lagState(ms float64) string {
	switch {
	case ms > late:
		return stateFailed
	case ms > slow:
		return stateWarning
	}
	return stateOK
}

// regionState is failed, too, where a Region has dead letters: objects wait for
// somebody there.
func regionState(r regionView) string {
	switch {
	case r.Failed > 0 || r.DeadLetters != nil && *r.DeadLetters > 0:
		return stateFailed
	case r.Behind != nil && r.Behind.OldestSeconds != nil && lagState(*r.Behind.OldestSeconds*1000) == stateFailed:
		return stateFailed
	case r.Unknown > 0 || r.DeadLetters == nil || r.MetricsUnavailable != "":
		return stateUnknown
	case positive(r.Errors) || positive(r.Throttles):
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

// urgent puts what failed first.
func urgent(findings []document.Finding) []document.Finding {
	order := []string{"failed", "unknown", "warning", "note"}
	list := slices.Clone(findings)
	slices.SortStableFunc(list, func(a, b document.Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return list
}

// sum is nil without any point.
func sum(points []*float64) (total *float64) {
	for _, p := range points {
		if p == nil {
			continue
		}
		if total == nil {
			total = new(float64)
		}
		*total += *p
	}
	return total
}

// sumOf is nil where some of it is not known.
func sumOf(trends []Trend, of func(Trend) bool) *float64 {
	var all []*float64
	for _, t := range trends {
		switch {
		case !of(t):
		case t.Unavailable != "":
			return nil
		default:
			all = append(all, t.Replicas...)
		}
	}
	return sum(all)
}

// mostOf is the greatest number of replicas that any target got: an upload has one in
// each.
func mostOf(trends []Trend, of func(Trend) bool) (most *float64) {
	for _, t := range trends {
		if !of(t) {
			continue
		}
		if t.Unavailable != "" {
			return nil
		}
		if n := sum(t.Replicas); n != nil && (most == nil || *n > *most) {
			most = n
		}
	}
	return most
}

// The ring's size, in the units of its SVG.
const (
	ringWidth, ringHeight = 640.0, 420.0
	ringRadius            = 145.0
	circle                = 17.0
)

func (r *regionView) place(i, n int) {
	angle := 2*math.Pi*float64(i)/float64(n) - math.Pi/2
	sin, cos := math.Sin(angle), math.Cos(angle)
	r.X, r.Y = ringWidth/2+1.35*ringRadius*cos, ringHeight/2+ringRadius*sin
	r.MarkY = r.Y + 5
	r.LabelX, r.LabelY = r.X+1.6*circle*cos, r.Y+2.1*circle*sin+5
	switch {
	case cos > 0.3:
		r.Anchor = "start"
	case cos < -0.3:
		r.Anchor = "end"
	default:
		r.Anchor = "middle"
	}
}

// newArrow ends at the circles' edges, beside the arrow of the other direction.
func newArrow(p pairView, from, to regionView) arrow {
	dx, dy := to.X-from.X, to.Y-from.Y
	length := max(math.Hypot(dx, dy), 1)
	ux, uy := dx/length, dy/length
	const beside, gap = 5.0, circle + 5
	ox, oy := -uy*beside, ux*beside
	return arrow{
		pairView: p,
		X1:       from.X + ux*gap + ox, Y1: from.Y + uy*gap + oy,
		X2: to.X - ux*(gap+5) + ox, Y2: to.Y - uy*(gap+5) + oy,
	}
}
