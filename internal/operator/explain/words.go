package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func deletions(gone []Region) string {
	texts := make([]string, len(gone))
	for i, r := range gone {
		texts[i] = r.Region
		when, sure := hiddenSince(gone[i : i+1])
		if !sure || when.IsZero() {
			when = r.Deleted.Modified
		}
		if !when.IsZero() {
			texts[i] += " " + at(when)
		}
	}
	return and(texts)
}

// tagText names tags for people.
func tagText(tags map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, name+"="+tags[name])
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// joined makes one sentence of clauses.
func joined(clauses []string) string { return strings.Join(clauses, "; ") }

func names(regions []Region) string { return and(regionNames(regions)) }

func regionNames(regions []Region) []string {
	list := make([]string, len(regions))
	for i, r := range regions {
		list[i] = r.Region
	}
	return list
}

func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// plural is the verb's form for so many Regions.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func at(t time.Time) string { return "at " + t.UTC().Format("2006-01-02 15:04:05Z") }

// Age is a time span for people, cut to a whole number of one unit.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s" // two clocks
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
