package document

import "time"

// Pause is what pause --output json writes. Its names are stable.
type Pause struct {
	ReplicaSet string        `json:"replicaSet"`
	DryRun     bool          `json:"dryRun"`
	Regions    []PauseRegion `json:"regions"`
}

// PauseRegion is one Region of it.
type PauseRegion struct {
	Region  string `json:"region"`
	Paused  bool   `json:"paused"`  // it is now; in a dry run, it would be
	Already bool   `json:"already"` // it was before
	// Since is when the pause began, and KeptUntil how long the queue keeps what
	// came then.
	Since     *time.Time `json:"since"`
	KeptUntil *time.Time `json:"keptUntil"`
	// ReservedConcurrency is what the function had before and gets back, null for
	// none.
	ReservedConcurrency *int   `json:"reservedConcurrency" jsonschema:"before the pause; null: none"`
	DeadLetters         *int   `json:"deadLetters"`
	Error               string `json:"error,omitempty"`
}

// Resume is what resume --output json writes. Its names are stable.
type Resume struct {
	ReplicaSet string         `json:"replicaSet"`
	DryRun     bool           `json:"dryRun"`
	Regions    []ResumeRegion `json:"regions"`
	// Redrive is what redrive --output json writes, of these Regions.
	Redrive *Redrive `json:"redrive,omitempty"`
}

// ResumeRegion is one Region of it.
type ResumeRegion struct {
	Region string     `json:"region"`
	Paused bool       `json:"paused"` // it was
	Since  *time.Time `json:"since"`
	// ReservedConcurrency is what the function has now, null for none.
	ReservedConcurrency *int   `json:"reservedConcurrency" jsonschema:"now; null: none"`
	Error               string `json:"error,omitempty"`
}
