package explain

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Quote makes one word of a POSIX shell of any text. Line breaks and other
// characters that a terminal would act on are written as $'…' has them, which
// bash and zsh know too, and POSIX since 2024.
func Quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
	}
	b.WriteString("'")
	return b.String()
}

// redriveCommand replays the queues that have the letters.
func redriveCommand(letters []Letter) string {
	var regions []string
	for _, l := range letters {
		if !slices.Contains(regions, l.Queue) {
			regions = append(regions, l.Queue)
		}
	}
	slices.Sort(regions)
	return "s3fanout redrive" + flags("--region", regions)
}

// backfillCommand copies what the Regions lack; no Regions mean all, no source
// the Region that had it first.
func backfillCommand(key, from string, to []string) string {
	command := "s3fanout backfill --prefix " + Quote(key)
	if from != "" {
		command += " --from " + from
	}
	return command + flags("--to", to)
}

func flags(name string, values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(" " + name + " " + v)
	}
	return b.String()
}

func deleteCommand(r Region, key string) string { return s3api("delete-object", r, key) }

func undeleteCommand(r Region, key string) string {
	return s3api("delete-object", r, key) + " --version-id " + Quote(r.Deleted.VersionID)
}

// restoreCommand asks for a copy that lasts a week.
func restoreCommand(r Region, key string) string {
	request := "Days=7"
	if r.Object.StorageClass == "INTELLIGENT_TIERING" { // takes no days
		request = "{}"
	}
	return s3api("restore-object", r, key) + " --restore-request " + Quote(request)
}

func s3api(operation string, r Region, key string) string {
	return "aws s3api " + operation + " --region " + r.Region + " --bucket " + r.Bucket + " --key=" + Quote(key)
}
