package document

import "time"

// Undelete is what undelete --output json writes. Its names and the
// values of class are stable.
type Undelete struct {
	ReplicaSet  string    `json:"replicaSet"`
	DryRun      bool      `json:"dryRun"`
	Interrupted bool      `json:"interrupted"`
	Error       string    `json:"error,omitempty"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	Keys        int       `json:"keys"`
	UndeleteCounts
	Earlier   int              `json:"earlier"`
	Later     int              `json:"later"`
	Recreated int              `json:"recreated"`
	Lost      int              `json:"lost"`
	Regions   []UndeleteRegion `json:"regions"`
	Requests  CopyRequests     `json:"requests"`
	Failures  []CopyFailure    `json:"failures"`
}

// UndeleteCounts counts objects, of one Region or of all.
type UndeleteCounts struct {
	Objects       int   `json:"objects"`
	Bytes         int64 `json:"bytes"`
	Restored      int   `json:"restored"`
	RestoredBytes int64 `json:"restoredBytes"`
	Present       int   `json:"present"`
	Gone          int   `json:"gone"`
	Failed        int   `json:"failed"`
	Left          int   `json:"left"`
}

// UndeleteRegion is what happened in one Region.
type UndeleteRegion struct {
	Region string `json:"region"`
	UndeleteCounts
}
