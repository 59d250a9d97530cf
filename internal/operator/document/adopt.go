package document

import (
	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/printable"
)

// Adopt is what adopt --output json writes. Its names, and the values of
// state, check and severity, are stable.
type Adopt struct {
	ReplicaSet string        `json:"replicaSet"`
	Account    string        `json:"account"`
	Check      bool          `json:"check"`
	DryRun     bool          `json:"dryRun"`
	Regions    []AdoptRegion `json:"regions"`
	Findings   []Finding     `json:"findings"`
}

// AdoptRegion is how a bucket of the set stands.
type AdoptRegion struct {
	Region string `json:"region"`
	Bucket string `json:"bucket"`
	State  string `json:"state"`
	Raced  bool   `json:"raced" jsonschema:"somebody else changed the notifications meanwhile"`
	Error  string `json:"error"`
}

// NewAdopt makes the document of a run.
func NewAdopt(set, account string, dryRun bool, results []adoption.Result) Adopt {
	d := Adopt{ReplicaSet: set, Account: account, DryRun: dryRun, Regions: []AdoptRegion{}, Findings: []Finding{}}
	for _, r := range results {
		region := AdoptRegion{Region: r.Member.Region, Bucket: r.Member.Bucket, State: r.State, Raced: r.Raced}
		if r.Err != nil {
			region.Error = printable.OneLine(r.Err.Error())
		}
		d.Regions = append(d.Regions, region)
	}
	return d
}

// NewAdoptCheck makes the document of what was found before a run.
func NewAdoptCheck(facts health.Facts, findings []health.Finding) Adopt {
	d := Adopt{ReplicaSet: facts.Set.Name, Account: facts.Account, Check: true, Regions: []AdoptRegion{}, Findings: NewFindings(findings)}
	for _, r := range facts.Regions {
		d.Regions = append(d.Regions, AdoptRegion{Region: r.Name, Bucket: facts.Set.Member(facts.Account, r.Name).Bucket, State: "checked"})
	}
	return d
}
