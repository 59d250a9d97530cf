// Package health finds what is wrong with a deployed replica set, above all
// what is wrong without an alarm: an upload without an event looks the
// same as one that is on its way.
//
// Gather asks AWS what there is, Check compares it with what the configuration
// says there should be. Check takes and returns values; Gather holds no
// opinion. What may not be looked at, or could not be, is a finding of its
// own and never passes for healthy. Nothing is changed, and no object is read;
// only Probe writes, an object of its own that it removes.
//
// What an account's service control policies, bucket policies, quotas and the
// policies of keys forbid is not looked at.
package health

import "slices"

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first. Somebody has to act on the first two.
const (
	// Failed: objects are not copied or not encrypted as they should be, clients have
	// no endpoint, failures get lost, or money is wasted.
	Failed Severity = "failed"
	// Unknown: AWS did not say, so nothing is known either way.
	Unknown Severity = "unknown"
	// Warning: replication works, and something should be put right.
	Warning Severity = "warning"
	// Note is worth knowing.
	Note Severity = "note"
)

// rank orders severities, the worst first.
func (s Severity) rank() int { return slices.Index([]Severity{Failed, Unknown, Warning, Note}, s) }

// NeedsAction says that somebody has to act.
func (s Severity) NeedsAction() bool { return s == Failed || s == Unknown }

// Part is what a check is about.
type Part string

// The parts of a Region, in the order that an object meets them.
const (
	PartAccess        Part = "access"
	PartBucket        Part = "bucket"
	PartTopic         Part = "topic"
	PartSubscriptions Part = "subscriptions"
	PartFunction      Part = "function"
	PartRole          Part = "role"
	PartQueue         Part = "queue"
)

// Parts returns all parts in order.
func Parts() []Part {
	return []Part{PartAccess, PartBucket, PartTopic, PartSubscriptions, PartFunction, PartRole, PartQueue}
}

// Finding is one thing that Check noticed.
type Finding struct {
	Check    string   // the ID of the check, from Checks
	Region   string   // where it has to be fixed
	Part     Part     // what the check is about
	Severity Severity // not always the check's usual one
	What     string   // what was found, one line
	Means    string   // what it does to replication
	Fix      string   // what to do, with names filled in
	// Denied is the IAM action that the caller lacks to know the answer; see
	// Merge.
	Denied string
}

// Words for the state of a part.
const (
	OK         = "ok"
	Missing    = "missing"
	PausedPart = "paused"
)

// PartState is a word for how a part of a Region stands: OK, Missing, or the
// worst severity of what was found about it. A note leaves it OK, but for a function
// that is PausedPart on purpose. Of a Region
// that does not answer, all else is Unknown; of one that is not deployed, all but an
// adopted bucket is Missing, as the subscriptions are with their topic.
func PartState(findings []Finding, region string, part Part) string {
	worst, paused := Note, false
	for _, f := range findings {
		if f.Region != region {
			continue
		}
		gone := f.Severity == Failed && isMissing(f.Check)
		paused = paused || f.Check == CheckPaused && f.Part == part
		switch {
		case f.Check == checkReach && part != PartAccess:
			return string(Unknown)
		case f.Check == checkDeployed && part == PartAccess: // it answers
		case f.Check == checkDeployed && part == PartBucket && f.What == bucketAlone:
		case f.Check == checkDeployed, gone && f.Part == part, gone && f.Check == checkTopic && part == PartSubscriptions:
			return Missing
		case f.Part == part && f.Severity.rank() < worst.rank():
			worst = f.Severity
		}
	}
	switch {
	case paused && !worst.NeedsAction():
		return PausedPart
	case worst == Note:
		return OK
	}
	return string(worst)
}
