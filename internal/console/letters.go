package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

// lettersView is what the page about dead letters shows of the last reading, and of
// what was replayed since.
type lettersView struct {
	Version int       // of the part that changes
	Read    time.Time // zero: never
	Choice  Letters
	// Total are those in the queues, as far as is known, and Done those that were
	// replayed since the reading.
	Total, Done int
	Chosen      int      // of Total
	Command     string   // chooses the same in a shell; empty where none does
	Reasons     []string // of any Region
	Groups      []letterGroup
	MoreGroups  int // that are not listed
	Letters     []letterRow
	MoreLetters int            // chosen ones that are not listed
	Trouble     []queueTrouble // there may be more than Total where there is any
	Changed     []queueChange
}

// letterGroup is the dead letters of a Region with one reason.
type letterGroup struct {
	Region, Reason, Next string
	Count, Done, Failed  int // in the queue, replayed, and of Count: failed again
	Oldest               *time.Time
}

// letterRow is a dead letter and its state.
type letterRow struct {
	document.RedriveLetter

	Cause string
}

// Gone says that the dead letter is not in its queue any more.
func (l letterRow) Gone() bool { return l.Outcome == string(redrive.Replayed) }

// State is what became of the dead letter in one word or two.
func (l letterRow) State() string {
	switch l.Outcome {
	case string(redrive.Waiting), string(redrive.Interrupted):
		return "in the queue"
	case string(redrive.Failed):
		return "failed again"
	}
	return strings.ReplaceAll(l.Outcome, "-", " ")
}

// Became says what the functions made of a dead letter that was replayed.
func (l letterRow) Became() string { return became(l.Did) }

// queueTrouble is what is not known of a Region's queue.
type queueTrouble struct{ Region, Text string }

// queueChange says that a queue has about another number of dead letters by now than
// were read.
type queueChange struct {
	Region     string
	Known, Now int
}

// mostRows is how many dead letters, differences and groups a page shows; of the rest
// it says how many they are.
const mostRows = 200

// queues is what was read of the dead-letter queues, and what was replayed since. The
// zero value was never read.
type queues struct {
	read    time.Time
	regions []document.RedriveRegion
	next    map[string]string // what to do, by cause
	letters []letterRow
	index   map[[2]string]int // by Region and message
	now     map[string]int    // how many the last look found, by Region
}

// newQueues takes in a reading. What is known of a dead letter that was tried before
// stays known, and with kept also that others were replayed since.
func newQueues(d document.Redrive, read time.Time, old queues, kept bool) queues {
	q := queues{read: read, regions: d.Regions, next: map[string]string{}, index: map[[2]string]int{}, now: maps.Clone(old.now)}
	for _, r := range d.Regions {
		if r.Error == "" {
			delete(q.now, r.Region) // the look is older than this
		}
	}
	for _, r := range d.Reasons {
		q.next[r.Reason] = r.Next
	}
	causes := map[string]string{} // each takes time to find, and many dead letters say the same
	for _, l := range d.Letters {
		if was, ok := old.find(l); ok && was.Outcome != string(redrive.Replayed) {
			l.Outcome, l.Detail, l.Did = was.Outcome, was.Detail, was.Did
		}
		text := cmp.Or(l.Reason, l.Detail)
		cause, ok := causes[text]
		if !ok {
			cause = causeOf(l)
			causes[text] = cause
		}
		q.add(letterRow{l, cause})
	}
	for _, l := range old.letters {
		if _, back := q.find(l.RedriveLetter); kept && l.Gone() && !back {
			q.add(l)
		}
	}
	q.sort()
	return q
}

// sort puts the oldest first in each Region, which no reading gives: dead letters keep
// their places when they are read again.
func (q *queues) sort() {
	slices.SortStableFunc(q.letters, func(a, b letterRow) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), sentAt(a).Compare(sentAt(b)), cmp.Compare(a.MessageID, b.MessageID))
	})
	for i, l := range q.letters {
		q.index[[2]string{l.Region, l.MessageID}] = i
	}
}

// sentAt is the zero time where it is not known.
func sentAt(l letterRow) time.Time {
	if l.SentAt == nil {
		return time.Time{}
	}
	return *l.SentAt
}

func (q *queues) add(l letterRow) {
	q.index[[2]string{l.Region, l.MessageID}] = len(q.letters)
	q.letters = append(q.letters, l)
}

func (q *queues) find(l document.RedriveLetter) (document.RedriveLetter, bool) {
	i, ok := q.index[[2]string{l.Region, l.MessageID}]
	if !ok {
		return document.RedriveLetter{}, false
	}
	return q.letters[i].RedriveLetter, true
}

// note keeps what was read true after a replay.
func (q *queues) note(l document.RedriveLetter) {
	if i, ok := q.index[[2]string{l.Region, l.MessageID}]; ok {
		q.letters[i].RedriveLetter = l
	}
}

// counts are how many dead letters of each Region are in its queue, as far as is known.
func (q *queues) counts() map[string]int {
	counts := map[string]int{}
	for _, l := range q.letters {
		if !l.Gone() {
			counts[l.Region]++
		}
	}
	return counts
}

