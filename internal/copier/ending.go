package copier

// This file decides how a multipart copy ends that got a certain answer.

// maxUploads bounds how often one call makes the upload anew.
const maxUploads = 4

// situation is what an ending depends on, beside the answer.
type situation struct {
	open     bool // there is an upload
	resumed  bool // and it is the one that the call was asked to resume
	deadline bool // the context's deadline has come
	progress bool // the call has finished a part
	uploads  int  // uploads so far
	// replaces says that the caller decides what comes after a change; see
	// Replacement.
	replaces bool
}

// ending is what to do.
type ending struct {
	outcome Outcome // empty: the copy failed, or goes on
	again   bool    // begin anew, with a look at the target
	abort   bool    // the upload has to go first
	keep    bool    // go on with the upload instead of making it anew
}

// endingOf decides. What speaks about the objects goes before the deadline,
// and an upload goes unless somebody may go on with it.
func endingOf(got answer, s situation) ending {
	more := s.uploads < maxUploads
	withTwin := got == conflict && s.resumed && s.uploads == 1 // see below
	switch {
	case got == done:
		return ending{outcome: Copied}
	case got == same:
		return ending{outcome: Exists, abort: s.open}
	case got == differs:
		return ending{outcome: Diverged, abort: s.open}
	case got == hidden:
		return ending{outcome: LeftDeleted, abort: s.open}
	case s.replaces && changedSince(got) && !withTwin:
		return ending{outcome: Changed, abort: s.open}
	case got == gone:
		return ending{outcome: SourceGone, abort: s.open}
	case got == lost:
		// Completed, then the target has the key, or aborted.
		return ending{again: more}
	case got == conflict && s.resumed && s.uploads == 1:
		// A twin, another invocation that resumed the same upload, is making
		// the object or has copied a part over. To abort would spoil its work;
		// what became of it is seen by asking once more.
		return ending{again: true, keep: true}
	case got == conflict, got == changed && s.resumed:
		// S3 wants a new upload after a conflict. A resumed upload whose
		// source has changed meanwhile is of no more use.
		return ending{again: more, abort: s.open}
	case got == spoiled, got == changed:
		return ending{abort: s.open}
	case s.deadline && s.open && s.progress:
		// Without progress it is a failure: the next call would get no further,
		// and hand-overs are few.
		return ending{outcome: Unfinished}
	}
	return ending{abort: s.open && !s.resumed}
}
