package explain

import (
	"cmp"
	"slices"
	"time"

	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/aws/uploads"
)

// State is how a Region stands with the key. The values are stable.
type State string

// The states of a Region.
const (
	Present    State = "present"
	Unknown    State = "unknown"     // it could not be asked
	Deleted    State = "deleted"     // the newest version is a delete marker
	Copying    State = "copying"     // an upload of it is under way there
	DeadLetter State = "dead-letter" // its copy failed and waits to be replayed
	LeftOut    State = "left-out"    // the configuration does not choose the key
	Archived   State = "archived"    // all sources have to be restored first
	OnItsWay   State = "on-its-way"  // written elsewhere only just now
	Stale      State = "stale"       // it shows an older write, where overwrites travel
	Undeleted  State = "undeleted"   // it shows what was deleted elsewhere, where deletions travel
	Missing    State = "missing"     // not there, and nothing is known to be about to change that
)

// travelTime is how long a replica may take before its absence means that
// something is wrong: an event takes a minute or longer, and Lambda tries again
// after one and two minutes.
const travelTime = 5 * time.Minute

// States says how each Region stands, in the order of the Facts.
func States(f Facts) []State {
	list := make([]State, len(f.Regions))
	found := groups(f)
	for i := range f.Regions {
		list[i] = stateOf(f, i, found)
	}
	return list
}

func stateOf(f Facts, i int, found []group) State {
	if f.Followed != nil {
		return followedState(f, i)
	}
	r := f.Regions[i]
	uploaded := newestUpload(f, found)
	letter := lastLetter(f, r.Region)
	upload := f.working(r)
	switch {
	case r.Err != nil:
		return Unknown
	case r.Object != nil:
		return Present
	// A marker that is older than the upload is no answer to why it is missing:
	// a copy is made over it.
	case states(f)[i].DeletedSince(uploaded):
		return Deleted
	case len(found) == 0:
		return Missing
	case f.LeftOut:
		return LeftOut
	// A copy in parts that failed leaves its upload open, and a dead letter.
	case upload != nil && (letter == nil || letter.SentAt.Before(upload.Last)):
		return Copying
	case allArchived(f, found):
		return Archived
	case letter != nil:
		return DeadLetter
	case f.Now.Sub(uploaded) < travelTime:
		return OnItsWay
	default:
		return Missing
	}
}

// lastLetter is the youngest dead letter about a copy to the Region, if there are any
// one that names the Region; nil if there is none.
func lastLetter(f Facts, region string) *Letter {
	var found *Letter
	for i, l := range f.Letters {
		if !l.For(region) {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(len(l.Targets), len(found.Targets)), l.SentAt.Compare(found.SentAt)) >= 0 {
			found = &f.Letters[i]
		}
	}
	return found
}

// working is the Region's upload that is probably worked on, nil if there is
// none. What somebody else uploads is no replica.
func (f Facts) working(r Region) *uploads.Upload {
	var found *uploads.Upload
	for i, u := range r.Uploads {
		if u.By != initiator.ByOther && u.Working(f.Now) && (found == nil || u.Last.After(found.Last)) {
			found = &r.Uploads[i]
		}
	}
	return found
}

func allArchived(f Facts, found []group) bool {
	for _, g := range found {
		if slices.ContainsFunc(g, func(i int) bool { return !f.Regions[i].Object.Archived }) {
			return false
		}
	}
	return true
}
