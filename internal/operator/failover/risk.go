package failover

import (
	"fmt"
	"slices"
	"time"
)

// Figures are how far a Region is. A nil value is not known.
type Figures struct {
	Region string
	// Away says why the Region's bucket does not answer; empty if it does.
	Away string
	// Lag is how long replicas took within the last hour, from the upload on: the 99th
	// percentile of the slowest source.
	Lag *time.Duration
	// DeadLetters are those of the Region's queue: what its function could not copy, and
	// what its topic could not deliver to other Regions. LettersUnknown says why their
	// number is not known.
	DeadLetters    *int
	LettersUnknown string
	// Waiting are the events that wait for the Region's function, as an estimate, and
	// Overdue those of them for longer than five minutes. Waiting is nil where nothing
	// was announced within a day too.
	Waiting *int64
	Overdue int64
	// Oldest is for how long the oldest event had waited when the function was last
	// invoked with it; nil too if that was not within the last minutes.
	Oldest *time.Duration
	// Proof is how old the last complete comparison with the other Regions is; nil too
	// without reconcile.
	Proof *time.Duration
	// Unknown says what could not be asked that decides whether readers miss something,
	// and Unmeasured what else could not.
	Unknown, Unmeasured []string
}

// Ordinary is for how long an event may have waited without being behind: in a set that
// is in use some event is always on its way.
const Ordinary = time.Minute

// Risk is why readers who are moved to a Region would miss something.
type Risk struct{ Region, What string }

// Risks are those of a change of routes. What is not known is one, too. Dead letters
// count in each Region.
func Risks(before, after []Route, figures []Figures) []Risk {
	return risksOf(Gaining(before, after), figures)
}

// risksOf are the risks of moving readers to the Regions that gain them.
func risksOf(gaining []string, figures []Figures) []Risk {
	var risks []Risk
	for _, region := range gaining {
		i := slices.IndexFunc(figures, func(f Figures) bool { return f.Region == region })
		if i < 0 {
			risks = append(risks, Risk{region, "it is not in cdk.json, and nothing may be copied to it any more"})
			continue
		}
		for _, what := range figures[i].misses() {
			risks = append(risks, Risk{region, what})
		}
	}
	for _, f := range figures { // what is in the queue of a Region that readers leave may be for one that they are moved to
		if len(gaining) == 0 || slices.Contains(gaining, f.Region) {
			continue
		}
		advice := "only those of kind subscription-dlq matter to readers elsewhere; see them: s3fanout redrive --dry-run --region " +
			f.Region + "; if there are none, --accept-missing"
		for _, what := range f.letters(advice) {
			risks = append(risks, Risk{f.Region, what})
		}
	}
	return risks
}

// letters says what dead letters are in the way, and what to do about them.
func (f Figures) letters(advice string) (list []string) {
	if f.LettersUnknown != "" {
		list = append(list, "its dead letters are not known: "+f.LettersUnknown)
	}
	if n := f.DeadLetters; n != nil && *n > 0 {
		list = append(list, fmt.Sprintf("dead letters: %d; %s", *n, advice))
	}
	return list
}

// misses says what a reader of the Region's bucket would not see.
func (f Figures) misses() (list []string) {
	if f.Away != "" {
		list = append(list, "its bucket does not answer: "+f.Away)
	}
	list = append(list, f.letters("redrive them first")...)
	if n := f.Waiting; n != nil && *n > 0 {
		switch {
		case f.Oldest != nil && *f.Oldest >= Ordinary:
			list = append(list, fmt.Sprintf("about %d events wait for its function, the oldest for %v", *n, f.Oldest.Round(time.Second)))
		case f.Overdue > 0:
			list = append(list, fmt.Sprintf("about %d events wait for its function, %d of them for more than 5 minutes", *n, f.Overdue))
		case f.Oldest == nil:
			list = append(list, fmt.Sprintf("about %d events wait for its function, which nothing has invoked lately", *n))
		}
	}
	return append(list, f.Unknown...)
}
