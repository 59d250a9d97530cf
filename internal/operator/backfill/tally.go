package backfill

import (
	"slices"
	"sync"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// tally counts what happens and tells the observer, one call at a time.
type tally struct {
	options  Options
	observer Observer

	mu       sync.Mutex
	counted  Report
	progress Progress
	bill     bill
}

func newTally(o Options, observer Observer) *tally {
	return &tally{options: o, observer: observer, counted: o.newReport(), bill: newBill()}
}

// target is the count of the member at a place. The lock is held.
func (t *tally) target(index int) *Target {
	return &t.counted.Targets[slices.Index(t.options.To, t.options.Members[index].Region)]
}

func (t *tally) notify() {
	if t.observer.Progress != nil {
		t.observer.Progress(t.progress)
	}
}

// pages takes how many keys of how many pages were listed.
func (t *tally) pages(keys, pages int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted.Lists += pages
	t.progress.Keys += keys
	t.notify()
}

// listed takes note that the listing is done.
func (t *tally) listed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.Listed = true
	t.notify()
}

// planned takes what was decided about a key.
func (t *tally) planned(p plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.different {
		t.counted.Different++
	}
	for _, index := range p.targets {
		t.target(index).Missing++
		if p.source < 0 {
			t.target(index).NoSource++
		}
	}
}

// checks takes what a target lacks of a stretch of keys, about which it is
// asked before anything is copied there.
func (t *tally) checks(index int, l lacking) {
	t.mu.Lock()
	defer t.mu.Unlock()
	small := 0
	for _, g := range l.goals {
		if g.object.size <= t.options.Threshold {
			small++
		}
	}
	t.bill.checks(t.options, index, small, len(l.goals)-small)
}

// todo takes what is to be copied from a source, counts what stays deleted, and
// returns the rest.
func (t *tally) todo(source int, b batch) batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := batch{after: b.after}
	for i, o := range b.objects {
		var goals []*goal
		for _, g := range b.goals[i] {
			target := t.target(g.target)
			if g.hidden {
				target.Deleted++
				continue
			}
			goals = append(goals, g)
			target.MissingBytes += o.size
			t.progress.Missing++
			t.progress.MissingBytes += o.size
			t.bill.copy(t.options, source, g.target, o.size)
		}
		if len(goals) > 0 {
			rest.objects, rest.goals = append(rest.objects, o), append(rest.goals, goals)
		}
	}
	return rest
}

// sources takes how many objects of a source are missing among those that a
// page of a listing has: those that one request copies, and large ones.
func (t *tally) sources(index, small, large int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bill.sources(t.options, index, small, large)
}

func (t *tally) head() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted.Heads++
}

func (t *tally) requests(index int, n copier.Requests) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.target(index).Requests
	*r = r.Plus(n)
}

// ended takes a copy that did not fail.
func (t *tally) ended(index int, result copier.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	target := t.target(index)
	switch result.Outcome {
	case copier.Copied:
		target.Copied++
	case copier.Exists:
		target.Exists++
	case copier.Replaced:
		target.Replaced++
	case copier.Superseded:
		target.Exists++
	case copier.Deleted:
		target.Hidden++
	case copier.Diverged:
		target.Diverged++
	case copier.LeftDeleted:
		target.Deleted++
	case copying:
		target.Copying++
	default:
		target.SourceGone++
	}
	target.Bytes += result.Bytes
	t.progress.Bytes += result.Bytes
	t.progress.Ended++
	t.notify()
}

func (t *tally) failed(index int, f Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.target(index).Failed++
	if len(t.counted.Failures) < MaxFailures {
		t.counted.Failures = append(t.counted.Failures, f)
	}
	t.progress.Ended++
	t.progress.Failed++
	if t.observer.Failed != nil {
		t.observer.Failed(f)
	}
	t.notify()
}

// unanswered takes what could not be asked.
func (t *tally) unanswered(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted.Unanswered = awsapi.Join([]error{t.counted.Unanswered, err})
}

// report is what has been counted so far.
func (t *tally) report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.counted.clone()
	if t.options.DryRun {
		e := t.bill.estimate(t.options, r.Lists)
		r.Estimate = &e
	}
	return r
}

// estimate is what everything planned so far comes to.
func (t *tally) estimate() Estimate {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bill.estimate(t.options, t.counted.Lists)
}

// dollars is what everything planned since a restart comes to, but for the listing.
func (t *tally) dollars() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bill.estimate(t.options, 0).Dollars()
}

// restart forgets what was planned, and keeps the requests that it took.
func (t *tally) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.options.newReport()
	fresh.Lists, fresh.Heads = t.counted.Lists, t.counted.Heads
	t.counted, t.progress, t.bill = fresh, Progress{}, newBill()
}

// looked counts the requests of a look at a key that is followed.
func (t *tally) looked(heads, lists int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted.Heads += heads
	t.counted.Lists += lists
}

// stands takes how a key that is followed stands at a target, and what is to be
// brought there from a source.
func (t *tally) stands(index, source int, is policy.KeyStatus, size int64, deletes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	target := t.target(index)
	switch is {
	case policy.StatusConverged:
		return
	case policy.StatusMissing:
		target.Missing++
	case policy.StatusLeftDeleted:
		target.Missing++
		target.Deleted++
		return
	case policy.StatusDestroyed, policy.StatusDestroyedStale:
		target.Destroyed++
		if is == policy.StatusDestroyed {
			target.Missing++
		} else {
			target.Stale++
		}
		return
	case policy.StatusStale:
		target.Stale++
	case policy.StatusUndeleted, policy.StatusUndeletedOther:
		target.Undeleted++
		if !t.options.HideDeleted {
			target.Kept++
			return
		}
	}
	t.progress.Missing++
	if deletes {
		t.bill.add(t.options.Members[index].Region, copier.Requests{Head: 2, List: 1})
		return
	}
	target.MissingBytes += size
	t.progress.MissingBytes += size
	t.bill.add(t.options.Members[index].Region, copier.Requests{Head: 1})
	t.bill.add(t.options.Members[source].Region, copier.Requests{Head: 1})
	t.bill.copy(t.options, source, index, size)
}

// conflict takes which write of a key wins, if targets have others.
func (t *tally) conflict(c Conflict) {
	if len(c.Loses) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted.Wins[c.Wins]++
	if len(t.counted.Conflicts) < MaxFailures {
		t.counted.Conflicts = append(t.counted.Conflicts, c)
	}
}
