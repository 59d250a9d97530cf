package document

import "time"

// Explain is what explain --output json writes. Its names and the
// values of verdict, state, likely and by are stable.
type Explain struct {
	ReplicaSet string        `json:"replicaSet"`
	Key        string        `json:"key"`
	Verdict    string        `json:"verdict"`
	Text       string        `json:"text"`
	Steps      []ExplainStep `json:"steps"`
	// Writes is of a key that is followed, the latest first.
	Writes  []ExplainWrite  `json:"writes"`
	Regions []ExplainRegion `json:"regions"`
	Letters []ExplainLetter `json:"letters"`
	Queues  []ExplainQueue  `json:"queues"`
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
	Shown     []string   `json:"shown"`
	Hidden    []string   `json:"hidden"`
	HiddenAt  *time.Time `json:"hiddenAt,omitempty"`
	Kept      []string   `json:"kept"`
	Destroyed bool       `json:"destroyed"`
}

// ExplainRegion is what one Region has.
type ExplainRegion struct {
	Region       string           `json:"region"`
	Bucket       string           `json:"bucket"`
	State        string           `json:"state"`
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
	Likely       string            `json:"likely,omitempty"`
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
	By        string     `json:"by"`
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
	Targets   []string   `json:"targets"`
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
