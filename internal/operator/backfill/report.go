package backfill

import (
	"errors"
	"maps"
	"slices"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/copier"
)

// MaxFailures is how many failures a report names; the others are counted.
const MaxFailures = 1000

// Report says how a run went.
type Report struct {
	Targets []Target // in the order of Options.To
	// Failures are the first MaxFailures, in the order in which they came.
	Failures []Failure
	// Different counts keys whose objects are not all the same, as far as a
	// listing tells. They are left as they are.
	Different int
	// Wins are the Regions whose writes win where contents differ, of keys that are
	// followed, with how many keys; Conflicts are the first MaxFailures of these.
	Wins        map[string]int
	Conflicts   []Conflict
	Interrupted bool
	// Unanswered says what could not be asked besides, nil if everything could:
	// large objects are copied then although somebody may be copying them.
	Unanswered error
	// Lists and Heads count the requests that serve all targets: pages of
	// listings, of objects and of versions, and questions about single sources.
	Lists, Heads int
	// Estimate is what a run would send and cost, set by a dry run and where
	// Options.Approve refused.
	Estimate *Estimate
}

// Target says how a target stands. Missing, Stale and Undeleted are the sum of all
// outcomes, NoSource and what is left.
type Target struct {
	Region string
	// Missing objects, and their bytes, the target lacked when it was listed.
	Missing      int
	MissingBytes int64
	// NoSource counts those that the Region to copy from lacks as well.
	NoSource int
	// Deleted counts those that were deleted at the target, and left so; Copying
	// those that somebody is copying there; Diverged those that came by
	// themselves with other contents.
	Deleted, Copying, Diverged         int
	Copied, Exists, SourceGone, Failed int
	// Of keys that are followed the target had older writes than the latest (Stale),
	// or showed what was deleted elsewhere (Undeleted). Replaced and Hidden were
	// brought up to that, Kept are those of Undeleted that were left. Destroyed
	// counts those of Missing and Stale that the Region of the latest write has
	// destroyed since.
	Stale, Undeleted, Replaced, Hidden, Kept, Destroyed int
	Bytes                                               int64 // copied
	Requests                                            copier.Requests
}

// Left counts the objects that were not tried, or whose copies were given up.
func (t Target) Left() int {
	return t.Missing + t.Stale + t.Undeleted -
		t.NoSource - t.Deleted - t.Copying - t.Diverged - t.Copied - t.Exists - t.SourceGone - t.Failed -
		t.Replaced - t.Hidden - t.Kept - t.Destroyed
}

// Left is that of all targets. In a dry run it is everything.
func (r Report) Left() int {
	n := 0
	for _, t := range r.Targets {
		n += t.Left()
	}
	return n
}

// Kept counts objects that were deleted elsewhere and left, once for each target.
func (r Report) Kept() int {
	n := 0
	for _, t := range r.Targets {
		n += t.Kept
	}
	return n
}

// Conflict is a key under which Regions have different writes.
type Conflict struct {
	Key string
	// Wins is the Region in which the latest write was made, and Written when.
	Wins    string
	Written time.Time
	// Deleted says that it is deleted, so that nothing is to be shown.
	Deleted bool
	// Loses are the targets that have another write, and show that no more then.
	Loses []string
}

// Copying counts objects that others are copying, once for each target.
func (r Report) Copying() int {
	n := 0
	for _, t := range r.Targets {
		n += t.Copying
	}
	return n
}

// Failed counts objects that could not be copied, once for each target.
func (r Report) Failed() int {
	n := 0
	for _, t := range r.Targets {
		n += t.Failed
	}
	return n
}

// Failure is an object that could not be copied to a target.
type Failure struct {
	Region string // the target's
	Key    string
	Class  copier.Class
	Reason string // one line
}

// FailureOf is the failure of a copy of a key to a Region.
func FailureOf(region, key string, err error) Failure {
	f := Failure{Region: region, Key: key, Class: copier.Retryable, Reason: err.Error()}
	var failed *copier.Error
	switch {
	case errors.As(err, &failed):
		f.Class = failed.Class
	case errors.Is(err, awsapi.ErrDenied), errors.Is(err, awsapi.ErrCredentials):
		f.Class = copier.Denied
	}
	return f
}

func (o Options) newReport() Report {
	r := Report{Targets: make([]Target, len(o.To)), Wins: map[string]int{}}
	for i, region := range o.To {
		r.Targets[i].Region = region
	}
	return r
}

// clone is a report that does not change any more.
func (r Report) clone() Report {
	r.Targets, r.Failures = slices.Clone(r.Targets), slices.Clone(r.Failures)
	r.Wins, r.Conflicts = maps.Clone(r.Wins), slices.Clone(r.Conflicts)
	return r
}
