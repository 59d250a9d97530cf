package policy

// Event is what S3 reports of the change that a copy is for. The zero value is
// that nothing was reported: somebody asks for the copy.
type Event struct {
	Name string // such as ObjectCreated:Put
}

// Copied says that one request copied the object: a replica, or a user's own
// copy. A copy in parts looks like any upload in parts, and need not be distinguished
// from it: the target of a copy in parts is always looked at first.
func (e Event) Copied() bool { return e.Name == "ObjectCreated:Copy" }

// Known is what is known of a key before it is copied to a target.
type Known struct {
	Source, Target State
	Event          Event
	// Reported says that Source is what an event or a caller has reported and
	// nobody has looked at since. Its encryption is unknown then, and without a
	// version it may be out of date.
	Reported bool
	// Probable says that the target probably has the key, so that a look costs
	// less than a copy that is refused. One look is all that it is worth: what
	// that does not tell, counts as the same.
	Probable bool
	// Final says that no more will be known. What the target has counts as the
	// same then, unless it is certain that it is not.
	Final bool
	// KeepDeleted has a key stay deleted that was deleted at the target.
	KeepDeleted bool
}

// Action is what to do about a key at a target.
type Action int

// The actions. Those of DecideFollow come last.
const (
	Copy         Action = iota
	LookAtTarget        // look at the target, and decide again
	LookAtSource        // look at the source, and decide again
	Exists              // the target has the same, as far as is known
	Diverged            // the target certainly has something else, which was written there first
	LeaveDeleted        // the key was deleted at the target, and stays so
	SourceGone          // there is nothing to copy
	// The following are DecideFollow's. Copy and Exists are too.
	Superseded   // what the source shows is not for the target: that has a greater write, or another bucket announces it
	Delete       // hide the target's object by a delete marker
	Retag        // give the target's object the source's tags
	Wait         // until the target's clock is in a later second than the write's, and look again
	LookAgain    // at target and source: they changed between two answers
	ListSource   // list the source's versions of the key, from where the last list ended
	ListTarget   // the same at the target
	ListOrigin   // list all versions in a Region
	ReadSource   // read the metadata of a version at the source
	ReadTarget   // the same at the target
	LookAtOrigin // look whether the write's own Region still has it
)

// Condition is what S3 has to check before it writes.
type Condition struct {
	// The values of the headers, empty for no such condition. IfMatch is an ETag
	// without quotation marks.
	IfNoneMatch, IfMatch string
}

// Decision is what is right, and how.
type Decision struct {
	Action Action
	// Condition goes with Copy. Where a server does not implement it, a look at
	// the target right before has to stand in for it.
	Condition Condition
}

// Decide says what to do about a key at a target. It ends: what it asks to look
// at is known when it is asked again, or Final.
func Decide(k Known) Decision {
	gone := k.Source.Presence == Absent || k.Source.Presence == Deleted
	switch {
	case k.Target.Here():
		return Decision{Action: k.beside()}
	case gone:
		return Decision{Action: SourceGone}
	// One request copies and looks at once. But where a copy made the source, a
	// look ends a chain of copies, each the cause of the next, even on a server
	// that accepts a condition and ignores it.
	case k.Target.Presence == Unknown && (k.Probable || k.Event.Copied()):
		return Decision{Action: LookAtTarget}
	case k.Target.Presence == Deleted && k.KeepDeleted:
		return Decision{Action: LeaveDeleted}
	}
	// Nothing is replaced. A delete marker is nothing
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
	return Decision{Action: Copy, Condition: Condition{IfNoneMatch: "*"}}
}

// beside decides where the target has an object: the first write wins, and what
// is left to tell is whether it is the same.
func (k Known) beside() Action {
	source, undecided := k.Source.Figures, LookAtSource
	if k.Final || k.Probable || !k.Reported {
		undecided = Exists
	}
	if !k.Source.Here() || source.ETag == "" || k.Target.ETag == "" {
		return undecided
	}
	// Other ETags prove nothing where the encryption is unknown.
	source.Opaque = source.Opaque || k.Reported
	switch r, _ := Compare(source, k.Target.Figures); {
	case r == Same:
		return Exists
	case r == Differ && (!k.Reported || k.Source.VersionID != ""):
		return Diverged
	}
	return undecided
}
