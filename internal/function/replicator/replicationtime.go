package replicator

import (
	"context"
	"log/slog"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
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

// Late is the event of an operation that is late. Its JSON is the event's detail,
// and Type its detail type: one of the two above.
type Late struct {
	Type             string    `json:"-"`
	ReplicaSet       string    `json:"replicaSet"`
	SourceRegion     string    `json:"sourceRegion"`
	SourceBucket     string    `json:"sourceBucket"`
	TargetRegion     string    `json:"targetRegion"`
	TargetBucket     string    `json:"targetBucket"`
	Key              string    `json:"key"`
	VersionID        string    `json:"versionId,omitempty"`
	S3Operation      string    `json:"s3Operation"` // the name of S3's event, as ObjectCreated:Put
	RequestTime      time.Time `json:"requestTime"` // of S3's event
	AgeSeconds       float64   `json:"ageSeconds"`
	ThresholdSeconds float64   `json:"thresholdSeconds"`
}

// announceTime bounds the sending of an event, for which the record waits.
const announceTime = 3 * time.Second

// announce sends the event of a late record, if that is switched on. That it
// could not be sent is logged and changes nothing else: the record's own line says
// the same.
func (h *Handler) announce(ctx context.Context, log *slog.Logger, what string, r event.Record, end time.Time) {
	if h.Announce == nil {
		return
	}
	source, _ := h.Config.Sources.WithBucket(r.Bucket)
	ctx, cancel := context.WithTimeout(ctx, announceTime)
	defer cancel()
	err := h.Announce(ctx, Late{
		Type: what, ReplicaSet: h.Config.Target.Set, SourceRegion: source.Region, SourceBucket: r.Bucket,
		TargetRegion: h.Config.Target.Region, TargetBucket: h.Config.Target.Bucket, Key: r.Key, VersionID: r.VersionID,
		S3Operation: r.EventName, RequestTime: r.EventTime, AgeSeconds: lag(r, end).Seconds(),
		ThresholdSeconds: h.Config.LateAfter().Seconds(),
	})
	if err != nil {
		log.Error("event of a late replica not sent", "key", r.Key, "versionId", r.VersionID, "error", err.Error())
	}
}
