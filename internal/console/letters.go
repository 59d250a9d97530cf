package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
)

// lettersView is what the page about dead letters shows of the last reading.
type lettersView struct {
	Read    time.Time // zero: never
	Choice  Letters
	Total   int // that were read
	Groups  []letterGroup
	Chosen  int // of Total
	Letters []document.RedriveLetter
	Regions []document.RedriveRegion
}

// letterGroup is the dead letters of a Region with one reason.
type letterGroup struct {
	Region, Reason, Next string
	Count                int
	Oldest               *time.Time
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
	letters []queued
	index   map[[2]string]int // by Region and message
}

// queued is a dead letter with its cause, which takes time to find.
type queued struct {
	document.RedriveLetter

	cause string
}

func newQueues(d document.Redrive, read time.Time) queues {
	q := queues{read: read, regions: d.Regions, next: map[string]string{}, index: map[[2]string]int{}}
	for _, r := range d.Reasons {
		q.next[r.Reason] = r.Next
	}
	for i, l := range d.Letters {
		q.letters = append(q.letters, queued{l, causeOf(l)})
		q.index[[2]string{l.Region, l.MessageID}] = i
	}
	return q
}

// note keeps what was read true after a replay.
func (q *queues) note(l document.RedriveLetter) {
	if i, ok := q.index[[2]string{l.Region, l.MessageID}]; ok {
		q.letters[i].RedriveLetter = l
	}
}

func (q *queues) view(choice Letters) lettersView {
	v := lettersView{Read: q.read, Choice: choice, Total: len(q.letters), Regions: q.regions}
	groups := map[[2]string]*letterGroup{}
	for _, l := range q.letters {
		if l.Outcome == "replayed" {
			v.Total--
			continue
		}
		id := [2]string{l.Region, l.cause}
		g := groups[id]
		if g == nil {
			g = &letterGroup{Region: l.Region, Reason: l.cause, Next: q.next[l.cause]}
			groups[id] = g
		}
		g.Count++
		if l.SentAt != nil && (g.Oldest == nil || l.SentAt.Before(*g.Oldest)) {
			g.Oldest = l.SentAt
		}
		if !choice.chooses(l.RedriveLetter, l.cause) {
			continue
		}
		if v.Chosen++; v.Chosen <= mostRows {
			v.Letters = append(v.Letters, l.RedriveLetter)
		}
	}
	for _, g := range groups {
		v.Groups = append(v.Groups, *g)
	}
	slices.SortFunc(v.Groups, func(a, b letterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Reason, b.Reason))
	})
	return v
}

// causeOf is the reason that a dead letter has in common with others.
func causeOf(l document.RedriveLetter) string {
	return cmp.Or(deadletter.Cause(cmp.Or(l.Reason, l.Detail)), "unknown")
}

func (c Letters) chooses(l document.RedriveLetter, cause string) bool {
	if c.Region != "" && l.Region != c.Region || c.Reason != "" && cause != c.Reason {
		return false
	}
	if c.Prefix == "" && c.Key == "" {
		return true
	}
	return slices.ContainsFunc(l.Objects, func(o document.RedriveObject) bool {
		return strings.HasPrefix(o.Key, c.Prefix) && (c.Key == "" || o.Key == c.Key)
	})
}

// title names what is chosen.
func (c Letters) title() string {
	text := "all dead letters"
	if c.Reason != "" {
		text = "those with the reason “" + printable.Escape(c.Reason) + "”"
	}
	if c.Prefix != "" {
		text += ", of keys that begin with “" + printable.Escape(c.Prefix) + "”"
	}
	if c.Key != "" {
		text += " of “" + printable.Escape(c.Key) + "”"
	}
	if c.Region != "" {
		text += ", in " + c.Region
	}
	return text
}
