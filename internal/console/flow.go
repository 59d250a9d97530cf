package console

import (
	"cmp"
	"slices"
	"time"
)

// Step is how far an event has come; its stages are those of the sandbox's trace.
type Step struct {
	At    time.Time
	Stage string
	// Source is where the key was written: empty for a replica, which does not tell of
	// what it is one. Target is empty where a step is of no other Region yet.
	Source, Target string
	Key, VersionID string
	Detail         string
}

// flow is one version's way to all Regions.
type flow struct {
	Key, VersionID, Source string
	Began                  time.Time
	Lanes                  []lane
	// Trouble is a stage that keeps a Region without the key: lost, not announced or
	// dead letter. It is empty once the key was copied all the same.
	Trouble string
}

// lane is what happened in one Region. The steps of the source are the announcement.
type lane struct {
	Region  string
	Steps   []flowStep
	Detail  string // of a failure
	trouble string
	there   bool // the key is, as far as the steps tell
}

type flowStep struct {
	Stage string
	After float64 // milliseconds
	X     float64
}

// mostFlows is how many events are shown.
const mostFlows = 8

type flowID struct{ key, version, source string }

// newFlows puts steps together by what was written, the newest first. A replica, and
// the event of it that the filters drop, belong to what it is a replica of: the newest
// version of the key that was written elsewhere before.
func newFlows(steps []Step, regions []string) []flow {
	var order []flowID
	byID, latest, original := map[flowID][]Step{}, map[string]flowID{}, map[flowID]flowID{}
	for _, s := range steps {
		i := flowID{s.Key, s.VersionID, s.Source}
		if s.Source == "" {
			of, known := latest[s.Key]
			if !known || of.source == s.Target {
				continue // of something that is not remembered
			}
			original[flowID{s.Key, s.VersionID, s.Target}] = of
			byID[of] = append(byID[of], s)
			continue
		}
		if of, replica := original[i]; replica && s.VersionID != "" {
			// Each of the other Regions' filters drops it.
			dropped := Step{At: s.At, Stage: s.Stage, Target: s.Source, Detail: s.Detail}
			same := func(o Step) bool { return o.Stage == dropped.Stage && o.Target == dropped.Target }
			if s.Stage == stageFiltered && !slices.ContainsFunc(byID[of], same) {
				byID[of] = append(byID[of], dropped)
			}
			continue
		}
		if byID[i] == nil {
			order = append(order, i)
			latest[s.Key] = i
		}
		byID[i] = append(byID[i], s)
	}
	var flows []flow
	for _, i := range slices.Backward(order) {
		if len(flows) == mostFlows {
			break
		}
		all := byID[i]
		filtered := slices.ContainsFunc(all, func(s Step) bool { return s.Stage == stageFiltered })
		if filtered && !slices.ContainsFunc(all, func(s Step) bool { return s.Target != "" && s.Stage != stageFiltered }) {
			continue // a replica's event, of a bucket without versions
		}
		flows = append(flows, newFlow(i, all, regions))
	}
	return flows
}

// The stages that the console knows by name.
const (
	stageFiltered     = "filtered"
	stageCopied       = "copied"
	stageDone         = "done"
	stageLost         = "lost"
	stageNotAnnounced = "not announced"
	stageDeadLetter   = "dead letter"
)

func newFlow(i flowID, steps []Step, regions []string) flow {
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	f := flow{Key: i.key, VersionID: i.version, Source: i.source, Began: steps[0].At}
	longest := max(float64(steps[len(steps)-1].At.Sub(f.Began))/float64(time.Millisecond), 1)
	for _, region := range regions {
		l := lane{Region: region}
		for _, s := range steps {
			if cmp.Or(s.Target, s.Source) == region {
				l.add(s, f.Began, longest)
			}
		}
		f.Lanes = append(f.Lanes, l)
	}
	f.Trouble = f.trouble()
	return f
}

func (l *lane) add(s Step, began time.Time, longest float64) {
	after := float64(s.At.Sub(began)) / float64(time.Millisecond)
	l.Steps = append(l.Steps, flowStep{s.Stage, after, laneFrom + (laneTo-laneFrom)*after/longest})
	if s.Detail != "" && (l.Detail == "" || s.Stage != stageDeadLetter) { // which says where, and not why
		l.Detail = s.Detail
	}
	switch s.Stage {
	case stageCopied, stageDone:
		l.trouble, l.there = "", true
	case stageLost, stageNotAnnounced, stageDeadLetter:
		l.trouble = s.Stage
	}
}

// trouble is the worst of the lanes. What the source lost is missing in every Region
// that did not get it otherwise.
func (f flow) trouble() string {
	var all []string
	for _, l := range f.Lanes {
		if l.trouble == "" {
			continue
		}
		elsewhere := func(o lane) bool { return o.Region != f.Source && !o.there }
		if l.Region != f.Source || slices.ContainsFunc(f.Lanes, elsewhere) {
			all = append(all, l.trouble)
		}
	}
	for _, stage := range []string{stageLost, stageDeadLetter, stageNotAnnounced} {
		if slices.Contains(all, stage) {
			return stage
		}
	}
	return ""
}
