package document

import (
	"time"

	"s3fanout/internal/operator/explain"
	"s3fanout/internal/printable"
)

// Explain is what explain --output json writes. Its names and the
// values of verdict, state, likely and by are stable.
type Explain struct {
	ReplicaSet string        `json:"replicaSet"`
	Key        string        `json:"key"`
	Verdict    string        `json:"verdict"`
	Text       string        `json:"text"`
	Steps      []ExplainStep `json:"steps"`
	// Writes is of a key that is followed, the latest first.
	Writes  []ExplainWrite  `json:"writes" jsonschema:"of a followed key: the latest first"`
	Regions []ExplainRegion `json:"regions"`
	Letters []ExplainLetter `json:"letters"`
	Queues  []ExplainQueue  `json:"queues"`
	Audit   *Audit          `json:"audit,omitempty" jsonschema:"with --audit"`
}

// ExplainStep is something to do.
type ExplainStep struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"`
}

// ExplainWrite is a version that a user made, and what has become of it.
type ExplainWrite struct {
	Region    string     `json:"region"`
	VersionID string     `json:"versionId"`
	Written   time.Time  `json:"written"`
	Wins      bool       `json:"wins"`
	Why       string     `json:"why"`
	Shown     []string   `json:"shown" jsonschema:"Regions where it is current"`
	Hidden    []string   `json:"hidden" jsonschema:"Regions where a delete marker hides it"`
	HiddenAt  *time.Time `json:"hiddenAt,omitempty"`
	Kept      []string   `json:"kept" jsonschema:"Regions where it is under other versions"`
	Destroyed bool       `json:"destroyed" jsonschema:"gone where it was made"`
}

// ExplainRegion is what one Region has.
type ExplainRegion struct {
	Region       string           `json:"region"`
	Bucket       string           `json:"bucket"`
	State        string           `json:"state" jsonschema:"present, stale, undeleted, or as the verdict"`
	Error        string           `json:"error,omitempty"`
	Object       *ExplainObject   `json:"object,omitempty"`
	Versions     []ExplainVersion `json:"versions"`
	MoreVersions bool             `json:"moreVersions"`
	Uploads      []ExplainUpload  `json:"uploads"`
	Errors       []string         `json:"errors"`
}

// ExplainObject is the current version.
type ExplainObject struct {
	VersionID    string            `json:"versionId,omitempty"`
	Size         int64             `json:"size"`
	ETag         string            `json:"etag"`
	Checksums    map[string]string `json:"checksums"`
	ChecksumType string            `json:"checksumType,omitempty"`
	Modified     time.Time         `json:"modified"`
	StorageClass string            `json:"storageClass"`
	Tags         map[string]string `json:"tags,omitzero"`
	Archived     bool              `json:"archived"`
	Likely       string            `json:"likely,omitempty" jsonschema:"upload or replica"`
	LikelyOf     string            `json:"likelyOf,omitempty"`
}

// ExplainVersion is one of the newest versions.
type ExplainVersion struct {
	VersionID      string    `json:"versionId"`
	DeletionMarker bool      `json:"deletionMarker"`
	Size           int64     `json:"size"`
	ETag           string    `json:"etag,omitempty"`
	Modified       time.Time `json:"modified"`
}

// ExplainUpload is an unfinished upload of the key.
type ExplainUpload struct {
	UploadID  string     `json:"uploadId"`
	Initiated time.Time  `json:"initiated"`
	Initiator string     `json:"initiator,omitempty"`
	By        string     `json:"by" jsonschema:"who started it: replicator, other or unknown"`
	Parts     int        `json:"parts"`
	Bytes     int64      `json:"bytes"`
	LastPart  *time.Time `json:"lastPart,omitempty"`
}

// ExplainLetter is a dead letter that names the key.
type ExplainLetter struct {
	Queue     string     `json:"queue"`
	MessageID string     `json:"messageId"`
	SentAt    *time.Time `json:"sentAt,omitempty"`
	Kind      string     `json:"kind"`
	Source    string     `json:"source"`
	VersionID string     `json:"versionId,omitempty"`
	Reason    string     `json:"reason"`
	Targets   []string   `json:"targets" jsonschema:"empty: any Region but the source"`
}

