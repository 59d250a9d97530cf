package document

import (
	"time"

	"s3fanout/internal/operator/report"
)

// Report is what report --output json writes. Its names are stable. Times are
// UTC.
type Report struct {
	ReplicaSet string `json:"replicaSet"`
	Month      string `json:"month"`
	// From and Until are the part of the month that is reported; Complete says
	// that it is the whole month.
	From      time.Time      `json:"from"`
	Until     time.Time      `json:"until"`
	Complete  bool           `json:"complete" jsonschema:"false: the month is not over, or has just ended, or is partly forgotten"`
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
	Worst *ReportWorst `json:"worst" jsonschema:"null: nothing arrived"` // null if nothing arrived
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
	GivenUp     *int64        `json:"givenUp" jsonschema:"dead letters, or counted in lost"`
	Undelivered *int64        `json:"undelivered" jsonschema:"dead letters, or counted in lost"`
	Lost        *int64        `json:"lost"`
	Proofs      *ReportProofs `json:"proofs" jsonschema:"null: no reconcile"` // null: reconcile is off
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

// NewReport makes the document of a month.
func NewReport(r report.Report) Report {
	d := Report{
		ReplicaSet: r.Set, Month: r.Month.String(), From: r.From, Until: r.Until.Truncate(time.Second),
		Complete: r.Whole(), Threshold: r.Threshold.Seconds(),
		Pairs: []ReportPair{}, Regions: []ReportRegion{},
	}
	for _, p := range r.Pairs {
		pair := ReportPair{SourceRegion: p.Source, TargetRegion: p.Target, Arrived: p.Arrived, Late: p.Late, Within: []ReportWithin{}}
		for i, limit := range report.Limits() {
			pair.Within = append(pair.Within, ReportWithin{Seconds: limit.Seconds(), Arrived: p.Within[i]})
		}
		if p.Arrived > 0 {
			pair.Worst = &ReportWorst{Seconds: p.Worst.Seconds(), Hour: p.WorstAt}
		}
		d.Pairs = append(d.Pairs, pair)
	}
	for _, r := range r.Regions {
		region := ReportRegion{Region: r.Name}
		if r.Err != nil {
			region.Unavailable = r.Err.Error()
		} else {
			region.GivenUp, region.Undelivered, region.Lost = &r.GivenUp, &r.Undelivered, &r.Lost
		}
		if p := r.Proofs; p != nil {
			region.Proofs = &ReportProofs{
				Complete: p.Complete, LongestSeconds: p.Longest.Seconds(), OldestSeconds: p.Oldest.Seconds(),
				Compared: p.Compared, Missing: p.Missing, Different: p.Different, Repaired: p.Repaired, Unrepaired: p.Unrepaired,
			}
		}
		d.Regions = append(d.Regions, region)
	}
	return d
}
