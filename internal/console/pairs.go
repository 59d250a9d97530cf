package console

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"s3fanout/internal/operator/document"
)

// pairView is what goes from one Region to another. A number that is not known is nil.
type pairView struct {
	Source, Target string
	State          string
	Lag            *document.StatusLag
	Waiting        *int64
	Replicas       *float64 // of the last hours
	Rate           *float64 // of them, a minute
	Trend          Trend
	DeadLetters    *int
	Read           time.Time // when they were read; zero: never, or they were counted just now
	Unsure         string    // why they are not known although they were read
}

// mostPairs is how many the overview lists; those of a Region are listed on demand.
const mostPairs = 20

// addPairs has the worst first: by their states, and then by their lag.
func (o *overview) addPairs(trends []Trend, letters pairLetters) {
	for _, target := range o.Regions {
		for _, source := range o.Regions {
			if source.Region == target.Region {
				continue
			}
			p := newPair(source.Region, target, trends)
			if none(source.DeadLetters) && none(target.DeadLetters) {
				p.DeadLetters = new(int)
			} else {
				p.DeadLetters, p.Unsure = letters.of(source.Region, target.Region)
				p.Read = letters.read
			}
			o.Pairs = append(o.Pairs, p)
		}
	}
	slices.SortStableFunc(o.Pairs, func(a, b pairView) int {
		return cmp.Or(cmpStates(b.State, a.State), cmp.Compare(b.p99(), a.p99()), cmp.Compare(b.waiting(), a.waiting()))
	})
}

func none(n *int) bool { return n != nil && *n == 0 }

func (p pairView) p99() float64 {
	if p.Lag == nil {
		return -1
	}
	return p.Lag.P99
}

func (p pairView) waiting() int64 {
	if p.Waiting == nil {
		return -1
	}
	return *p.Waiting
}

// Worst are the pairs that the overview lists.
func (o overview) Worst() []pairView { return o.Pairs[:min(mostPairs, len(o.Pairs))] }

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
			p.Trend, p.Replicas, p.Rate = t, sum(t.Replicas), t.rate()
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

// pairLetters counts dead letters by source and target, as they were read last.
type pairLetters struct {
	read   time.Time // zero: never
	counts map[[2]string]int
	// unsure says of queues that were not read whole, and of those with dead letters
	// that do not tell from where they come, or to where, why that is so.
	unsure map[string]string
}

// of is nil where the number is not known, with why if the queues were read. A
// function's dead letters are in its own Region's queue, those of a topic in the queue
// of the source.
func (l pairLetters) of(source, target string) (n *int, why string) {
	if l.read.IsZero() {
		return nil, ""
	}
	for _, queue := range []string{source, target} {
		if why := l.unsure[queue]; why != "" {
			return nil, queue + ": " + why
		}
	}
	counted := l.counts[[2]string{source, target}]
	return &counted, ""
}

// byPair counts what was read and is still there. buckets are those of the Regions.
func (q *queues) byPair(buckets map[string]string) pairLetters {
	p := pairLetters{read: q.read, counts: map[[2]string]int{}, unsure: map[string]string{}}
	regions := map[string]string{}
	for region, bucket := range buckets {
		regions[bucket] = region
	}
	for _, t := range q.trouble() {
		p.unsure[t.Region] = t.Text
	}
	for _, l := range q.letters {
		if l.Gone() {
			continue
		}
		source := ""
		if len(l.Objects) > 0 {
			source = regions[l.Objects[0].Bucket]
		}
		if source == "" || len(l.Functions) == 0 {
			p.unsure[l.Region] = cmp.Or(p.unsure[l.Region], "a dead letter does not tell from where it comes, or to where")
		}
		for _, f := range l.Functions {
			p.counts[[2]string{source, f.Region}]++
		}
	}
	return p
}

// pairsView lists the pairs of a Region, or the worst of all.
type pairsView struct {
	Region string
	Looked bool
	Total  int
	Pairs  []pairView
}

func (s *Server) showPairs(w http.ResponseWriter, r *http.Request) {
	v := pairsView{Region: r.URL.Query().Get("region")}
	if v.Region != "" && !slices.Contains(s.o.Regions, v.Region) {
		http.Error(w, "The set has no such Region.", http.StatusBadRequest)
		return
	}
	if o := s.newest(); o != nil {
		v.Looked = true
		for _, p := range o.Pairs {
			if v.Region != "" && p.Source != v.Region && p.Target != v.Region {
				continue
			}
			if v.Total++; v.Total <= mostRows {
				v.Pairs = append(v.Pairs, p)
			}
		}
	}
	s.show(w, http.StatusOK, "pairs", "Pairs of Regions", v)
}
