package audit

import (
	"slices"
	"time"

	"s3fanout/internal/replicaset"
)

// Version is a version or a delete marker that somebody made.
type Version struct {
	Region, ID string
	Marker     bool
	Made       time.Time // in whole seconds, by S3's clock
}

// apart is how far the time of a request that names no version may be from that of the
// marker which it may have made.
const apart = 2 * time.Second

// makes says that the event is a request that made the version. Others answer with the
// version that they were about, such as PutObjectTagging, and made none.
func (e Event) makes(v Version) bool {
	if e.Region != v.Region || e.Made != v.ID || e.Error != "" || e.Named != "" {
		return false
	}
	if v.Marker {
		return e.Name == "DeleteObject"
	}
	return slices.Contains(replicaset.AuditWrites(), e.Name)
}

// By is the event that made a version: certain if it names the version, and likely if it
// deleted keys that it does not name in that Region at that time. ok is false if the
// trail has none.
func (t Trail) By(v Version) (e Event, certain, ok bool) {
	for _, e := range t.Events {
		if e.makes(v) {
			return e, true, true
		}
	}
	if !v.Marker {
		return Event{}, false, false
	}
	i := slices.IndexFunc(t.Events, func(e Event) bool {
		return e.Name == "DeleteObjects" && e.Region == v.Region && e.Error == "" && e.Time.Sub(v.Made).Abs() <= apart
	})
	if i < 0 {
		return Event{}, false, false
	}
	return t.Events[i], false, true
}

// About are the events that name the key, and those that name none but may have
// deleted it.
func (t Trail) About(versions []Version) []Event {
	var list []Event
	for _, e := range t.Events {
		if e.Key != "" || slices.ContainsFunc(versions, func(v Version) bool {
			by, certain, ok := t.By(v)
			return ok && !certain && by == e
		}) {
			list = append(list, e)
		}
	}
	return list
}

// Note says in a sentence what is not in the trail, and why that may be; empty if all
// versions have their events.
func (t Trail) Note(versions []Version) string {
	young, old := 0, 0
	for _, v := range versions {
		if _, _, ok := t.By(v); !ok {
			if t.To.Sub(v.Made) < Arrival {
				young++
			} else {
				old++
			}
		}
	}
	switch {
	case t.Cut:
		return "this key has more events than a query answers; the oldest are missing"
	case t.DeletionsCut:
		return "there are more deletions of several keys than a query answers; the oldest are missing"
	case young > 0:
		return "events arrive after about five minutes; ask again for what was written just now"
	case old > 0 && !t.OwnWrites:
		return "what has no event was written by the functions, which are not recorded without ownWrites, " +
			"before the trail was there, or while it was stopped"
	case old > 0:
		return "what has no event was written before the trail was there, or while it was stopped"
	}
	return ""
}
