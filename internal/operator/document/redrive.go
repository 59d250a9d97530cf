package document

import "time"

// Redrive is what redrive --output json writes. Its names and the
// values of kind and outcome are stable.
type Redrive struct {
	ReplicaSet  string          `json:"replicaSet"`
	DryRun      bool            `json:"dryRun"`
	Interrupted bool            `json:"interrupted"`
	Limited     bool            `json:"limited"`
	Left        int             `json:"left"`
	Regions     []RedriveRegion `json:"regions"`
	Reasons     []RedriveReason `json:"reasons"`
	Letters     []RedriveLetter `json:"letters"`
}

// RedriveRegion counts the dead letters of one queue.
type RedriveRegion struct {
	Region   string `json:"region"`
	Found    int    `json:"found"`
	Replayed int    `json:"replayed"`
	Left     int    `json:"left"` // of those found
	Skipped  int    `json:"skipped"`
	Held     int    `json:"held"`
	Error    string `json:"error,omitempty"`
}

// RedriveReason is why dead letters are, or were, in the queues.
type RedriveReason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Next   string `json:"next,omitempty"`
}

// RedriveLetter is one dead letter and what became of it; redrive --watch --output json writes each as a line.
type RedriveLetter struct {
	Region    string            `json:"region"`
	MessageID string            `json:"messageId"`
	SentAt    *time.Time        `json:"sentAt,omitempty"`
	Kind      string            `json:"kind,omitempty"`
	Objects   []RedriveObject   `json:"objects"`
	Reason    string            `json:"reason,omitempty"`
	ErrorType string            `json:"errorType,omitempty"`
	Attempts  int               `json:"attempts,omitempty"`
	Functions []RedriveFunction `json:"functions"`
	Outcome   string            `json:"outcome"`
	Detail    string            `json:"detail,omitempty"`
	Again     *time.Time        `json:"again,omitempty"`
}

// RedriveObject is an object that a dead letter names.
type RedriveObject struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
	Change    string `json:"change,omitempty"`
}

// RedriveFunction is one that a dead letter was meant for.
type RedriveFunction struct {
	Region string `json:"region"`
	Name   string `json:"name"`
}
