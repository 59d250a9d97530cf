package explain

import (
	"fmt"
	"strings"

	"s3fanout/internal/policy"
)

// present speaks of the Regions that have it.
func (j *judgement) present() {
	here := j.by[Present]
	all := len(here) == len(j.Regions)
	where := "it is in " + names(here)
	switch {
	case all:
		where = "it is in both Regions"
		if len(here) != 2 {
			where = fmt.Sprintf("it is in all %d Regions", len(here))
		}
	case len(here) == 1:
		where = "it is in " + here[0].Region + " alone"
	}
	tags, known := tagGroups(j.Facts)
	switch {
	case len(policy.Judge(states(j.Facts)).Different) > 0:
		j.call(CodeDifferent)
		j.different(where)
	case len(j.groups) > 1:
		j.call(CodeNotCompared)
		j.say("%s with the same size, but ETags and checksums do not say whether the contents are the same (%s): "+
			"they were uploaded in parts, or encrypted with KMS, or have checksums of different kinds", where, j.list())
	case len(tags) > 1:
		j.say("%s with the same contents", where)
	case all:
		j.call(CodeEverywhere)
		j.say("%s and the same everywhere", where)
	case len(here) > 1:
		j.say("%s and the same there", where)
	default:
		j.say("%s", where)
	}
	j.tags(tags, known)
}

// tags speaks of the tags of the objects that are there.
func (j *judgement) tags(found []group, known bool) {
	switch {
	case len(found) > 1:
	case !known && len(j.by[Present]) > 1:
		j.say("whether its tags are the same is not known")
		return
	default:
		return
	}
	j.call(CodeTags)
	texts := make([]string, len(found))
	for n, g := range found {
		texts[n] = names(j.regions(g)) + ": " + tagText(j.Regions[g[0]].Object.Tags)
	}
	j.say("its tags are not the same (%s), and tag changes are not replicated", strings.Join(texts, " | "))
	for _, g := range found {
		var commands []string
		for _, other := range found {
			if other[0] == g[0] {
				continue
			}
			for _, r := range j.regions(other) {
				commands = append(commands, tagCommand(r, j.Key, j.Regions[g[0]].Object.Tags))
			}
		}
		j.step(fmt.Sprintf("if the tags of %s are right", names(j.regions(g))), strings.Join(commands, " && "))
	}
}

// list names the Regions of each group.
func (j *judgement) list() string {
	texts := make([]string, len(j.groups))
	for n, g := range j.groups {
		texts[n] = names(j.regions(g))
	}
	return strings.Join(texts, " | ")
}

func (j *judgement) regions(g group) []Region {
	list := make([]Region, len(g))
	for n, i := range g {
		list[n] = j.Regions[i]
	}
	return list
}

// different says why contents may differ, and how to make them the same. Which
// of them is right is not for a program to say.
func (j *judgement) different(where string) {
	j.say("%s, but not the same (%s): %s", where, j.list(), j.whyDifferent())
	for _, g := range j.groups {
		right := j.regions(g)
		var commands, wrong []string
		for _, other := range j.groups {
			if other[0] == g[0] {
				continue
			}
			for _, r := range j.regions(other) {
				commands = append(commands, deleteCommand(r, j.Key))
				wrong = append(wrong, r.Region)
			}
		}
		// What is deleted leaves a marker, over which nothing is copied unasked.
		commands = append(commands, backfillCommand(j.Key, right[0].Region, wrong, true))
		j.step(
			fmt.Sprintf("if that of %s is right, delete the others (the versions stay) and copy again", names(right)),
			strings.Join(commands, " && "),
		)
	}
	j.step("if both are wanted, upload one of them under another key", "")
}

// whyDifferent looks among the older versions for what another Region has now.
func (j *judgement) whyDifferent() string {
	for n, g := range j.groups {
		for _, i := range g {
			r := j.Regions[i]
			for _, old := range r.Versions {
				if old.Marker || old.VersionID == r.Object.VersionID {
					continue
				}
				for m, other := range j.groups {
					o := j.Regions[other[0]].Object
					if m != n && old.same(o) {
						return fmt.Sprintf("%s had the same as %s and was overwritten %s, and overwrites are not replicated",
							r.Region, names(j.regions(other)), at(r.Object.Modified))
					}
				}
			}
		}
	}
	times := make([]string, len(j.groups))
	for n, g := range j.groups {
		times[n] = names(j.regions(g)) + " " + at(oldest(j.Facts, g))
	}
	return "each was uploaded separately (" + strings.Join(
		times,
		", ",
	) + "), and the first write of a key wins in each Region (the functions count a copy of the other as Diverged)"
}
