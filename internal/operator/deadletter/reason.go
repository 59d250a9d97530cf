package deadletter

import (
	"regexp"
	"slices"
	"strings"
)

// Essence leaves out of a reason for display that one of one records of a message
// failed. Nearly every dead letter has one record, and the words would stand in
// front of what matters.
func Essence(reason string) string {
	return strings.Replace(reason, "1 of 1 failed: ", "", 1)
}

// single are the parts of a reason that differ from dead letter to dead letter: the
// identity of requests and uploads, and of what was copied where.
var single = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`: (?:replicate|[a-z ]*cop[a-z ]*|[a-z0-9 -]* of) s3://.*? to s3://\S+ \([a-z0-9-]+\)`), ""},
	{regexp.MustCompile(`s3://\S+`), "s3://…"},
	// S3's refusals name the object. Keys may have quotation marks and line breaks, so what follows tells where one ends.
	{regexp.MustCompile(`(?s)(on resource: "arn:[a-z-]+:s3:::[^/"]+/).*?("(?: because | with | \(status |$))`), "$1…$2"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "…"},
	{regexp.MustCompile(`, request [^\s,)]+`), ""},
	{regexp.MustCompile(`\(request [^\s,)]+\)`), ""},
	{regexp.MustCompile(`\bupload \S+ stays`), "upload … stays"},
	{regexp.MustCompile(`\bby [0-9hms]+ or more\b`), "by … or more"},
	{regexp.MustCompile(`\bwith [0-9]+ bytes less\b`), "with … bytes less"},
	{regexp.MustCompile(`\s+`), " "},
}

// Cause is what a reason has in common with others of its kind: its Essence
// without the object, the request and the upload that it names.
func Cause(reason string) string {
	text := Essence(reason)
	for _, s := range single {
		text = s.pattern.ReplaceAllString(text, s.instead)
	}
	return text
}

// What to do about a dead letter. Those that are exported may be known without a
// reason.
const (
	nextPermission = "run s3fanout doctor, which finds the missing permission; then redrive"
	nextPolicy     = "change the policy that denies it: the reason names its kind; then redrive"
	NextDeploy     = "run s3fanout doctor, which finds what is missing or differs from cdk.json; then redrive"
	NextDelivery   = "run s3fanout doctor, which finds why SNS could not invoke the function; then redrive"
	NextStopped    = "if the Region is paused, s3fanout resume ends that and replays; " +
		"else run s3fanout doctor, which checks the function's concurrency"
	nextFunction   = "run s3fanout doctor, which checks the function's memory, time limit and concurrency; its log has the rest"
	NextForeign    = "nothing of the replica set sends it: find out who put it there, then delete it"
	nextArchive    = "restore the object from its archive, then redrive"
	nextUnnamed    = "copy the object with s3fanout backfill, then delete the dead letter"
	nextAborted    = "see who aborts unfinished uploads in the bucket, or which lifecycle rule does; then redrive"
	nextUpload     = "redrive within 7 days: that continues the upload"
	nextBusy       = "S3 was busy or did not answer: redrive, with --rate if it was throttled; s3fanout status shows whether that continues"
	nextClock      = "once S3's clocks agree, or the time has passed by which one is ahead: redrive; s3fanout doctor compares them"
	nextVersioning = "enable versioning on the bucket, and see who suspended it; then redrive"
	nextMetadata   = "store the object again with other user metadata, which is a new write; then delete the dead letter"
	nextUnknown    = "run s3fanout doctor; if all checks pass, the function's log has the details"
)

// rules tell from a reason what to do. The first that has one of its marks in
// the reason, in lower case, counts.
var rules = []struct {
	marks []string
	next  string
}{
	{[]string{"nosuchupload"}, nextAborted}, // says that the upload does not exist
	{[]string{"was begun by"}, NextForeign},
	{[]string{"does not say that this function's role began it"}, nextUnnamed},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
	{[]string{
		"explicit deny", "no service control policy allows", "no permissions boundary allows", "no session policy allows",
		"no vpc endpoint policy allows",
	}, nextPolicy},
	{[]string{"accessdenied", "denied:", "not authorized", "accountproblem"}, nextPermission},
	{[]string{"not a source of this function", "nosuchbucket", "does not exist"}, NextDeploy},
	{[]string{"malformed event", "unsupported event"}, NextForeign},
	{[]string{"invalidobjectstate", "restore it first"}, nextArchive},
	{[]string{"is ahead of that in"}, nextClock},
	{[]string{"does not keep versions"}, nextVersioning},
	{[]string{"no room for the entry", "that http headers cannot hold"}, nextMetadata},
	{[]string{"the copy is unfinished", "stays open and can be resumed"}, nextUpload},
	{[]string{"retryable:", "slowdown", "serviceunavailable", "internalerror", "requesttimeout", "503 "}, nextBusy},
	{[]string{"zeroreservedconcurrency", "zero reserved concurrent", "toomanyrequestsexception"}, NextStopped},
	{[]string{"task timed out", "runtime.", "runtime exited", "maximum event age", "throttle", "concurrency"}, nextFunction},
}

// Next says what to do about a function's failure, by its reason, in one clause. A key in
// the reason does not count.
func Next(reason string) string {
	reason = strings.ToLower(Cause(reason))
	for _, rule := range rules {
		if slices.ContainsFunc(rule.marks, func(mark string) bool { return strings.Contains(reason, mark) }) {
			return rule.next
		}
	}
	return nextUnknown
}
