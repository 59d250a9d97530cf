package undelete

import "s3fanout/internal/aws/listing"

// MaxFound is how many keys of each verdict a report names; the others are counted.
const MaxFound = MaxFailures

// Found is a key of which something was deleted in the span.
type Found struct {
	Key     string
	Verdict Verdict
	// Region has the version that is restored, with so many bytes. They are empty
	// unless the verdict is Restore.
	Region string
	Bytes  int64
}

// Verdict says what becomes of a key. Its values are stable.
type Verdict string

// The verdicts: Restore, or why a key stays as it is. See Report.
const (
	Restore   Verdict = "restore"
	Earlier   Verdict = "earlier"
	Later     Verdict = "later"
	Recreated Verdict = "recreated"
	Lost      Verdict = "lost"
)

// decided counts a key of which something was deleted in the span, and names it
// if few were before it.
func (r *run) decided(key string, v verdict, index int, objects []*listing.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := Found{Key: key}
	var before int
	take := func(verdict Verdict, count *int) {
		found.Verdict, before = verdict, *count
		*count++
	}
	switch v {
	case earlier:
		take(Earlier, &r.report.Earlier)
	case later:
		take(Later, &r.report.Later)
	case recreated:
		take(Recreated, &r.report.Recreated)
	case lost:
		take(Lost, &r.report.Lost)
	case restore:
		take(Restore, &r.progress.Objects)
		s := &r.report.Regions[index]
		found.Region, found.Bytes = s.Region, objects[index].Size
		s.Objects++
		s.Bytes += found.Bytes
		r.progress.Bytes += found.Bytes
	}
	if before < MaxFound {
		r.report.Found = append(r.report.Found, found)
	} else {
		r.report.Unnamed++
	}
}
