package policy

import "slices"

// Standing is how a key stands in several buckets in follow mode. Places are
// indexes of the buckets. The zero value, but for Greatest, is that all have
// converged.
type Standing struct {
	// Ask names a Region whose whole stack Orders.Stacks has to have first. Nothing
	// else is set then.
	Ask string
	// Greatest is the place with the greatest register, of the same ones that where
	// the write was made; -1 if no bucket has any. Deleted says that it is deleted.
	Greatest int
	Deleted  bool
	// Missing are the places that show nothing, though the greatest write is not
	// deleted; Hidden are those of them where a delete marker hides the key.
	Missing, Hidden []int
	// Stale are the places that show a lesser write.
	Stale []int
	// Destroyed says that the greatest write does not exist any more where it was
	// made, so that nobody is given it. Stand does not know: who asks, sets it.
	Destroyed bool
	// Undeleted are the places that show something, though the greatest write is
	// deleted, or a lesser one.
	Undeleted []int
}

// Converged says that all buckets show the same, or nothing where that is right.
func (s Standing) Converged() bool {
	return s.Ask == "" && len(s.Missing)+len(s.Stale)+len(s.Undeleted) == 0
}

// Stand compares what buckets say of a key. deletions says that these travel.
// Where they do not, what a bucket shows counts, and not what a marker hides there:
// that a key was deleted in one Region is nothing that others follow.
//
// A bucket that shows a marker has to be Listed as far as its newest version, which
// has to be read; see Bucket.Register.
func (o Orders) Stand(buckets []Bucket, deletions bool) Standing {
	s := Standing{Greatest: -1}
	var greatest Register
	for i, b := range buckets {
		register, ok := b.Register()
		if !ok || !deletions && !b.shows() {
			continue
		}
		order := Greater
		if s.Greatest >= 0 {
			order = o.Registers(register, greatest)
		}
		switch {
		case order == Unordered:
			return Standing{Ask: register.Write.Write.Region, Greatest: -1}
		case order == Greater, order == SameWrite && greatest.Write.Replica && !register.Write.Replica,
			order == SameWrite && register.Write.Write.Order(greatest.Write.Write) == Greater:
			// Of what may be replicas from before Since the latest counts: it is what whoever
			// looks at that bucket alone compares with.
			s.Greatest, greatest = i, register
		}
	}
	if s.Greatest < 0 {
		return s
	}
	s.Deleted = greatest.Deleted
	for i, b := range buckets {
		switch {
		case s.Deleted && b.shows():
			s.Undeleted = append(s.Undeleted, i)
		case s.Deleted:
		case !b.shows():
			s.Missing = append(s.Missing, i)
			if b.Presence == Deleted {
				s.Hidden = append(s.Hidden, i)
			}
		default:
			// They were ordered when the greatest was looked for, or are the same.
			switch o.Of(b.Current, greatest.Write) {
			case Unordered:
				return Standing{Ask: b.Current.Write.Region, Greatest: -1}
			case Less:
				s.Stale = append(s.Stale, i)
			}
		}
	}
	return s
}

// KeyStatus is how a key stands in one bucket.
type KeyStatus int

// The ways in which it does.
const (
	StatusConverged KeyStatus = iota
	StatusMissing             // it lacks the greatest write
	StatusStale               // it shows a lesser one
	StatusUndeleted           // it shows what is deleted
	// StatusUndeletedOther shows a write that the deleted one has replaced.
	StatusUndeletedOther
	// StatusDestroyed lacks, and StatusDestroyedStale shows less than, what the origin
	// has destroyed: nobody is given that.
	StatusDestroyed
	StatusDestroyedStale
	// StatusLeftDeleted lacks the greatest write because it was deleted there, and
	// deletions do not travel: nothing is to be done about that.
	StatusLeftDeleted
)

// At says how a key stands in one of the buckets, with what Stand said of all of them
// for the same Orders.
func (o Orders) At(s Standing, buckets []Bucket, index int) KeyStatus {
	in := func(indexes []int) bool { return slices.Contains(indexes, index) }
	if s.Greatest < 0 {
		return StatusConverged
	}
	greatest, _ := buckets[s.Greatest].Register()
	switch {
	case in(s.Undeleted) && o.Of(buckets[index].Current, greatest.Write) == SameWrite:
		return StatusUndeleted
	case in(s.Undeleted):
		return StatusUndeletedOther
	case !in(s.Missing) && !in(s.Stale):
		return StatusConverged
	case s.Destroyed && in(s.Stale):
		return StatusDestroyedStale
	case s.Destroyed:
		return StatusDestroyed
	case in(s.Stale):
		return StatusStale
	}
	if register, ok := buckets[index].Register(); ok && register.Deleted {
		if order := o.Of(register.Write, greatest.Write); order == SameWrite || order == Greater {
			return StatusLeftDeleted
		}
	}
	return StatusMissing
}
