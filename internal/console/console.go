// Package console serves the replica set as a page on loopback: how its Regions
// stand, what one key is in each of them, the dead letters, a comparison, and what is
// to be fixed.
//
// It shows the documents that the commands write with --output json, and starts the
// same runs; it has no rules of its own. Nothing is asked while no browser is
// connected, and what cannot be asked is said to be unavailable, never shown as zero.
//
// Whoever has the first URL may use it, and nobody else: see guard. Without
// Options.Write it starts nothing that changes a bucket or a queue.
package console

import (
	"context"
	"errors"
	"time"

	"s3fanout/internal/operator/document"
)

// Source asks AWS, as the commands do. Its methods must be safe for concurrent use.
// Functions that report progress are called one at a time, and hold the run up.
type Source interface {
	// Status is what the command status finds; metrics may be a minute old. A Region
	// that does not answer in time holds the others up no longer.
	Status(context.Context) (Look, error)
	// Trends are the replicas of the last hours, for each pair of Regions.
	Trends(context.Context) ([]Trend, error)
	// Alarms are those of the set.
	Alarms(context.Context) ([]Alarm, error)
	// Report is that of a month, as 2026-11.
	Report(ctx context.Context, month string) (document.Report, error)
	// Explain is the verdict on a key. Turn is called before dead letters are read, and
	// its end when they have been; if it fails they are not read, and not known.
	Explain(ctx context.Context, key string, turn func(context.Context) (end func(), err error)) (document.Explain, error)
	// History is a key's versions of all Regions in one line of time.
	History(ctx context.Context, key string) (document.History, error)
	// Keys are the first that begin with the prefix, in the Regions that answer soon.
	Keys(ctx context.Context, prefix string) ([]string, error)
	// DeadLetters reads the queues, and leaves them as they are.
	DeadLetters(ctx context.Context, read func(n int)) (document.Redrive, error)
	// Replay replays the dead letters that are chosen.
	Replay(ctx context.Context, chosen Letters, done func(document.RedriveLetter)) (document.Redrive, error)
	// Verify compares the keys that begin with the prefix.
	Verify(ctx context.Context, prefix string, progress func(keys, waiting int64), found func(document.VerifyDifference)) (Compared, error)
	// Backfill copies what is missing, or says with a dry run what that is.
	Backfill(ctx context.Context, chosen Missing, progress func(done, missing int)) (Copied, error)
}

// Look is how the set stands. Its findings are in the order of their urgency.
type Look struct {
	document.Status

	// Silent are the Regions that did not answer in time, and when each of them did
	// last; zero means never. The status has no figures of them.
	Silent map[string]time.Time
	// Uploads are the events that each Region announced in the last 24 hours; a Region
	// of which nothing is known is not in it.
	Uploads map[string]int64
	// Held says of some Region that another reader has dead letters, or just had.
	Held bool
	// Pending says that some of what is missing may come soon.
	Pending bool
}

// Trend is a metric of a pair of Regions over the last hours, a point a period. A
// point without data is nil.
type Trend struct {
	SourceRegion, TargetRegion string
	Start                      time.Time
	Asked                      time.Time // the end of the last period has not come yet
	Period                     time.Duration
	Replicas                   []*float64 // that arrived
	P99Seconds                 []*float64 // from the upload's event to the replica
	Unavailable                string     // why there is nothing
}

// Alarm is one of CloudWatch's.
type Alarm struct {
	Region, Name, State, Reason string
	Since                       time.Time
	// Unavailable says why the Region's alarms are not known; the rest is empty then.
	Unavailable string
}

// Letters choose dead letters; what is empty chooses all.
type Letters struct {
	Region, Prefix string
	Reason         string // what it has in common with others; see deadletter.Cause
	Key            string // exactly
	Message        string // SQS's ID
	Most           int    // that are tried; 0 means all
}

// Missing chooses what a backfill copies. Keys are exact, and go before Prefix.
type Missing struct {
	Prefix string
	Keys   []string
	DryRun bool
	// Limit is the most that it may cost, in US dollars, by its estimate.
	Limit float64
}

// ErrOverLimit is wrapped by Backfill where it would cost more than Missing.Limit, and
// nothing was copied.
var ErrOverLimit = errors.New("more than was agreed to")

// Compared sums a comparison up.
type Compared struct {
	document.VerifySummary

	// Unanswered says what could not be asked besides, empty if everything could: keys
	// that are being deleted or copied may count as missing then.
	Unanswered string
}

// Copied sums a backfill up, or its dry run.
type Copied struct {
	document.Backfill

	// Unanswered says what could not be asked besides, empty if everything could: what
	// is being copied is copied once more then.
	Unanswered string
}

// Options are what a Server needs. Source, Set and Regions are required.
type Options struct {
	Source  Source
	Set     string
	Regions []string
	// Buckets are those of the Regions: a dead letter tells by its bucket from where it
	// comes.
	Buckets map[string]string
	// Proofs says that the set compares itself by a schedule.
	Proofs bool
	// Command is how the commands that it shows begin, such as bin/s3fanout; empty
	// means s3fanout.
	Command string
	// Sandbox, if set, is one that can be played with; the page about it is only there
	// then.
	Sandbox Sandbox
	// Write allows replays and copies.
	Write bool
	// Interval is between two looks while somebody watches; zero means DefaultInterval.
	Interval time.Duration
	// Now is the clock, nil for time.Now.
	Now func() time.Time
}

// DefaultInterval is Interval unless Options says otherwise.
const DefaultInterval = 15 * time.Second
