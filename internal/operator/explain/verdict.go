package explain

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// Code is a verdict in one word. The values are stable.
type Code string

// The verdicts; where several hold, the first of them is the Code.
const (
	CodeUnknown     Code = "unknown"      // a Region could not be asked
	CodeNowhere     Code = "nowhere"      // no Region has it
	CodeDifferent   Code = "different"    // Regions have different contents
	CodeDeadLetter  Code = "dead-letter"  // a copy failed and waits to be replayed
	CodeMissing     Code = "missing"      // absent, and nothing is about to change that
	CodeArchived    Code = "archived"     // absent, and all sources are archived
	CodeDeleted     Code = "deleted"      // deleted in some Regions
	CodeTags        Code = "tags-differ"  // the same contents with other tags
	CodeCopying     Code = "copying"      // an upload of it is under way
	CodeOnItsWay    Code = "on-its-way"   // written only just now
	CodeLeftOut     Code = "left-out"     // the configuration does not choose it
	CodeNotCompared Code = "not-compared" // everywhere, but sizes alone could be compared
	CodeEverywhere  Code = "everywhere"   // everywhere, and the same
)

// Step is something to do about it.
type Step struct {
	Text string // what it is for
	// Command is for a POSIX shell, with keys quoted; empty if there is only
	// the Text.
	Command string
}

// Verdict is what the facts come to.
type Verdict struct {
	Code  Code
	Text  string // one sentence
	Steps []Step // in this order; where Texts begin with "if", one of them
}

// Settled says that every Region that is to have the object has it, and no
// difference is known.
func (v Verdict) Settled() bool {
	return v.Code == CodeEverywhere || v.Code == CodeNotCompared || v.Code == CodeLeftOut
}

// Judge makes a verdict of the facts. It is a pure function.
func Judge(f Facts) Verdict {
	if f.Followed != nil {
		return judgeFollowed(f)
	}
	j := judgement{Facts: f, groups: groups(f), by: map[State][]Region{}}
	for i, state := range States(f) {
		j.by[state] = append(j.by[state], f.Regions[i])
	}
	switch {
	case len(j.by[Present]) == 0 && len(j.by[Unknown]) == 0:
		j.nowhere()
	case len(j.by[Present]) == 0:
		j.notSeen()
	case f.LeftOut && len(j.by[Unknown]) == 0:
		j.leftOut()
	default:
		j.present()
		j.deadLetters()
		j.missing()
		j.archived()
		j.deleted()
		j.waiting()
	}
	if len(j.steps) == 0 && len(f.Letters) > 0 {
		j.step("replay the dead letters that name it; they end once it is there", redriveCommand(f.Key, f.Letters))
	}
	j.unknown()
	return Verdict{Code: j.code, Text: joined(j.clauses), Steps: j.steps}
}

// judgement is a verdict while it is made.
type judgement struct {
	Facts
	groups  []group
	by      map[State][]Region
	code    Code
	clauses []string
	steps   []Step
}

func (j *judgement) say(format string, args ...any) {
	j.clauses = append(j.clauses, fmt.Sprintf(format, args...))
}

func (j *judgement) step(text, command string) { j.steps = append(j.steps, Step{text, command}) }

// call sets the verdict's code unless one that goes before it is set.
func (j *judgement) call(c Code) {
	order := []Code{
		CodeUnknown, CodeNowhere, CodeDifferent, CodeDeadLetter, CodeMissing, CodeArchived, CodeDeleted, CodeTags, CodeCopying,
		CodeOnItsWay, CodeLeftOut, CodeNotCompared, CodeEverywhere,
	}
	if j.code == "" || slices.Index(order, c) < slices.Index(order, j.code) {
		j.code = c
	}
}

// leftOut is where the configuration says that it stays where it is.
func (j *judgement) leftOut() {
	j.call(CodeLeftOut)
	if j.Excluded {
		j.say("it is in %s and is not copied, because cdk.json excludes its key", names(j.by[Present]))
		j.step("to copy it, change the excluded keys, deploy, and copy it", backfillCommand(j.Key, "", nil, false))
		return
	}
	j.say("it is in %s and is not copied, because no filter in cdk.json selects its key", names(j.by[Present]))
	j.step("to copy it, add a filter that selects it, deploy, and copy it", backfillCommand(j.Key, "", nil, false))
}