// ExplainQueue says how far a dead-letter queue was read.
type ExplainQueue struct {
	Region        string `json:"region"`
	Looked        int    `json:"looked"`
	Held          int    `json:"held"`
	NotUnderstood int    `json:"notUnderstood"`
	Cut           bool   `json:"cut"`
	Error         string `json:"error,omitempty"`
}

// NewExplain makes the document of what was found of a key, and of the verdict.
func NewExplain(set string, f explain.Facts, v explain.Verdict) Explain {
	d := Explain{
		ReplicaSet: set, Key: f.Key, Verdict: string(v.Code), Text: v.Text,
		Steps: []ExplainStep{}, Writes: []ExplainWrite{}, Regions: []ExplainRegion{}, Letters: []ExplainLetter{}, Queues: []ExplainQueue{},
	}
	for _, s := range v.Steps {
		d.Steps = append(d.Steps, ExplainStep(s))
	}
	for _, w := range explain.Writes(f) {
		write := ExplainWrite{
			Region: w.Region, VersionID: w.VersionID, Written: w.Written(), Wins: w.Wins, Why: w.Why,
			Shown: append(
				[]string{},
				w.Shown...), Hidden: append([]string{}, w.Hidden...), Kept: append([]string{}, w.Kept...), Destroyed: w.Destroyed,
		}
		if !w.DeletedAt.IsZero() {
			write.HiddenAt = &w.DeletedAt
		}
		d.Writes = append(d.Writes, write)
	}
	states, origins := explain.States(f), explain.Origins(f)
	for i, r := range f.Regions {
		d.Regions = append(d.Regions, newExplainRegion(r, states[i], origins[i]))
	}
	for _, l := range f.Letters {
		letter := ExplainLetter{
			Queue: l.Queue, MessageID: l.MessageID, Kind: l.Kind, Source: l.Source, VersionID: l.VersionID, Reason: l.Reason,
			Targets: append([]string{}, l.Targets...), // [] if there are none
		}
		if !l.SentAt.IsZero() {
			letter.SentAt = &l.SentAt
		}
		d.Letters = append(d.Letters, letter)
	}
	d.Audit = NewAudit(f.Audit, explain.Made(f))
	for _, q := range f.Queues {
		d.Queues = append(
			d.Queues,
			ExplainQueue{
				Region:        q.Region,
				Looked:        q.Looked,
				NotUnderstood: q.NotUnderstood,
				Held:          q.Held,
				Cut:           q.Cut,
				Error:         errorText(q.Err),
			},
		)
	}
	return d
}

func newExplainRegion(r explain.Region, state explain.State, origin explain.Origin) ExplainRegion {
	region := ExplainRegion{
		Region: r.Region, Bucket: r.Bucket, State: string(state), Error: errorText(r.Err),
		Versions: []ExplainVersion{}, MoreVersions: r.MoreVersions, Uploads: []ExplainUpload{}, Errors: []string{},
	}
	if o := r.Object; o != nil {
		region.Object = &ExplainObject{
			VersionID: o.VersionID, Size: o.Size, ETag: o.ETag, Checksums: map[string]string{}, ChecksumType: o.FirstChecksum().Type,
			Modified: o.Modified, StorageClass: o.StorageClass, Tags: o.Tags, Archived: o.Archived,
			Likely: origin.Likely, LikelyOf: origin.Of,
		}
		for _, c := range o.Checksums {
			region.Object.Checksums[c.Algorithm] = c.Value
		}
	}
	for _, v := range r.Versions {
		region.Versions = append(
			region.Versions,
			ExplainVersion{VersionID: v.VersionID, DeletionMarker: v.Marker, Size: v.Size, ETag: v.ETag, Modified: v.Modified},
		)
	}
	for _, u := range r.Uploads {
		upload := ExplainUpload{
			UploadID:  u.UploadID,
			Initiated: u.Initiated,
			Initiator: u.Initiator,
			By:        string(u.By),
			Parts:     u.Parts,
			Bytes:     u.Bytes,
		}
		if u.Parts > 0 {
			upload.LastPart = &u.Last
		}
		region.Uploads = append(region.Uploads, upload)
	}
	for _, err := range r.Partial {
		region.Errors = append(region.Errors, errorText(err))
	}
	return region
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return printable.OneLine(err.Error())
}
