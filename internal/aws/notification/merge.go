package notification

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxEntries is how many entries S3 takes for a bucket
// (https://docs.aws.amazon.com/general/latest/gr/s3.html).
const maxEntries = 100

// OverlapError says that S3 would refuse an entry, because another one tells of
// the same event of the same key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
type OverlapError struct{ Theirs, Ours Entry }

func (e *OverlapError) Error() string {
	fix := fmt.Sprintf("remove it and subscribe its destination to %s instead", e.Ours.Destination)
	if e.Theirs.Destination == e.Ours.Destination {
		fix = "remove it: it sends the same topic events of other changes or keys"
	}
	return fmt.Sprintf(
		"entry %q of the bucket's notifications, which sends %s events of %s, overlaps with the replica set's, of %s, "+
			"and S3 refuses two such entries; %s, or choose keys that only one of them has with filters",
		e.Theirs.ID,
		e.Theirs.Destination,
		e.Theirs.What(),
		e.Ours.What(),
		fix,
	)
}

// What says of which events of which keys the entry tells.
func (e Entry) What() string {
	keys := "every key"
	switch prefix, suffix := e.chosen(); {
	case prefix != "" && suffix != "":
		keys = fmt.Sprintf("keys with prefix %q and suffix %q", prefix, suffix)
	case prefix != "":
		keys = fmt.Sprintf("keys with prefix %q", prefix)
	case suffix != "":
		keys = fmt.Sprintf("keys with suffix %q", suffix)
	}
	return strings.Join(e.Events, ", ") + " of " + keys
}

// chosen are prefix and suffix as they are in a key.
func (e Entry) chosen() (prefix, suffix string) { return decoded(e.Prefix), decoded(e.Suffix) }

// decoded is a filter's value as it is in keys; S3 keeps it URL-encoded.
func decoded(value string) string {
	if plain, err := url.QueryUnescape(value); err == nil {
		return plain
	}
	return value
}

// Merge is the configuration with the entries wanted in place of all whose ID
// begins with prefix. All else stays. If that is what the configuration has
// already, it is returned as it is. Entries that somebody else made and that
// tell the same destination the same count as wanted: these are not added again,
// and never removed.
//
// The error is one line that says what to do: an OverlapError, or that there
// would be more entries than S3 takes.
func (d Document) Merge(prefix string, wanted []Entry) (Document, error) {
	var own, theirs []Entry
	for _, e := range d.Entries() {
		if strings.HasPrefix(e.ID, prefix) {
			own = append(own, e)
		} else {
			theirs = append(theirs, e)
		}
	}
	var add []Entry
	for _, w := range wanted {
		if !w.isIn(theirs) {
			add = append(add, w)
		}
	}
	for _, w := range add {
		for _, t := range theirs {
			if w.overlaps(t) {
				return Document{}, &OverlapError{Theirs: t, Ours: w}
			}
		}
	}
	if n := len(theirs) + len(add); len(add) > 0 && n > maxEntries {
		return Document{}, fmt.Errorf(
			"the bucket's notifications would have %d entries, S3 allows %d; use fewer filters, or remove entries",
			n, maxEntries,
		)
	}
	if sameEntries(own, add) {
		return d, nil
	}
	return d.with(func(e Entry) bool { return strings.HasPrefix(e.ID, prefix) }, add)
}

// Without is the configuration without the entries whose ID begins with prefix.
func (d Document) Without(prefix string) (Document, error) { return d.Merge(prefix, nil) }

// Contains reports whether the configuration has all entries wanted, whoever made
// them.
func (d Document) Contains(wanted []Entry) bool {
	entries := d.Entries()
	return !slices.ContainsFunc(wanted, func(w Entry) bool { return !w.isIn(entries) })
}

func sameEntries(a, b []Entry) bool {
	if len(a) != len(b) {
		return false
	}
	return !slices.ContainsFunc(a, func(e Entry) bool {
		return !slices.ContainsFunc(b, func(o Entry) bool { return e.ID == o.ID && e.equivalent(o) })
	})
}

// equivalent reports whether two entries differ in their IDs at most.
func (e Entry) equivalent(o Entry) bool {
	return e.alike(o) && slices.Equal(slices.Sorted(slices.Values(e.Events)), slices.Sorted(slices.Values(o.Events)))
}

// alike reports whether two entries tell the same destination of the same keys.
func (e Entry) alike(o Entry) bool {
	prefix, suffix := e.chosen()
	otherPrefix, otherSuffix := o.chosen()
	return e.Kind == o.Kind && e.Destination == o.Destination && prefix == otherPrefix && suffix == otherSuffix
}

// isIn reports whether entries together tell what e does, and no more: the CDK makes
// one for each event.
func (e Entry) isIn(entries []Entry) bool {
	told := map[string]bool{}
	for _, o := range entries {
		if !e.alike(o) || slices.ContainsFunc(o.Events, func(event string) bool { return !slices.Contains(e.Events, event) }) {
			continue
		}
		for _, event := range o.Events {
			told[event] = true
		}
	}
	return len(e.Events) > 0 && !slices.ContainsFunc(e.Events, func(event string) bool { return !told[event] })
}

// overlaps reports whether S3 refuses both in one configuration: an event of
// a key could be sent twice, whatever the destinations are. Different
// prefixes are enough to tell two entries apart, and so are different suffixes.
func (e Entry) overlaps(o Entry) bool {
	prefix, suffix := e.chosen()
	otherPrefix, otherSuffix := o.chosen()
	keys := (strings.HasPrefix(prefix, otherPrefix) || strings.HasPrefix(otherPrefix, prefix)) &&
		(strings.HasSuffix(suffix, otherSuffix) || strings.HasSuffix(otherSuffix, suffix))
	return keys && slices.ContainsFunc(e.Events, func(a string) bool {
		return slices.ContainsFunc(o.Events, func(b string) bool { return includes(a, b) || includes(b, a) })
	})
}

// includes reports whether a kind of events, such as s3:ObjectCreated:*, has
// another among it.
func includes(kind, event string) bool {
	all, wild := strings.CutSuffix(kind, "*")
	return kind == event || wild && strings.HasPrefix(event, all)
}
