package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/policy"
	"s3fanout/internal/printable"
)

// Write is a version that a user made of a key that is followed, with what has
// become of it.
type Write struct {
	policy.Write
	Size int64 // bytes
	ETag string
	// Wins says that it is the latest, and Why in a clause why it is, or why not.
	Wins bool
	Why  string
	// Shown, Hidden and Kept are the Regions that show it, that have deleted it, so
	// that a delete marker hides it directly, and that have it beneath.
	Shown, Hidden, Kept []string
	// DeletedAt is when the first of Hidden deleted it; zero if none has.
	DeletedAt time.Time
	// undeleteSince is from when on undelete has to look to bring it back.
	undeleteSince time.Time
	// Destroyed says that it is gone from the Region where it was made.
	Destroyed bool
}

// Written is when it was made, in whole seconds.
func (w Write) Written() time.Time { return time.Unix(w.Seconds, 0).UTC() }

// Writes are those that any Region has something of, the latest first; nil if the
// key is not followed.
func Writes(f Facts) []Write {
	if f.Followed == nil {
		return nil
	}
	list := writesOf(f)
	writes := make([]Write, len(list))
	for i := range list {
		writes[i] = list[i].Write
		writes[i].Destroyed = f.Followed.destroyed(writes[i].Write)
		writes[i].Wins = i == 0
		if i == 0 {
			writes[i].Why = "the latest write"
			continue
		}
		writes[i].Why = why(writes[i], writes[i-1])
	}
	return writes
}

// found is a write with a version of it, its own if there is one.
type found struct {
	Write
	version policy.Version
}

