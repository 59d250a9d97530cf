package explain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/printable"
)

// redriveCommand replays the dead letters, which are all about the key, and no other
// dead letters of their queues.
func redriveCommand(key string, letters []Letter) string {
	var regions []string
	for _, l := range letters {
		if !slices.Contains(regions, l.Queue) {
			regions = append(regions, l.Queue)
		}
	}
	slices.Sort(regions)
	return "s3fanout redrive --key=" + printable.Shell(key) + flags("--region", regions)
}

// doctorCommand looks for what is wrong in the Regions.
func doctorCommand(regions ...string) string {
	return "s3fanout doctor" + flags("--region", regions)
}

// backfillCommand copies what the Regions lack; no Regions mean all, no source
// the Region that had it first. restore copies it also where it was deleted.
func backfillCommand(key, from string, to []string, restore bool) string {
	command := "s3fanout backfill --key=" + printable.Shell(key)
	if restore {
		command += " --restore-deleted"
	}
	if from != "" {
		command += " --from " + from
	}
	return command + flags("--to", to)
}

// undeleteKey brings a key back that was deleted since.
func undeleteKey(key string, since time.Time) string {
	return "s3fanout undelete --since " + since.Format(time.RFC3339) + " --key=" + printable.Shell(key)
}

func flags(name string, values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(" " + name + " " + v)
	}
	return b.String()
}

// tagCommand gives a Region's object these tags.
func tagCommand(r Region, key string, tags map[string]string) string {
	if len(tags) == 0 {
		return s3api("delete-object-tagging", r, key)
	}
	type tag struct{ Key, Value string }
	var set struct{ TagSet []tag }
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		set.TagSet = append(set.TagSet, tag{name, tags[name]})
	}
	b, _ := json.Marshal(set) // texts cannot fail
	return s3api("put-object-tagging", r, key) + " --tagging " + printable.Shell(string(b))
}

func deleteCommand(r Region, key string) string { return s3api("delete-object", r, key) }

// restoreCommand asks for a copy that lasts a week.
func restoreCommand(r Region, key string) string {
	request := "Days=7"
	if r.Object.StorageClass == "INTELLIGENT_TIERING" { // takes no days
		request = "{}"
	}
	return s3api("restore-object", r, key) + " --restore-request " + printable.Shell(request)
}

func s3api(operation string, r Region, key string) string {
	return "aws s3api " + operation + " --region " + r.Region + " --bucket " + r.Bucket + " --key=" + printable.Shell(key)
}
