package document

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
	Parts  map[string]string `json:"parts"`
}

// Finding is one thing that a check found; docs/checks.md lists the checks.
type Finding struct {
	Check    string `json:"check"`
	Region   string `json:"region"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Means    string `json:"means"`
	Fix      string `json:"fix"`
}
