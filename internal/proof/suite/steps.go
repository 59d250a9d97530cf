package main

import (
	"context"
	"slices"
	"time"
)

// step is one thing that the suite tries. Its note is a line for the report.
type step struct {
	id, what string
	run      func(ctx context.Context, w *world) (note string, err error)
}

// steps are in the order in which they are tried: each leaves the replica set
// as it found it.
func steps() []step {
	return between([]step{
		{"first-write-wins", "an overwrite does not travel, and verify names the key", firstWriteWins},
		{"verify", "`s3fanout verify` finds a replica that is missing", verifyMissing},
		{"explain", "`s3fanout explain KEY` says where the object is and is not", explainMissing},
		{"backfill", "`s3fanout backfill` copies what is missing, and that alone", backfill},
		{"deleted", "a key that was deleted on purpose comes back with `--restore-deleted` alone", deleted},
		{"redrive", "an event that failed is a dead letter, and `s3fanout redrive` replays it", redrive},
		{"redrive-gone", "a replayed event whose version is gone is done", redriveGone},
		{
			"undelivered",
			"what SNS may not deliver is a dead letter, a repair puts the permission back, and the letter is replayed",
			undelivered,
		},
	})
}

// between puts steps between those that every set has.
func between(own []step) []step {
	return slices.Concat([]step{
		{"doctor", "`s3fanout doctor` finds the deployment as `cdk.json` has it", doctor},
		{"copies", "uploads to each Region arrive in all others, and how long it takes", copies},
		{"properties", "metadata, tags, content type and cache control arrive with the bytes", properties},
		{"odd-keys", "odd keys, empty objects and folder markers arrive", oddKeys},
		{"parts", "an object over the threshold is copied in parts", parts},
		{"once", "nothing is written twice", once},
	}, own, []step{
		{"repaired", "afterwards nothing is left over: doctor, verify and the queues", repaired},
	})
}

// Results of a step or a check.
const (
	passed  = "passed"
	failed  = "failed"
	known   = "differs" // otherwise than on AWS, as the target's list says
	skipped = "not tried"
)

// result is how a step or a check ended.
type result struct {
	id, what, status string
	note             string
	took             time.Duration
}
