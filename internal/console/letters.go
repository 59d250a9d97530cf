package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
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

func newLettersView(d document.Redrive, read time.Time, choice Letters) lettersView {
	v := lettersView{Read: read, Choice: choice, Total: len(d.Letters), Regions: d.Regions}
	next := map[string]string{}
	for _, r := range d.Reasons {
		next[r.Reason] = r.Next
	}
	groups := map[[2]string]*letterGroup{}
	for _, l := range d.Letters {
		if l.Outcome == "replayed" {
			v.Total--
			continue
		}
		id := [2]string{l.Region, causeOf(l)}
		g := groups[id]
		if g == nil {
			g = &letterGroup{Region: l.Region, Reason: id[1], Next: next[id[1]]}
			groups[id] = g
		}
		g.Count++
		if l.SentAt != nil && (g.Oldest == nil || l.SentAt.Before(*g.Oldest)) {
			g.Oldest = l.SentAt
		}
		if !choice.chooses(l) {
			continue
		}
		if v.Chosen++; v.Chosen <= mostRows {
			v.Letters = append(v.Letters, l)
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

func (c Letters) chooses(l document.RedriveLetter) bool {
	if c.Region != "" && l.Region != c.Region || c.Reason != "" && causeOf(l) != c.Reason {
		return false
	}
	if c.Prefix == "" {
		return true
	}
	return slices.ContainsFunc(l.Objects, func(o document.RedriveObject) bool { return strings.HasPrefix(o.Key, c.Prefix) })
}
