package main

import (
	"slices"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/printable"
)

// mostAdvised is how many keys an advice names, if they are short.
const (
	mostAdvised       = 3
	longestAdvisedKey = 60 // bytes
)

// fewKeys are the first keys that a backfill would bring, by what is wrong with
// them: so many that an advice can tell whether it could name all of them.
type fewKeys struct {
	keys map[verify.Kind][]string
	// stuck counts differences that no backfill repairs where changes are followed:
	// the latest write is gone where it was made, or they are not of the contents.
	stuck int64
	// left counts keys that are deleted where they are missing, which stays so.
	left int64
}

func (f *fewKeys) add(d verify.Difference) {
	if f.keys == nil {
		f.keys = map[verify.Kind][]string{}
	}
	switch {
	case d.Left:
		f.left++
		return
	case d.Why == "destroyed", d.Kind == verify.Different && d.Why != "stale":
		f.stuck++
		return
	}
	if keys := f.keys[d.Kind]; len(keys) <= mostAdvised && !slices.Contains(keys, d.Key) {
		f.keys[d.Kind] = append(keys, d.Key)
	}
}

// flags name the keys for backfill, if they are few and short. A backfill of
// everything costs a listing of the buckets.
func (f fewKeys) flags(kinds ...verify.Kind) string {
	var keys []string
	for _, kind := range kinds {
		for _, key := range f.keys[kind] {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) > mostAdvised || slices.ContainsFunc(keys, func(key string) bool { return len(key) > longestAdvisedKey }) {
		return ""
	}
	text := ""
	for _, key := range keys {
		text += " --key=" + printable.Shell(key)
	}
	return text
}
