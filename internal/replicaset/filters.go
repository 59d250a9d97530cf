package replicaset

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of a bucket's notification configuration.
const (
	maxFilters     = 100  // https://docs.aws.amazon.com/general/latest/gr/s3.html
	maxFilterValue = 1024 // characters, as S3 is given them
)

// Filter chooses keys: those that begin with Prefix and end with Suffix. Both
// are as in the key itself, not encoded. An empty one asks for nothing.
type Filter struct {
	Prefix, Suffix string
	// Follow is what is followed of the filter's keys if OwnFollow is set ("follow"
	// in JSON); otherwise it is zero, and what the set follows holds.
	Follow    Follow
	OwnFollow bool
}

func (f Filter) matches(key string) bool {
	return strings.HasPrefix(key, f.Prefix) && strings.HasSuffix(key, f.Suffix)
}

// Matches reports whether objects with this key are copied to the other
// Regions: those that are Chosen and that no exclusion leaves out.
//
// It is what S3 and the function decide when an object is created, so a
// comparison or a backfill of the buckets has to leave out the other keys.
func (c Config) Matches(key string) bool { return c.Chosen(key) && !c.Exclude.Match(key) }

// Narrow returns filters that choose the keys that begin with prefix and that are
// Chosen: at most as many as Filters, and none where there is no such key. Filters
// of which an exclusion leaves out all keys are not among them; of the others,
// Exclude still leaves out some. What is followed is left out; see FollowFor.
func (c Config) Narrow(prefix string) []Filter {
	narrow := c.narrow(prefix)
	return slices.DeleteFunc(narrow, func(f Filter) bool {
		return slices.ContainsFunc(c.Exclude, func(e Exclusion) bool { return e.covers(f) })
	})
}

func (c Config) narrow(prefix string) []Filter {
	if len(c.Filters) == 0 {
		return []Filter{{Prefix: prefix}}
	}
	var narrow []Filter
	for _, f := range c.Filters {
		switch {
		case strings.HasPrefix(f.Prefix, prefix):
			narrow = append(narrow, Filter{Prefix: f.Prefix, Suffix: f.Suffix})
		case strings.HasPrefix(prefix, f.Prefix):
			narrow = append(narrow, Filter{Prefix: prefix, Suffix: f.Suffix})
		}
	}
	return narrow
}

// EncodeFilterValue writes a prefix or suffix the way S3 wants it in a
// notification configuration: a space is "+", and what is not one of the safe
// characters of keys is percent-encoded.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
func EncodeFilterValue(value string) string {
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("/!-_.'()", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (f Filter) String() string {
	switch {
	case f.Suffix == "":
		return fmt.Sprintf("prefix %q", f.Prefix)
	case f.Prefix == "":
		return fmt.Sprintf("suffix %q", f.Suffix)
	}
	return fmt.Sprintf("prefix %q with suffix %q", f.Prefix, f.Suffix)
}

// overlaps reports whether a key could match both, which S3 refuses in one
// notification configuration: an event would be announced twice. Different
// prefixes are enough to tell two filters apart, and so are different
// suffixes.
func (f Filter) overlaps(o Filter) bool {
	prefixes := strings.HasPrefix(f.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, f.Prefix)
	suffixes := strings.HasSuffix(f.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, f.Suffix)
	return prefixes && suffixes
}

func (c Config) validateFilters() error {
	if len(c.Filters) > maxFilters {
		return fmt.Errorf("filters: %d given, S3 allows %d for a bucket; leave some out", len(c.Filters), maxFilters)
	}
	for i, f := range c.Filters {
		if f.Prefix == "" && f.Suffix == "" {
			return fmt.Errorf("filters[%d]: neither prefix nor suffix is given; give one, or leave filters out to copy every key", i)
		}
		for _, part := range []struct{ name, value string }{{"prefix", f.Prefix}, {"suffix", f.Suffix}} {
			if strings.Contains(part.value, "*") {
				return fmt.Errorf("filters[%d].%s: %q has a \"*\", which S3 does not accept; leave it out, because a %s needs no wildcard",
					i, part.name, part.value, part.name)
			}
			if n := len(EncodeFilterValue(part.value)); n > maxFilterValue {
				return fmt.Errorf("filters[%d].%s: it is %d characters long once encoded, %d are allowed; use a shorter one",
					i, part.name, n, maxFilterValue)
			}
		}
		for j, o := range c.Filters[:i] {
			if f.overlaps(o) {
				return fmt.Errorf(
					"filters[%d]: %s overlaps with %s of filters[%d], and S3 refuses two filters that one key could match; "+
						"merge them or make them differ",
					i,
					f,
					o,
					j,
				)
			}
		}
	}
	return nil
}

// filterList is the field filters, read strictly.
type filterList []Filter

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (l *filterList) UnmarshalJSON(raw []byte) error {
	items, err := elements(raw, "give a filter, or leave filters out to copy every key")
	if err != nil {
		return err
	}
	list := make(filterList, len(items))
	for i, item := range items {
		if err := readObject(item, list[i].fields()); err != nil {
			return inElement(i, item, patternWanted, err)
		}
	}
	*l = list
	return nil
}

// patternWanted is what an element of filters or exclude has to be, for messages.
const patternWanted = `{"prefix": …, "suffix": …}`

// fields are the members of a filter in JSON.
func (f *Filter) fields() []configField {
	return []configField{
		{name: "prefix", into: &f.Prefix, want: "a string"},
		{name: "suffix", into: &f.Suffix, want: "a string"},
		{name: "follow", into: (*ownFollow)(f), want: followWanted},
	}
}

// ownFollow is a filter of which the value says what is followed.
type ownFollow Filter

// UnmarshalJSON implements json.Unmarshaler, as Follow does.
func (o *ownFollow) UnmarshalJSON(raw []byte) error {
	o.OwnFollow = true
	return o.Follow.UnmarshalJSON(raw)
}
