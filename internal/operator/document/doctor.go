package document

import (
	"s3fanout/internal/operator/health"
)

// Doctor is what doctor --output json writes. Its names, and the
// values of check and severity, are stable.
type Doctor struct {
	ReplicaSet string         `json:"replicaSet"`
	Account    string         `json:"account"`
	Caller     string         `json:"caller"`
	Probed     bool           `json:"probed"`
	Regions    []DoctorRegion `json:"regions"`
	Findings   []Finding      `json:"findings"`
}

// DoctorRegion has a word for each part of a Region: ok, missing, failed,
// unknown, warning or paused.
type DoctorRegion struct {
	Region string            `json:"region"`
	Parts  map[string]string `json:"parts" jsonschema:"ok, missing, failed, unknown, warning or paused"`
}

// Finding is one thing that a check found; docs/schema/doctor.json lists the checks.
type Finding struct {
	Check    string `json:"check"`
	Region   string `json:"region"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Means    string `json:"means"`
	Fix      string `json:"fix"`
}

// NewDoctor makes the document of what was found.
func NewDoctor(facts health.Facts, findings []health.Finding) Doctor {
	d := Doctor{
		ReplicaSet: facts.Set.Name, Account: facts.Account, Caller: facts.Caller, Probed: facts.Probed,
		Regions: []DoctorRegion{}, Findings: NewFindings(findings),
	}
	for _, r := range facts.Regions {
		d.Regions = append(d.Regions, DoctorRegion{Region: r.Name, Parts: NewParts(findings, r.Name)})
	}
	return d
}

// NewFindings makes the documents of findings, an empty list of none.
func NewFindings(findings []health.Finding) []Finding {
	list := []Finding{}
	for _, f := range findings {
		list = append(list, Finding{
			Check: f.Check, Region: f.Region, Severity: string(f.Severity), What: f.What, Means: f.Means, Fix: f.Fix,
		})
	}
	return list
}

// NewParts has a word for each part of a Region.
func NewParts(findings []health.Finding, region string) map[string]string {
	parts := map[string]string{}
	for _, part := range health.Parts() {
		parts[string(part)] = health.PartState(findings, region, part)
	}
	return parts
}
