package replicaset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Follow says which later changes of a key travel to the other Regions. The zero
// value is that none do: the first write of a key wins in each Region.
type Follow struct {
	// Overwrites has the latest write of a key win in every Region. The other two
	// need it.
	Overwrites bool
	// Deletions has a key that is deleted in one Region be deleted in all. Replicas
	// are hidden by delete markers; no version is ever destroyed.
	Deletions bool
	// Tags has changes of an object's tags travel from where it was written.
	Tags bool
}

// parts are the words of JSON and the characters of the environment for what can be
// followed.
func (f *Follow) parts() []followPart {
	return []followPart{{"overwrites", 'o', &f.Overwrites}, {"deletions", 'd', &f.Deletions}, {"tags", 't', &f.Tags}}
}

type followPart struct {
	name   string
	letter byte
	on     *bool
}

// Any reports whether anything is followed.
func (f Follow) Any() bool { return f != Follow{} }

// Or is what at least one of the two follows.
func (f Follow) Or(o Follow) Follow {
	return Follow{f.Overwrites || o.Overwrites, f.Deletions || o.Deletions, f.Tags || o.Tags}
}

// String is the value as it is written in cdk.json, without brackets and quotes:
// "overwrites, deletions", or "nothing".
func (f Follow) String() string {
	if !f.Any() {
		return "nothing"
	}
	return strings.Join(f.Names(), ", ")
}

// Names are the elements of the list in cdk.json, none for nothing.
func (f Follow) Names() []string {
	var names []string
	for _, p := range f.parts() {
		if *p.on {
			names = append(names, p.name)
		}
	}
	return names
}

// Events are the kinds of S3's events that the function has to hear of where f is
// followed, as a bucket's notifications name them
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html).
func (c Config) Events(f Follow) []string {
	events := []string{"s3:ObjectCreated:*"}
	if c.NoUserCopies {
		// All but s3:ObjectCreated:Copy. Copies in parts are uploads to S3.
		events = []string{"s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:CompleteMultipartUpload"}
	}
	if f.Deletions {
		// Not s3:ObjectRemoved:Delete, the end of a version: that stays in its Region.
		events = append(events, "s3:ObjectRemoved:DeleteMarkerCreated")
	}
	if f.Tags {
		events = append(events, "s3:ObjectTagging:*")
	}
	return events
}

// Notifications is how many configurations of notifications a bucket has: S3 has one
// for each kind of event and each filter, and announces each by a test event.
func (c Config) Notifications() int {
	if len(c.Filters) == 0 {
		return len(c.Events(c.Follow))
	}
	n := 0
	for _, f := range c.Filters {
		n += len(c.Events(c.FollowOf(f)))
	}
	return n
}

// FollowRules say by key what is followed.
type FollowRules struct {
	// Set holds for the keys that no filter has a rule of its own for.
	Set Follow
	// Filters are those with rules of their own (OwnFollow).
	Filters []Filter
	// Since is Config.FollowSince.
	Since time.Time
}

// For returns what is followed of a key. It does not ask whether the key is
// copied at all, which Config.Matches says.
func (r FollowRules) For(key string) Follow {
	for _, f := range r.Filters {
		if f.OwnFollow && f.matches(key) {
			return f.Follow
		}
	}
	return r.Set
}

// FollowRules returns what is followed, without filters that repeat what holds
// for the set.
func (c Config) FollowRules() FollowRules {
	rules := FollowRules{Set: c.Follow, Since: c.FollowSince}
	for _, f := range c.Filters {
		if f.OwnFollow && f.Follow != c.Follow {
			rules.Filters = append(rules.Filters, f)
		}
	}
	return rules
}

// FollowFor returns what is followed of a key that Matches: as the filter that it
// matches says, else as the set says.
func (c Config) FollowFor(key string) Follow { return c.FollowRules().For(key) }

// FollowOf returns what is followed of the keys that a filter of the set matches.
func (c Config) FollowOf(f Filter) Follow {
	if f.OwnFollow {
		return f.Follow
	}
	return c.Follow
}

