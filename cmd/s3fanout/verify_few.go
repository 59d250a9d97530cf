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
type fewKeys map[verify.Kind][]string

func (f *fewKeys) add(d verify.Difference) {
	if *f == nil {
		*f = fewKeys{}
	}
	if d.Kind == verify.Missing && len(d.Without) == len(d.Deleted) {
		return // deleted there, which stays so
	}
	if keys := (*f)[d.Kind]; len(keys) <= mostAdvised && !slices.Contains(keys, d.Key) {
		(*f)[d.Kind] = append(keys, d.Key)
	}
}

// flags name the keys for backfill, if they are few and short. A backfill of
// everything costs a listing of the buckets.
func (f fewKeys) flags(kinds ...verify.Kind) string {
	var keys []string
	for _, kind := range kinds {
		for _, key := range f[kind] {
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