// writesOf are the writes of a key that is followed, without Wins, Why and Destroyed, the
// latest first.
func writesOf(f Facts) []found {
	var list []found
	for _, b := range f.Followed.Buckets {
		for i, v := range b.Stack {
			if !v.Read {
				continue
			}
			at := slices.IndexFunc(list, func(o found) bool { return f.Followed.Orders.Of(o.version, v) == policy.SameWrite })
			if at < 0 {
				at = len(list)
				list = append(list, found{Write{Write: v.Write, Size: v.Size, ETag: v.ETag}, v})
			}
			w := &list[at].Write
			switch {
			case i == 0:
				w.Shown = appendOnce(w.Shown, b.Region)
			case b.Stack[i-1].Marker:
				w.Hidden = appendOnce(w.Hidden, b.Region)
				w.DeletedAt = earlier(w.DeletedAt, deletedAt(b.Stack, i))
				w.undeleteSince = earlier(w.undeleteSince, undeleteSince(b.Stack, i))
			default:
				w.Kept = appendOnce(w.Kept, b.Region)
			}
			if !v.Replica && list[at].version.Replica { // the write itself
				list[at].version = v
			}
			if !v.Replica && v.Write.Seconds < w.Seconds {
				w.Write = v.Write // of those from before follow mode the oldest is the origin
			}
		}
	}
	slices.SortStableFunc(list, func(a, b found) int {
		switch f.Followed.Orders.Of(a.version, b.version) {
		case policy.Greater:
			return -1
		case policy.Less:
			return 1
		}
		return 0
	})
	return list
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// deletedAt is when the version at a place of a stack was deleted: by the marker right
// above it. Whoever deletes again what is deleted makes another one, which changes
// nothing: undelete counts from the first.
func deletedAt(stack []policy.Version, index int) time.Time {
	return time.Unix(stack[index-1].Modified, 0).UTC()
}

// undeleteSince is from when on undelete has to look to bring it back. It goes by times,
// and so counts each marker that is younger than the version: also one beneath, made
// during an upload in parts, which S3 dates by its start.
func undeleteSince(stack []policy.Version, index int) time.Time {
	since := deletedAt(stack, index)
	for _, v := range stack[index+1:] {
		if v.Marker && v.Modified > stack[index].Modified {
			since = earlier(since, time.Unix(v.Modified, 0).UTC())
		}
	}
	return since
}

// earlier is the earlier of two times, of which the first may not be known yet.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// why says why a write is beaten by the one before it in the order.
func why(loser, winner Write) string {
	switch later := winner.Seconds - loser.Seconds; {
	case later > 0:
		return fmt.Sprintf("written %s before that of %s", Age(time.Duration(later)*time.Second), winner.Region)
	case winner.Region != loser.Region:
		return fmt.Sprintf("of the same second as that of %s, which comes later in the alphabet", winner.Region)
	}
	if loser.Destroyed {
		return fmt.Sprintf("of the same second, and destroyed in %s, so it is not known which is later", winner.Region)
	}
	return fmt.Sprintf("of the same second, and beneath the other in %s", winner.Region)
}

// judgeFollowed is Judge for a key that is followed.
func judgeFollowed(f Facts) Verdict {
	j := judgement{Facts: f, by: map[State][]Region{}}
	s, states := f.Followed.stand(), States(f)
	for i, state := range states {
		j.by[state] = append(j.by[state], f.Regions[i])
	}
	if s.Greatest >= 0 {
		j.followed(s, states)
	} else {
		j.nowhereFollowed()
	}
	if len(j.steps) == 0 && len(f.Letters) > 0 {
		j.step("replay the dead letters that name it; they end once nothing is left to do", redriveCommand(f.Key, f.Letters))
	}
	j.unknown()
	return Verdict{Code: j.code, Text: joined(j.clauses), Steps: j.steps}
}

// followed speaks of a key that some Region has a version of.
func (j *judgement) followed(s policy.Standing, states []State) {
	f := j.Followed
	latest, what := j.counts(s)
	behind := slices.DeleteFunc(slices.Concat(s.Missing, s.Stale, s.Undeleted), func(i int) bool { return f.leftDeleted(s, i) })
	regions := func(indexes []int) []Region {
		var list []Region
		for _, i := range indexes {
			list = append(list, j.Regions[i])
		}
		return list
	}
	switch {
	case s.Deleted && len(behind) == 0:
		j.call(CodeNowhere)
		j.say("%s, and it is deleted: in %s, first %s", what, and(latest.Hidden), at(latest.DeletedAt))
		j.step("to restore it", undeleteKey(j.Key, latest.undeleteSince))
		return
	case len(behind) == 0 && len(s.Missing) > 0:
		j.call(CodeDeleted)
		j.say("%s; %s it", what, j.shows(latest))
		j.leftDeleted(s.Missing)
		return
	case len(behind) == 0:
		j.call(CodeEverywhere)
		j.say("%s, and all Regions show it", what)
		origin := s.Greatest
		if i := slices.IndexFunc(j.Regions, func(r Region) bool { return r.Region == latest.Region }); i >= 0 {
			origin = i
		}
		j.tagsOf(j.Regions[origin])
		return
	case s.Destroyed:
		j.call(CodeDifferent)
		j.say("%s, which has destroyed it since: %s it, and it is not copied from there", what, j.shows(latest))
		j.step("to have it in all Regions, upload it again, or copy it over itself in a Region that has it", "")
		return
	}
	if s.Deleted {
		j.say("%s, and it is deleted in %s, first %s", what, and(latest.Hidden), at(latest.DeletedAt))
		j.say("not yet in %s", names(regions(s.Undeleted)))
	} else {
		j.say("%s; %s it", what, j.shows(latest))
		lacks := slices.DeleteFunc(slices.Clone(s.Missing), func(i int) bool { return f.leftDeleted(s, i) })
		if len(lacks) > 0 {
			j.say("%s %s nothing", names(regions(lacks)), plural(len(lacks), "has", "have"))
		}
		if len(s.Stale) > 0 {
			j.say("%s %s an older write", names(regions(s.Stale)), plural(len(s.Stale), "shows", "show"))
		}
	}
	changed := latest.Written()
	if latest.DeletedAt.After(changed) {
		changed = latest.DeletedAt
	}
	letters := j.about(regions(behind))
	switch {
	case slices.ContainsFunc(behind, func(i int) bool { return states[i] == Copying }):
		j.call(CodeCopying)
		j.step("wait until it is copied and check again", "")
	case len(letters) > 0:
		j.call(CodeDeadLetter)
		j.say("its copy failed and waits as a dead letter: %s", letters[len(letters)-1].Reason)
		j.step("remove the cause, then replay", redriveCommand(j.Key, letters))
	case j.Now.Sub(changed) < travelTime:
		j.call(CodeOnItsWay)
		j.say("that is %s ago, so it is probably on its way", Age(j.Now.Sub(changed)))
		j.step("wait a few minutes and check again", "")
	default:
		j.call(map[bool]Code{true: CodeMissing, false: CodeDifferent}[len(s.Stale)+len(s.Undeleted) == 0])
		j.say("no dead letter says why%s", j.unreadBesides())
		j.step("find out why its event was lost, such as a missing notification, subscription or filter",
			doctorCommand(append([]string{j.Regions[s.Greatest].Region}, regionNames(regions(behind))...)...))
		command := "s3fanout backfill --key=" + printable.Shell(j.Key)
		if s.Deleted {
			command += " --hide-deleted"
		}
		j.step("copy it everywhere", command)
	}
}

// counts is the write that counts, as Standing has it, and in words which one that is: the
// latest that a Region shows, or that a marker hides there. A later one can lie beneath
// it, if a copy or an upload in parts ended late; undelete does not look there.
func (j *judgement) counts(s policy.Standing) (w Write, words string) {
	list, of := writesOf(j.Facts), j.Followed.latest(s)
	i := max(0, slices.IndexFunc(list, func(o found) bool { return j.Followed.Orders.Of(o.version, of) == policy.SameWrite }))
	w = list[i].Write
	if i > 0 && j.Followed.Deletions {
		return w, fmt.Sprintf("the latest write that counts is that of %s %s, which came on top of the later one of %s %s",
			w.Region, at(w.Written()), list[0].Region, at(list[0].Written()))
	}
	return w, fmt.Sprintf("the latest write is that of %s %s", w.Region, at(w.Written()))
}

// nowhereFollowed is where no Region shows it, and either none has a version of it or
// deletions do not travel.
func (j *judgement) nowhereFollowed() {
	j.code = CodeNowhere
	var hidden []int
	for i, b := range j.Followed.Buckets {
		if _, any := b.Register(); any {
			hidden = append(hidden, i)
		}
	}
	if hidden == nil {
		j.say("no Region has it, or a version of it")
		return
	}
	j.say("no Region has it any more")
	j.leftDeleted(hidden)
}

// leftDeleted says of places that hide the key that deletions do not travel.
func (j *judgement) leftDeleted(indexes []int) {
	var texts []string
	var since time.Time
	for _, i := range indexes {
		b := j.Followed.Buckets[i]
		hidden := slices.IndexFunc(b.Stack, func(v policy.Version) bool { return !v.Marker })
		texts = append(texts, b.Region+" "+at(deletedAt(b.Stack, hidden)))
		since = earlier(since, undeleteSince(b.Stack, hidden))
	}
	j.say("it was deleted in %s, and deletions are not replicated", and(texts))
	j.step("to restore it", undeleteKey(j.Key, since))
}

// tagsOf compares the tags with those of the Region where the object was written.
func (j *judgement) tagsOf(origin Region) {
	if origin.Object == nil || slices.ContainsFunc(j.Regions, func(r Region) bool { return r.Object != nil && r.Object.Tags == nil }) {
		j.say("whether its tags are the same is not known")
		return
	}
	var others, commands []string
	for _, r := range j.Regions {
		if r.Object == nil || maps.Equal(r.Object.Tags, origin.Object.Tags) {
			continue
		}
		others = append(others, r.Region+": "+tagText(r.Object.Tags))
		commands = append(commands, tagCommand(r, j.Key, origin.Object.Tags))
	}
	if others == nil {
		return
	}
	j.call(CodeTags)
	travel := "tag changes are not replicated"
	if j.Followed.Tags {
		travel = "only tag changes made there are replicated"
	}
	j.say("its tags are not those of %s, where it was written (%s | %s), and %s", origin.Region,
		origin.Region+": "+tagText(origin.Object.Tags), strings.Join(others, " | "), travel)
	j.step("give the others the tags of "+origin.Region, strings.Join(commands, " && "))
}

// shows names who shows a write.
func (j *judgement) shows(w Write) string {
	switch len(w.Shown) {
	case 0:
		return "no Region shows"
	case 1:
		return w.Shown[0] + " shows"
	}
	return and(w.Shown) + " show"
}

// unreadBesides says which dead letters there may be besides.
func (j *judgement) unreadBesides() string {
	for _, q := range j.Queues {
		if !q.complete() {
			return " among those that could be read"
		}
	}
	return ""
}

// followedState is how a Region stands with a key that is followed.
func followedState(f Facts, i int) State {
	s, r := f.Followed.stand(), f.Regions[i]
	in := func(indexes []int) bool { return slices.Contains(indexes, i) }
	switch {
	case r.Err != nil || f.Followed.Buckets[i].Region == "":
		return Unknown
	case f.working(r) != nil && (in(s.Missing) || in(s.Stale)):
		return Copying
	case in(s.Stale):
		return Stale
	case in(s.Undeleted):
		return Undeleted
	case r.Object != nil:
		return Present
	case r.Deleted != nil && f.Followed.leftDeleted(s, i):
		return Deleted
	case !in(s.Missing) && r.Deleted != nil:
		return Deleted
	case lastLetter(f, r.Region) != nil && s.Greatest >= 0 && !s.Deleted:
		return DeadLetter
	case s.Greatest >= 0 && !s.Deleted && f.Now.Sub(time.Unix(f.Followed.latest(s).Write.Seconds, 0)) < travelTime:
		return OnItsWay
	}
	return Missing
}