func (q *queues) view(choice Letters) lettersView {
	v := lettersView{Read: q.read, Choice: choice}
	groups := map[[2]string]*letterGroup{}
	var chosen []int
	filter, now := choice.Filter(), time.Now()
	for i, l := range q.letters {
		g := groups[[2]string{l.Region, l.Cause}]
		if g == nil {
			g = &letterGroup{Region: l.Region, Reason: l.Cause, Next: q.next[l.Cause]}
			groups[[2]string{l.Region, l.Cause}] = g
		}
		g.add(l)
		if choice.Region != "" && l.Region != choice.Region || !filter.Chooses(candidate(l), now) {
			continue
		}
		chosen = append(chosen, i)
		if !l.Gone() {
			v.Chosen++
		}
	}
	for _, g := range groups {
		v.Total, v.Done = v.Total+g.Count, v.Done+g.Done
		v.Groups = append(v.Groups, *g)
	}
	slices.SortFunc(v.Groups, func(a, b letterGroup) int { // with those that were replayed: groups keep their places meanwhile
		return cmp.Or(cmp.Compare(b.Count+b.Done, a.Count+a.Done), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Reason, b.Reason))
	})
	if v.Reasons = reasonsOf(v.Groups, choice.Reason); !q.besides(choice, now) {
		v.Command = choice.Command()
	}
	if v.MoreGroups = max(0, len(v.Groups)-mostRows); v.MoreGroups > 0 {
		v.Groups = v.Groups[:mostRows]
	}
	if len(chosen) > mostRows { // those that are left matter more
		chosen = slices.DeleteFunc(chosen, func(i int) bool { return q.letters[i].Gone() })
	}
	v.MoreLetters = max(0, len(chosen)-mostRows)
	for _, i := range chosen[:len(chosen)-v.MoreLetters] {
		v.Letters = append(v.Letters, q.letters[i])
	}
	v.Trouble, v.Changed = q.trouble(), q.changed()
	return v
}

// reasonsOf are those of the largest groups, and the one that is chosen.
func reasonsOf(groups []letterGroup, chosen string) (list []string) {
	for _, g := range groups[:min(len(groups), mostRows)] {
		list = append(list, g.Reason)
	}
	if chosen != "" {
		list = append(list, chosen)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// besides says that the command would choose more: it takes a reason also for a part of
// others.
func (q *queues) besides(c Letters, now time.Time) bool {
	inShell := c.Filter()
	inShell.Cause, inShell.Reason = "", c.Reason
	return c.Reason != "" && slices.ContainsFunc(q.letters, func(l letterRow) bool {
		return !l.Gone() && l.Cause != c.Reason && (c.Region == "" || c.Region == l.Region) && inShell.Chooses(candidate(l), now)
	})
}

func (g *letterGroup) add(l letterRow) {
	if l.Gone() {
		g.Done++
		return
	}
	g.Count++
	if l.Outcome == string(redrive.Failed) {
		g.Failed++
	}
	if l.SentAt != nil && (g.Oldest == nil || l.SentAt.Before(*g.Oldest)) {
		g.Oldest = l.SentAt
	}
}

// letterCount is a number of dead letters in words.
func letterCount(n int) string { return plural(n, "dead letter") }

// trouble says of which queues not everything is known.
func (q *queues) trouble() (list []queueTrouble) {
	for _, r := range q.regions {
		if r.Error != "" {
			list = append(list, queueTrouble{r.Region, r.Error + "; dead letters that were not read are not in the list"})
		}
		if r.Held > 0 {
			text := fmt.Sprintf("about %s are held by another reader for at most %d minutes, and are not in the list",
				count(r.Held), int(redrive.HoldTime.Minutes()))
			list = append(list, queueTrouble{r.Region, text})
		}
	}
	return list
}

// answered says whether any queue was read whole.
func answered(d document.Redrive) bool {
	return slices.ContainsFunc(d.Regions, func(r document.RedriveRegion) bool { return r.Error == "" })
}

// changed says which queues have another number of dead letters than were read.
func (q *queues) changed() (list []queueChange) {
	if q.read.IsZero() {
		return nil
	}
	counts := q.counts()
	for _, region := range slices.Sorted(maps.Keys(q.now)) {
		if now := q.now[region]; now != counts[region] {
			list = append(list, queueChange{region, counts[region], now})
		}
	}
	return list
}

// causeOf is the reason that a dead letter has in common with others.
func causeOf(l document.RedriveLetter) string { return deadletter.Cause(cmp.Or(l.Reason, l.Detail)) }

// became says in words what functions did with the objects of a dead letter.
func became(did map[string]int) string {
	var list []string
	for _, d := range []struct{ outcome, words string }{
		{"copied", "copied"}, {"replaced", "replaced by the latest write"}, {"deleted", "deleted as at its source"},
		{"retagged", "tags copied"}, {"unfinished", "being copied by further invocations"},
		{"exists", "was there already"}, {"diverged", "left: another object has its key"},
		{"superseded", "dropped: a later write is there"}, {"sourceGone", "dropped: its source is gone"},
		{"excluded", "dropped: the configuration excludes its key"}, {"testEvents", "a test event of S3"},
	} {
		switch n := did[d.outcome]; {
		case n == 1:
			list = append(list, d.words)
		case n > 1:
			list = append(list, fmt.Sprintf("%s × %d", d.words, n))
		}
	}
	return strings.Join(list, "; ")
}
