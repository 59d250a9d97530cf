package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// backfillFlags are the command's own.
type backfillFlags struct {
	from           string
	to             []string
	prefix         string
	keys           []string
	dryRun         bool
	limit          float64 // US dollars
	yes            bool
	concurrency    int
	ownCredentials bool
	restoreDeleted bool
	hideDeleted    bool

	// With S3 Batch Operations.
	batch, noReport, confirm bool
	job, region              string
}

// maxConcurrency is what one process has connections for in each Region.
const maxConcurrency = 1024

// defaultLimit is in US dollars.
const defaultLimit = 10

// nothingChosen says of what the run was to look at that no Region has it, which
// may be a mistake. chosen says of a key whether it was there.
func (f backfillFlags) nothingChosen(any bool, chosen func(key string) bool) []string {
	var notes []string
	for _, key := range f.keys {
		if !chosen(key) {
			notes = append(notes, fmt.Sprintf("no Region has a key %s that is to be replicated; check --key", printable.Quote(key)))
		}
	}
	switch {
	case any || f.keys != nil:
		return notes
	case f.prefix != "":
		return []string{fmt.Sprintf("no Region has a key with the prefix %s that is to be replicated; check --prefix",
			printable.Quote(f.prefix))}
	}
	return []string{"no Region has a key that is to be replicated"}
}

// check finds what cannot be asked for, and returns the Regions to copy to.
func (f backfillFlags) check(set replicaset.Config) ([]string, error) {
	members := strings.Join(set.Regions, ", ")
	switch {
	case f.from != "" && set.FollowAny().Any():
		return nil, usageError{errors.New("--from: where changes are followed the latest write goes everywhere, " +
			"whichever Region has it; leave it out")}
	case f.hideDeleted && !set.FollowAny().Deletions:
		return nil, usageError{errors.New("--hide-deleted: cdk.json follows no deletions; add \"deletions\" to follow, or leave it out")}
	}
	if f.from != "" && !set.Contains(f.from) {
		return nil, usageError{fmt.Errorf("--from %s: not a Region of the replica set %s; it has %s", f.from, set.Name, members)}
	}
	if !(f.limit >= 0) {
		return nil, usageError{fmt.Errorf("--limit %v: use US dollars from 0 on", f.limit)}
	}
	if f.concurrency < 1 || f.concurrency > maxConcurrency {
		return nil, usageError{fmt.Errorf("--concurrency %d: use 1 to %d", f.concurrency, maxConcurrency)}
	}
	var to []string
	for _, region := range f.to {
		switch {
		case region == "all" && len(f.to) > 1:
			return nil, usageError{errors.New("--to all: give either all or Regions")}
		case region == "all":
			return slices.DeleteFunc(slices.Clone(set.Regions), func(r string) bool { return r == f.from }), nil
		case !set.Contains(region):
			return nil, usageError{fmt.Errorf("--to %s: not a Region of the replica set %s; it has %s", region, set.Name, members)}
		case region == f.from:
			return nil, usageError{fmt.Errorf("--to %s: it is the Region to copy from; name another one", region)}
		case !slices.Contains(to, region):
			to = append(to, region)
		}
	}
	if len(to) == 0 {
		return nil, usageError{errors.New("--to has no Region; name one, or leave it out for all")}
	}
	return to, nil
}
