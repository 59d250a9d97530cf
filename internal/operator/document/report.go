package document

import "time"

// Report is what report --output json writes. Its names are stable. Times are
// UTC.
type Report struct {
	ReplicaSet string `json:"replicaSet"`
	Month      string `json:"month"`
	// From and Until are the part of the month that is reported; Complete says
	// that it is the whole month.
	From      time.Time      `json:"from"`
	Until     time.Time      `json:"until"`
	Complete  bool           `json:"complete"`
	Threshold float64        `json:"thresholdSeconds"`
	Pairs     []ReportPair   `json:"pairs"`
	Regions   []ReportRegion `json:"regions"`
}

// ReportPair counts the replicas that arrived from one Region in another one.
type ReportPair struct {
	SourceRegion string         `json:"sourceRegion"`
	TargetRegion string         `json:"targetRegion"`
	Arrived      int64          `json:"arrived"`
	Within       []ReportWithin `json:"within"`
	// Late arrived after the threshold.
	Late  int64        `json:"late"`
	Worst *ReportWorst `json:"worst"` // null if nothing arrived
}

// ReportWithin is how many arrived within a time.
type ReportWithin struct {
	Seconds float64 `json:"seconds"`
	Arrived int64   `json:"arrived"`
}

// ReportWorst is the latest arrival, and the hour of it.
type ReportWorst struct {
	Seconds float64   `json:"seconds"`
	Hour    time.Time `json:"hour"`
}

// ReportRegion is what is known of a Region as a whole.
type ReportRegion struct {
	Region string `json:"region"`
	// Unavailable says why nothing is known; the numbers are then null, and there
	// are no pairs to the Region.
	Unavailable string        `json:"unavailable,omitempty"`
	GivenUp     *int64        `json:"givenUp"`
	Undelivered *int64        `json:"undelivered"`
	Lost        *int64        `json:"lost"`
	Proofs      *ReportProofs `json:"proofs"` // null: reconcile is off
}

// ReportProofs are a Region's scheduled comparisons with the others.
type ReportProofs struct {
	Complete       int64   `json:"complete"`
	LongestSeconds float64 `json:"longestSeconds"`
	OldestSeconds  float64 `json:"oldestSeconds"`
	Compared       int64   `json:"keysCompared"`
	Missing        int64   `json:"keysMissing"`
	Different      int64   `json:"keysDifferent"`
	Repaired       int64   `json:"keysRepaired"`
	Unrepaired     int64   `json:"keysUnrepaired"`
}
