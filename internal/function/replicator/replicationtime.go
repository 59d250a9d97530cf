package replicator

import (
	"time"

	"s3fanout/internal/copier"
)

// What a record's log line says of an operation that is late, in the words of the
// events of S3 Replication Time Control
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html).
const (
	// missedThreshold: it is late, and not done.
	missedThreshold = "OperationMissedThreshold"
	// afterThreshold: it is done, and was late.
	afterThreshold = "OperationReplicatedAfterThreshold"
)

// replicationTime says whether an attempt ended late, with the operation done or
// not; empty for neither. A record that was left as it is has done nothing late. It
// knows of what the function is invoked with alone: what still waits is older
// than it can see.
func replicationTime(age, lateAfter time.Duration, outcome copier.Outcome, err error) string {
	switch {
	case age <= lateAfter:
		return ""
	case err != nil, outcome == copier.Unfinished:
		return missedThreshold
	case outcome == copier.Copied, outcome == copier.Replaced, outcome == copier.Deleted, outcome == copier.Retagged:
		return afterThreshold
	}
	return ""
}
