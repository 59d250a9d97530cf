package document

import (
	"time"

	"s3fanout/internal/operator/history"
)

// History is what history --output json writes. Its names and the values of what are
// stable.
type History struct {
	ReplicaSet string          `json:"replicaSet"`
	Key        string          `json:"key"`
	Entries    []HistoryEntry  `json:"entries"` // the oldest first
	Regions    []HistoryRegion `json:"regions"`
	Audit      *Audit          `json:"audit,omitempty" jsonschema:"with --audit"`
}

// HistoryEntry is a version or a delete marker.
type HistoryEntry struct {
	Time        time.Time `json:"time"`
	Region      string    `json:"region"`
	What        string    `json:"what" jsonschema:"write, replica, version, deletion or destroyed"`
	Certain     bool      `json:"certain"`
	Of          string    `json:"of,omitempty" jsonschema:"Region of the write of a replica, or of the deletion that a later one follows"`
	OfVersionID string    `json:"ofVersionId,omitempty" jsonschema:"version ID of the same"`
	VersionID   string    `json:"versionId"`
	Current     bool      `json:"current"`
	Size        *int64    `json:"size,omitempty"`
	ETag        string    `json:"etag,omitempty"`
	// By is who made it, where the audit trail was asked and knows.
	By *AuditEvent `json:"by,omitempty" jsonschema:"with --audit, where the trail knows"`
}

// HistoryRegion says how much of a Region is known.
type HistoryRegion struct {
	Region   string `json:"region"`
	Bucket   string `json:"bucket"`
	Versions int    `json:"versions"` // delete markers among them
	More     bool   `json:"more" jsonschema:"there are older versions than --versions"`
	Error    string `json:"error,omitempty"`
}

// NewHistory makes the document of a key's life.
func NewHistory(set string, f history.Facts) History {
	made := history.Made(f)
	d := History{ReplicaSet: set, Key: f.Key, Entries: []HistoryEntry{}, Regions: []HistoryRegion{}}
	for _, e := range history.Line(f) {
		entry := HistoryEntry{
			Time: e.Time(), Region: e.Region, What: string(e.What), Certain: e.Certain, Of: e.Of.Region, OfVersionID: e.Of.VersionID,
			VersionID: e.ID, Current: e.Current, ETag: e.ETag,
		}
		if e.What != history.Destroyed && !e.Marker {
			entry.Size = &e.Size
		}
		if e.By != nil {
			by := newAuditEvent(*e.By)
			entry.By = &by
		}
		d.Entries = append(d.Entries, entry)
	}
	d.Audit = NewAudit(f.Audit, made)
	for _, r := range f.Regions {
		d.Regions = append(
			d.Regions,
			HistoryRegion{Region: r.Region, Bucket: r.Bucket, Versions: len(r.Stack), More: r.More, Error: errorText(r.Err)},
		)
	}
	return d
}