// FollowAny returns what is followed of at least one key that Matches.
func (c Config) FollowAny() Follow {
	if len(c.Filters) == 0 {
		return c.Follow
	}
	var anything Follow
	for _, f := range c.Filters {
		anything = anything.Or(c.FollowOf(f))
	}
	return anything
}

// Validate reports that something is followed without what it builds on, in a line
// that begins as the field does.
func (f Follow) Validate() error {
	if f.Overwrites || !f.Any() {
		return nil
	}
	return fmt.Errorf(`follow: %s cannot be followed without overwrites; add "overwrites"`, f)
}

func (c Config) validateFollow() error {
	if err := c.Follow.Validate(); err != nil {
		return err
	}
	for i, f := range c.Filters {
		if err := f.Follow.Validate(); err != nil {
			return fmt.Errorf("filters[%d].%w", i, err)
		}
	}
	if !c.FollowSince.IsZero() && !c.FollowAny().Any() {
		return errors.New("followSince: nothing is followed; set follow as well, or leave it out")
	}
	if c.NoUserCopies && c.FollowAny().Any() {
		return errors.New(
			"copiesByUsers: false with follow would lose changes, as new metadata and older versions brought back are copies; " +
				"leave one of them out",
		)
	}
	configurations := c.Notifications()
	switch {
	case len(c.Filters) == 0, configurations <= maxFilters:
	case c.NoUserCopies:
		return fmt.Errorf(
			"filters: without copiesByUsers the %d filters make %d notifications, S3 allows %d for a bucket; "+
				"leave some out, or set copiesByUsers",
			len(c.Filters),
			configurations,
			maxFilters,
		)
	default:
		return fmt.Errorf(
			"filters: the %d filters with deletions and tags make %d notifications, S3 allows %d for a bucket; "+
				"leave some out, or follow less",
			len(c.Filters),
			configurations,
			maxFilters,
		)
	}
	return nil
}

// followWanted and followKnown say what the field and its elements have to be.
const followKnown = `"overwrites", "deletions" or "tags"`
const followWanted = `a list of "overwrites", "deletions" and "tags"`

// UnmarshalJSON reads the list of cdk.json. Its errors are of type saidError
// where an element is at fault.
func (f *Follow) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	var follow Follow
	seen := map[string]int{}
	for i, element := range list {
		var name *string
		if json.Unmarshal(element, &name) != nil || name == nil {
			return saidError{fmt.Sprintf("[%d]: %s is not a string", i, excerpt(element))}
		}
		if first, twice := seen[*name]; twice {
			return saidError{fmt.Sprintf("[%d]: %s is listed already as [%d]; remove one", i, *name, first)}
		}
		seen[*name] = i
		if !follow.set(func(p followPart) bool { return p.name == *name }) {
			return saidError{fmt.Sprintf("[%d]: %s is not known; use %s", i, excerpt(element), followKnown)}
		}
	}
	*f = follow
	return nil
}

// set switches on the part that is meant, and reports whether there is one.
func (f *Follow) set(meant func(followPart) bool) bool {
	for _, p := range f.parts() {
		if meant(p) {
			*p.on = true
			return true
		}
	}
	return false
}

// Encode writes the value as a character for each part, "odt" or "" for nothing, for
// the function's environment.
func (f Follow) Encode() string {
	var letters []byte
	for _, p := range f.parts() {
		if *p.on {
			letters = append(letters, p.letter)
		}
	}
	return string(letters)
}

// DecodeFollow reads what Encode writes.
func DecodeFollow(letters string) (Follow, error) {
	var f Follow
	for i := range len(letters) {
		if !f.set(func(p followPart) bool { return p.letter == letters[i] }) {
			return Follow{}, fmt.Errorf("%q is not made of the letters o, d and t", letters)
		}
	}
	if f.Encode() != letters || f.Validate() != nil {
		return Follow{}, errors.New("the letters have to be o, od, ot or odt")
	}
	return f, nil
}
