package replicaset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Exclusion leaves out the keys that begin with Prefix and end with Suffix. Both
// are as in the key itself, not encoded. An empty one asks for nothing.
type Exclusion struct {
	Prefix, Suffix string
}

func (e Exclusion) pattern() Filter { return Filter{Prefix: e.Prefix, Suffix: e.Suffix} }

// String describes the keys: prefix "tmp/" with suffix ".part".
func (e Exclusion) String() string { return e.pattern().String() }

// covers reports whether the exclusion leaves out every key that f chooses.
func (e Exclusion) covers(f Filter) bool {
	return strings.HasPrefix(f.Prefix, e.Prefix) && strings.HasSuffix(f.Suffix, e.Suffix)
}

// Exclusions leave out the keys that one of them does.
type Exclusions []Exclusion

// Match reports whether the key is left out.
func (l Exclusions) Match(key string) bool {
	return slices.ContainsFunc(l, func(e Exclusion) bool { return e.pattern().matches(key) })
}

// Chosen reports whether S3 announces objects with this key: always without
// filters, else if one of them matches. What is announced may be excluded all the
// same, which S3 does not know.
func (c Config) Chosen(key string) bool {
	return len(c.Filters) == 0 || slices.ContainsFunc(c.Filters, func(f Filter) bool { return f.matches(key) })
}

// DroppedPrefix is the prefix of keys that subscriptions leave out, as it is in
// S3's events, and "" for none. SNS takes one prefix to leave out
// (https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html#string-anything-but-matching-prefix),
// so it is that of the first exclusion that has a prefix alone. Keys are encoded
// in events; of the characters taken here it is certain that they stay as they
// are, so that no other key is dropped, and none of these comes through.
func (c Config) DroppedPrefix() string {
	plain := regexp.MustCompile(`^[A-Za-z0-9/._-]+$`)
	for _, e := range c.Exclude {
		if e.Suffix == "" && plain.MatchString(e.Prefix) {
			return e.Prefix
		}
	}
	return ""
}

// validateExclude assumes that the filters are valid.
func (c Config) validateExclude() error {
	if i := slices.Index(c.Exclude, Exclusion{}); i >= 0 {
		return fmt.Errorf("exclude[%d]: neither prefix nor suffix is given; give one, or leave the entry out", i)
	}
	for i, e := range c.Exclude {
		for _, part := range []struct{ name, value string }{{"prefix", e.Prefix}, {"suffix", e.Suffix}} {
			if strings.Contains(part.value, "*") {
				return fmt.Errorf("exclude[%d].%s: %q has a \"*\", which is not a wildcard here; leave it out, because a %s needs none",
					i, part.name, part.value, part.name)
			}
			if n := len(part.value); n > maxKey {
				return fmt.Errorf("exclude[%d].%s: it is %d bytes long, a key has %d at most; use a shorter one", i, part.name, n, maxKey)
			}
		}
		for j, o := range c.Exclude {
			if i != j && o.covers(e.pattern()) && (o != e || j < i) {
				return fmt.Errorf("exclude[%d]: exclude[%d] leaves out all keys with %s already; remove one", i, j, e)
			}
		}
		for j, f := range c.Filters {
			if e.covers(f) {
				return fmt.Errorf("exclude[%d]: it leaves out every key that filters[%d] chooses, those with %s; remove one of the two",
					i, j, f)
			}
		}
	}
	return nil
}

// maxKey is the length of the longest key in bytes.
const maxKey = 1024

// exclusionList is the field exclude, read strictly.
type exclusionList []Exclusion

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (l *exclusionList) UnmarshalJSON(raw []byte) error {
	items, err := elements(raw, "give an entry, or leave exclude out")
	if err != nil {
		return err
	}
	list := make(exclusionList, len(items))
	for i, item := range items {
		if err := readObject(item, list[i].fields()); err != nil {
			return inElement(i, item, patternWanted, err)
		}
	}
	*l = list
	return nil
}

// fields are the members of an entry in JSON.
func (e *Exclusion) fields() []configField {
	return []configField{{name: "prefix", into: &e.Prefix, want: "a string"}, {name: "suffix", into: &e.Suffix, want: "a string"}}
}
