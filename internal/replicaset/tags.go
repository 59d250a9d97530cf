package replicaset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of tags that hold for every service of a replica set
// (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func (c Config) validateTags() error {
	if len(c.Tags) > maxTags {
		return fmt.Errorf("tags: %d given, AWS allows %d; leave some out", len(c.Tags), maxTags)
	}
	allowed := regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)
	const characters = "letters, digits, spaces and _ . : / = + - @"
	seen := map[string]string{} // by key in lower case
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		value, field := c.Tags[key], "tags."+excerpt([]byte(key))
		lower := strings.ToLower(key)
		switch {
		case key == "":
			return fmt.Errorf("tags: a key is empty; give it a name")
		case strings.HasPrefix(lower, "aws:"):
			return fmt.Errorf("%s: AWS reserves keys that begin with aws:; choose another", field)
		case utf8.RuneCountInString(key) > maxTagKey:
			return fmt.Errorf("%s: the key is %d characters long, %d are allowed; use a shorter one",
				field, utf8.RuneCountInString(key), maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return fmt.Errorf("%s: the value is %d characters long, %d are allowed; use a shorter one",
				field, utf8.RuneCountInString(value), maxTagValue)
		case !allowed.MatchString(key):
			return fmt.Errorf("%s: the key has characters that a tag cannot have; use %s", field, characters)
		case !allowed.MatchString(value):
			return fmt.Errorf("%s: the value %s has characters that a tag cannot have; use %s", field, excerpt([]byte(value)), characters)
		case seen[lower] != "":
			return fmt.Errorf("%s: %s is given too, and IAM treats the two as one; remove one", field, seen[lower])
		}
		seen[lower] = key
	}
	return nil
}
