package console

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"sync"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
)

// comparison is the newest comparison, the newest plan of a backfill, and what came of
// the newest backfill. It is safe for concurrent use.
type comparison struct {
	mu          sync.Mutex
	begun       bool
	prefix      string
	summary     *Compared // nil until the end
	early       bool      // it ended before all was compared
	differences []document.VerifyDifference
	more        int // that are not kept
	plan        *Copied
	planned     plan
	stage       stage  // of planned
	refused     string // why nothing was copied by it
	result      *Copied
}

// compareView is what the page about the comparison shows.
type compareView struct {
	Version     int
	Begun       bool
	Prefix      string
	Within      string // shows the differences with this prefix only
	Kind        string // and of this kind
	Summary     *Compared
	Early       bool
	Up          []crumb // from all keys down to Within
	Kinds       []kindCount
	Prefixes    []prefixCount
	MorePrefix  int // that are not listed
	Differences []document.VerifyDifference
	Shown       int // of the kept ones, with the prefix and of the kind
	Kept, More  int
	Plan        *planView
	Result      *Copied
}

// kindCount counts the differences of a kind below the prefix that is shown.
type kindCount struct {
	Kind  string
	Count int
}

// prefixCount counts differences below a common prefix.
type prefixCount struct {
	Prefix string
	Count  int
}

// planView is a plan as it is shown.
type planView struct {
	Copied

	Planned plan
	Stage   stage
	Refused string // why nothing was copied
	Objects int
	Bytes   int64
}

// mostKept bounds the memory that differences take.
const mostKept = 20_000

func (c *comparison) begin(prefix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun, c.prefix, c.summary, c.early, c.differences, c.more = true, prefix, nil, false, nil, 0
}

func (c *comparison) add(d document.VerifyDifference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.differences) == mostKept {
		c.more++
		return
	}
	c.differences = append(c.differences, d)
}

func (c *comparison) end(s Compared, early bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summary, c.early = &s, early || s.Partial
}

// forgetPlan is for when a new plan is begun: what was planned before may not be right.
func (c *comparison) forgetPlan() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan, c.planned, c.stage, c.refused = nil, plan{}, planEnded, ""
}

func (c *comparison) setPlan(d Copied, p plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan, c.planned, c.stage, c.refused, c.result = &d, p, planOpen, "", nil
}

// takePlan is the newest plan if it is the one of that ID and nobody took it before.
func (c *comparison) takePlan(id string) (plan, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage != planOpen || c.planned.ID != id {
		return plan{}, false
	}
	c.stage = planGoingOn
	return c.planned, true
}

// givePlanBack has the plan be taken again: it was not begun.
func (c *comparison) givePlanBack(p plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planned.ID == p.ID {
		c.stage = planOpen
	}
}

// endPlan keeps what came of a plan, unless it was refused.
func (c *comparison) endPlan(p plan, d Copied, refused string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planned.ID == p.ID {
		c.stage, c.refused = planEnded, refused
	}
	if refused == "" {
		c.result = &d
	}
}

func (c *comparison) view(within, kind string) compareView {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := compareView{
		Begun: c.begun, Prefix: c.prefix, Within: within, Kind: kind, Summary: c.summary, Early: c.early, Up: crumbs(within),
		Kept: len(c.differences), More: c.more, Result: c.result,
	}
	kinds := map[string]int{}
	below := newPrefixes(within)
	for _, d := range c.differences {
		if !hasPrefix(d.Key, within) {
			continue
		}
		if kinds[d.Kind]++; kind != "" && d.Kind != kind {
			continue
		}
		below.add(d.Key)
		if v.Shown++; v.Shown <= mostRows {
			v.Differences = append(v.Differences, d)
		}
	}
	for k, n := range kinds {
		v.Kinds = append(v.Kinds, kindCount{k, n})
	}
	slices.SortFunc(v.Kinds, func(a, b kindCount) int { return cmp.Compare(a.Kind, b.Kind) })
	slices.SortStableFunc(v.Differences, func(a, b document.VerifyDifference) int { return cmp.Compare(a.Key, b.Key) })
	v.Prefixes, v.MorePrefix = below.list(mostRows)
	if c.plan != nil {
		v.Plan = &planView{Copied: *c.plan, Planned: c.planned, Stage: c.stage, Refused: c.refused}
		for _, t := range c.plan.Targets {
			v.Plan.Objects, v.Plan.Bytes = v.Plan.Objects+toCopy(t), v.Plan.Bytes+t.MissingBytes
		}
	}
	return v
}

// toCopy is how many objects a backfill would write to a target.
func toCopy(t document.BackfillTarget) int {
	return max(0, t.Missing+t.Stale-t.NoSource-t.Deleted-t.Copying-t.Diverged-t.Destroyed)
}

// Query names what is shown in a link.
func (v compareView) Query() string {
	return url.Values{"within": {v.Within}, "kind": {v.Kind}}.Encode()
}

// copiedTo is how many objects a backfill wrote to a target.
func copiedTo(t document.BackfillTarget) int { return t.Copied + t.Replaced }

func firstFailures(list []document.CopyFailure) []document.CopyFailure {
	return list[:min(len(list), mostRows)]
}

// Command is what a shell does the same with.
func (m Missing) Command() string {
	command := "s3fanout backfill"
	for _, key := range m.Keys {
		command += " --key=" + printable.Shell(key)
	}
	if len(m.Keys) == 0 && m.Prefix != "" {
		command += " --prefix=" + printable.Shell(m.Prefix)
	}
	return command
}

// stage is how far a plan has come.
type stage string

const (
	planOpen    stage = "open" // it can be carried out
	planGoingOn stage = "going on"
	planEnded   stage = "ended"
)

// plan is a backfill that somebody saw, with the most that it may cost.
type plan struct {
	ID      string
	Missing Missing
}

// limitOf is what a run may cost by its plan: a tenth more, and a cent at least, as
// writes go on while both list the buckets.
func limitOf(d document.BackfillEstimate) float64 {
	return max(math.Ceil(d.Dollars*110)/100, 0.01)
}