// deadLetters speaks of the copies that failed.
func (j *judgement) deadLetters() {
	failed := j.by[DeadLetter]
	if len(failed) == 0 {
		return
	}
	j.call(CodeDeadLetter)
	var reasons []string
	for _, r := range failed {
		if reason := printable.Short(lastLetter(j.Facts, r.Region).Reason); !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	j.say("it is missing in %s, because its copy failed and waits as a dead letter: %s", names(failed), strings.Join(reasons, " | "))
	replay := "remove the cause, then replay"
	var steps []Step
	for _, r := range failed {
		l := lastLetter(j.Facts, r.Region)
		command := ""
		switch {
		case l.Next == "":
			continue
		case strings.Contains(l.Next, "s3fanout doctor"):
			// What the topic could not deliver fails between the two.
			command = doctorCommand(slices.Compact([]string{l.Queue, r.Region})...)
		case strings.Contains(l.Next, "s3fanout status"):
			command = "s3fanout status"
		}
		if s := (Step{l.Next, command}); !slices.Contains(steps, s) {
			steps, replay = append(steps, s), "then replay"
		}
	}
	j.steps = append(j.steps, steps...)
	j.step(replay, redriveCommand(j.Key, j.about(failed)))
}

func (j *judgement) missing() {
	lost := j.by[Missing]
	if len(lost) == 0 {
		return
	}
	j.call(CodeMissing)
	what := "it is missing in " + names(lost)
	if m := slices.IndexFunc(lost, func(r Region) bool { return r.Deleted != nil }); m >= 0 {
		what += fmt.Sprintf(" (deleted in %s before it was uploaded again)", lost[m].Region)
	}
	j.say("%s, though it was uploaded %s ago%s%s", what, Age(j.Now.Sub(newestUpload(j.Facts, j.groups))), j.idle(lost), j.unread())
	// An event that is lost leaves no dead letter. It was of the Region that had the
	// key first.
	source := j.Regions[j.groups[0][0]].Region
	for _, i := range j.groups[0] {
		if j.Regions[i].Object.Modified.Equal(oldest(j.Facts, j.groups[0])) {
			source = j.Regions[i].Region
			break
		}
	}
	if j.NoUserCopies {
		j.say("if a user made it by CopyObject, nothing announced it, because copiesByUsers is false")
	}
	j.step("find out why its event was lost, such as a missing notification, subscription or filter",
		doctorCommand(append([]string{source}, regionNames(lost)...)...))
	j.step("copy what is missing", backfillCommand(j.Key, "", regionNames(lost), slices.ContainsFunc(lost, Region.hasDeleteMarker)))
}

// idle speaks of uploads that nobody seems to work on any more.
func (j *judgement) idle(lost []Region) string {
	for _, r := range lost {
		for _, u := range r.Uploads {
			if u.By != initiator.ByOther {
				return fmt.Sprintf(", an upload of it in %s has shown nothing new for %s", r.Region, Age(j.Now.Sub(u.Last)))
			}
		}
	}
	return ""
}

// unread says which dead letters there may be besides.
func (j *judgement) unread() string {
	var queues []string
	for _, q := range j.Queues {
		if !q.complete() {
			queues = append(queues, q.Region)
		}
	}
	if len(queues) > 0 {
		return ", and no dead letter says why among those that could be read (not all of " + strings.Join(queues, ", ") + ")"
	}
	return ", and no dead letter says why"
}

func (j *judgement) archived() {
	waiting := j.by[Archived]
	if len(waiting) == 0 {
		return
	}
	j.call(CodeArchived)
	source := j.by[Present][0]
	j.say("it is missing in %s, and can be copied only once it is restored: it is archived (%s)",
		names(waiting), source.Object.StorageClass)
	j.step("restore it, which takes hours", restoreCommand(source, j.Key))
	if letters := j.about(waiting); len(letters) > 0 {
		j.step("then replay", redriveCommand(j.Key, letters))
		return
	}
	j.step(
		"then copy it",
		backfillCommand(j.Key, source.Region, regionNames(waiting), slices.ContainsFunc(waiting, Region.hasDeleteMarker)),
	)
}

// about are the dead letters about copies to the Regions.
func (j *judgement) about(regions []Region) []Letter {
	var letters []Letter
	for _, l := range j.Letters {
		if slices.ContainsFunc(regions, func(r Region) bool { return l.For(r.Region) }) {
			letters = append(letters, l)
		}
	}
	return letters
}

func (j *judgement) deleted() {
	gone := j.by[Deleted]
	if len(gone) == 0 {
		return
	}
	j.call(CodeDeleted)
	j.say("it was deleted in %s, and deletions are not replicated", deletions(gone))
	var commands []string
	for _, r := range j.by[Present] {
		commands = append(commands, deleteCommand(r, j.Key))
	}
	j.step("to delete it everywhere", strings.Join(commands, " && "))
	j.step("to restore it", backfillCommand(j.Key, "", regionNames(gone), true))
}

// waiting speaks of what needs time alone.
func (j *judgement) waiting() {
	for _, r := range j.by[Copying] {
		j.call(CodeCopying)
		u := j.working(r)
		who := "an upload of it is under way there"
		if u.By == initiator.ByReplicator {
			who = "the function is copying it"
		}
		j.say("it is not yet in %s: %s, %s of %s in %d parts",
			r.Region, who, table.Bytes(u.Bytes), table.Bytes(j.by[Present][0].Object.Size), u.Parts)
	}
	if coming := j.by[OnItsWay]; len(coming) > 0 {
		j.call(CodeOnItsWay)
		j.say("it is not yet in %s, but was uploaded only %s ago and is probably on its way",
			names(coming), Age(j.Now.Sub(newestUpload(j.Facts, j.groups))))
	}
	if j.code == CodeCopying || j.code == CodeOnItsWay {
		j.step("wait a few minutes and check again", "")
	}
}

// nowhere is where no Region has it.
func (j *judgement) nowhere() {
	j.code = CodeNowhere
	gone := j.by[Deleted]
	switch {
	case len(gone) > 0:
		j.say("no Region has it any more: it was deleted in %s", deletions(gone))
		j.restore(hiddenSince(gone))
	case slices.ContainsFunc(j.Regions, func(r Region) bool { return len(r.Uploads) > 0 }):
		j.say("no Region has it: its upload is not completed")
		j.step("wait until whoever uploads it is done, or upload it again", "")
	default:
		j.say("no Region has it or had it: nothing was uploaded under this key, or all its versions were deleted")
		if decoded, err := url.QueryUnescape(j.Key); err == nil && decoded != j.Key {
			j.step(
				"if the key comes from an S3 event it is encoded; ask for it as it is stored",
				"s3fanout explain "+printable.Shell(decoded),
			)
		}
	}
}

// restore is how to bring back what all Regions have deleted, which undelete does where
// it was deleted from a time on. If that is not sure, a dry run has to tell.
func (j *judgement) restore(since time.Time, sure bool) {
	if since.IsZero() && sure {
		return // there is nothing to bring back
	}
	text, command := "to restore it", undeleteKey(j.Key, since)
	switch {
	case j.Excluded:
		j.say("undelete leaves it, because cdk.json excludes its key")
		text = "to restore it, change the excluded keys, deploy, and restore it"
	case j.LeftOut:
		j.say("undelete leaves it, because no filter in cdk.json selects its key")
		text = "to restore it, add a filter that selects it, deploy, and restore it"
	}
	switch {
	case since.IsZero():
		text, command = "find out why its versions are not known, and check again", doctorCommand(regionNames(j.by[Deleted])...)
	case !sure:
		text, command = text+"; not all its versions are known: try first, with an earlier time if nothing is found", command+" --dry-run"
	case j.NoUserCopies: // what undelete restores by one request is not announced
		command += " && " + backfillCommand(j.Key, "", nil, true)
	}
	j.step(text, command)
}

// notSeen is where no Region that could be asked has it.
func (j *judgement) notSeen() {
	var absent []Region
	for _, r := range j.Regions {
		if r.Err == nil {
			absent = append(absent, r)
		}
	}
	if len(absent) > 0 {
		j.say("it is not in %s", names(absent))
	}
}

func (j *judgement) unknown() {
	silent := j.by[Unknown]
	if len(silent) == 0 {
		return
	}
	j.call(CodeUnknown)
	j.say("%s could not be asked, so whether it is there is not known", names(silent))
	j.step("find out why, and check again", doctorCommand(regionNames(silent)...))
}
