package document

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
	Raced  bool   `json:"raced"`
	Error  string `json:"error"`
}
