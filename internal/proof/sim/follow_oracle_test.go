package sim

import (
	"fmt"
	"net/url"
	"strings"
)

// judge holds what the buckets show against promises 1 to 3, key by key: from what
// users did alone, by nothing that the product wrote.
func (w *world) judge(when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.schedule.profile.emulated {
		return // an S3 that ignores conditions: all that is promised is that it ends
	}
	lost := map[string]bool{}
	for name := range w.lost {
		if id, _, _ := strings.Cut(name, " "); id != nullVersion {
			lost[w.known[id].key] = true
		}
	}
	for _, key := range w.follow.trace.keys() {
		promise, wrong := w.judgeKey(key)
		if wrong == "" {
			continue
		}
		why, reconciled := w.follow.trace.left(key, w.schedule.follow.follow.Deletions)
		switch {
		case lost[key], w.lostUnversioned():
			why, reconciled = "an event was lost", false
		case w.lettersName(key):
			why, reconciled = "a dead letter is left", false
		case why == "" && w.follow.unconfirmed[key]:
			why, reconciled = "a backfill failed or was ended after it had copied", true
		}
		if why == endedLate && promise == "3" && !w.follow.trace.hiddenOwn[key] && w.hiddenByRole(w.follow.trace.greatest(key)) {
			// That keeps a write from winning, and from nothing more; unless what covered it
			// was deleted and destroyed, so that the marker hides the write.
			why = ""
		}
		if why == "" {
			w.broken(promise, "%s, %q %s", when, key, wrong)
			continue
		}
		w.say("EXCUSED %q %s: %s", key, wrong, why)
		if reconciled && w.schedule.ordinary() {
			w.stats.reconciled = 1
			why += ", in an ordinary schedule"
		}
		w.follow.excused[why]++
	}
}

// hiddenByRole says that the product has hidden a write that somebody could see.
func (w *world) hiddenByRole(u *written) bool {
	for _, b := range w.follow.stores {
		for i, v := range b.stacks[u.key] {
			if v.marker && v.byRole && i > 0 && b.stacks[u.key][i-1].write == u {
				return true
			}
		}
	}
	return false
}

// lostUnversioned says that an event of a version was lost whose ID does not tell
// which key it is of.
func (w *world) lostUnversioned() bool {
	for name := range w.lost {
		if strings.HasPrefix(name, nullVersion+" ") {
			return true
		}
	}
	return false
}

// lettersName says that a dead letter is about a key: that it has it as an event does,
// encoded, or as a continuation does. Version IDs do not tell, since what is written while
// versioning is suspended has none of its own.
func (w *world) lettersName(key string) bool {
	encoded := strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
	for _, q := range w.queues {
		for _, l := range q.letters {
			body := strings.ReplaceAll(l.body, `\`, "")
			if strings.Contains(body, `"key":"`+encoded+`"`) || strings.Contains(body, `"key":"`+key+`"`) {
				return true
			}
		}
	}
	return false
}

// judgeKey says which promise is broken, and how.
func (w *world) judgeKey(key string) (promise, wrong string) {
	t := &w.follow.trace
	most := t.greatest(key)
	if most == nil {
		return "", ""
	}
	var shown []*stored
	var regions []string
	for _, r := range w.set.Regions {
		v := w.follow.stores[r].current(key)
		if v == nil && w.mayLack(r, most) {
			continue
		}
		shown, regions = append(shown, v), append(regions, r)
	}
	if len(shown) == 0 {
		return "", ""
	}
	for i, v := range shown[1:] {
		if a, b := shown[0].visible(), v.visible(); a != b {
			return "1", fmt.Sprintf("is %s (%s) in %s and %s (%s) in %s", a, nameOf(shown[0]), regions[0], b, nameOf(v), regions[i+1])
		}
	}
	first := shown[0]
	switch {
	case first == nil && !t.deletedBySomebody(most):
		return "3", fmt.Sprintf("is deleted everywhere, but nobody deleted %s", most.name)
	case first == nil:
		return "", ""
	}
	if over := t.overwritten(first.write); over != nil {
		return "2", fmt.Sprintf("is %s everywhere, over which somebody wrote %s", first.write.name, over.name)
	}
	switch {
	case first.write != most:
		return "2", fmt.Sprintf("is %s everywhere (second %d in %s), which is less than %s (second %d in %s)",
			first.write.name, first.write.seconds, first.write.region, most.name, most.seconds, most.region)
	case t.deletedBySomebody(most) && w.schedule.follow.follow.Deletions:
		return "3", fmt.Sprintf("is %s everywhere, which somebody deleted", most.name)
	}
	return w.judgeTags(most, shown, regions)
}

func nameOf(v *stored) string {
	if v == nil {
		return "-"
	}
	return v.write.name
}

// mayLack says that a Region need not have a key, because it joined later.
func (w *world) mayLack(region string, most *written) bool {
	return region == w.schedule.follow.joins && !w.follow.joined.IsZero() && most.shown.Before(w.follow.joined)
}

// judgeTags holds the replicas' tags against the origin's. What a user tagged
// elsewhere stays.
func (w *world) judgeTags(most *written, shown []*stored, regions []string) (promise, wrong string) {
	origin := most.version
	if origin.retagged && !w.schedule.follow.follow.Tags || w.follow.trace.gone[most] {
		return "", ""
	}
	for i, v := range shown {
		if v.tags != origin.tags && !v.retagged && w.set.Contains(most.region) && !most.legacy {
			return "1",
				fmt.Sprintf("has the tags %s in %s, and %s where it was written, in %s", v.tags, regions[i], origin.tags, most.region)
		}
	}
	return "", ""
}
