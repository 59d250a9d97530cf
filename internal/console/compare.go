package console

import (
	"math"
	"sync"

	"s3fanout/internal/operator/document"
)

// comparison is the newest comparison and the newest plan of a backfill. It is safe
// for concurrent use.
type comparison struct {
	mu          sync.Mutex
	prefix      string
	summary     *document.VerifySummary // nil until the end
	differences []document.VerifyDifference
	more        int // that are not kept
	plan        *document.Backfill
	planned     plan
}

// compareView is what the page about the comparison shows.
type compareView struct {
	Prefix      string
	Within      string // shows the differences with this prefix only
	Summary     *document.VerifySummary
	Prefixes    []prefixCount
	Differences []document.VerifyDifference
	Shown       int // of the kept ones, with the prefix
	Kept, More  int
	Plan        *document.Backfill
	Planned     plan
}

// prefixCount counts differences below a common prefix.
type prefixCount struct {
	Prefix string
	Count  int
	Leaf   bool // a key
}

// mostKept bounds the memory that differences take.
const mostKept = 20_000

func (c *comparison) begin(prefix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prefix, c.summary, c.differences, c.more = prefix, nil, nil, 0
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

func (c *comparison) end(s document.VerifySummary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summary = &s
}

func (c *comparison) setPlan(d document.Backfill, p plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan, c.planned = &d, p
}

func (c *comparison) view(within string) compareView {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := compareView{
		Prefix: c.prefix, Within: within, Summary: c.summary, Kept: len(c.differences), More: c.more, Plan: c.plan, Planned: c.planned,
	}
	v.Prefixes = prefixesOf(c.differences, within)
	for _, d := range c.differences {
		if !hasPrefix(d.Key, within) {
			continue
		}
		if v.Shown++; v.Shown <= mostRows {
			v.Differences = append(v.Differences, d)
		}
	}
	return v
}

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
