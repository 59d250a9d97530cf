package backfill

import (
	"errors"
	"slices"

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
	Different   int
	Interrupted bool
	// Unanswered says what could not be asked besides, nil if everything could:
	// large objects are copied then although somebody may be copying them.
	Unanswered error
	// Lists and Heads count the requests that serve all targets: pages of
	// listings, of objects and of versions, and questions about single sources.
	Lists, Heads int
	// Estimate is what a run would send and cost, set by a dry run.
	Estimate *Estimate
}

// Target says how a target stands. Missing is the sum of all outcomes,
// NoSource and what is left.
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
	Bytes                              int64 // copied
	Requests                           copier.Requests
}

// Left counts the objects that were not tried, or whose copies were given up.
func (t Target) Left() int {
	return t.Missing - t.NoSource - t.Deleted - t.Copying - t.Diverged - t.Copied - t.Exists - t.SourceGone - t.Failed
}

// Left is that of all targets. In a dry run it is everything.
func (r Report) Left() int {
	n := 0
	for _, t := range r.Targets {
		n += t.Left()
	}
	return n
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
	r := Report{Targets: make([]Target, len(o.To))}
	for i, region := range o.To {
		r.Targets[i].Region = region
	}
	return r
}

// clone is a report that does not change any more.
func (r Report) clone() Report {
	r.Targets, r.Failures = slices.Clone(r.Targets), slices.Clone(r.Failures)
	return r
}
