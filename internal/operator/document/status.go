package document

// Status is what status --output json writes. Its names, and the
// values of check and severity, are stable.
type Status struct {
	ReplicaSet string         `json:"replicaSet"`
	Account    string         `json:"account"`
	Caller     string         `json:"caller"`
	Regions    []StatusRegion `json:"regions"`
	Findings   []Finding      `json:"findings"`
	Next       []string       `json:"next"` // commands that say more
}

// StatusRegion is a Region and its last hour. A figure that is not known is null.
type StatusRegion struct {
	Region        string              `json:"region"`
	Parts         map[string]string   `json:"parts"`
	Subscriptions StatusSubscriptions `json:"subscriptions"`
	DeadLetters   *int                `json:"deadLetters"`
	Oldest        *float64            `json:"oldestDeadLetterSeconds"`
	Errors        *float64            `json:"errors"`
	Throttles     *float64            `json:"throttles"`
	// Diverged are the writes that were not copied because the key was there
	// with other contents.
	Diverged *float64    `json:"diverged"`
	Lag      []StatusLag `json:"lag"`
	// MetricsUnavailable says why there are no figures of CloudWatch.
	MetricsUnavailable string `json:"metricsUnavailable,omitempty"`
}

// StatusSubscriptions counts those of the Region's topic.
type StatusSubscriptions struct {
	OK       *int `json:"ok"` // null: not known
	Expected int  `json:"expected"`
}

// StatusLag is how long copies from a Region took, in milliseconds.
type StatusLag struct {
	SourceRegion string  `json:"sourceRegion"`
	P50          float64 `json:"p50Ms"`
	P99          float64 `json:"p99Ms"`
	Max          float64 `json:"maxMs"`
}
