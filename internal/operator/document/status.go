package document

import "time"

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
	// ProofSeconds is how old the last complete comparison with the other Regions
	// is; null without reconcile, and where nothing is known.
	ProofSeconds *float64 `json:"lastComparisonSeconds"`
	// Behind is what waits for the Region's function; null if the Region does not
	// answer.
	Behind *StatusBehind `json:"behind"`
	// Followed is there where the set follows changes.
	Followed *StatusFollowed `json:"followed,omitempty"`
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

// StatusBehind is what waits for a Region's function, as an estimate. A number
// that is not known is null.
type StatusBehind struct {
	// OldestSeconds is for how long the oldest event has waited.
	OldestSeconds *float64 `json:"oldestWaitingSeconds"`
	Waiting       *int64   `json:"waitingEvents"`
	// Bytes are not available, as nobody has read the events that wait.
	Bytes   *int64         `json:"waitingBytes"`
	Sources []StatusSource `json:"sources"`
	// Unavailable says why nothing is known.
	Unavailable string `json:"unavailable,omitempty"`
}

// StatusSource is what waits of one Region's writes.
type StatusSource struct {
	SourceRegion string      `json:"sourceRegion"`
	Waiting      *int64      `json:"waitingEvents"`
	Bytes        *int64      `json:"waitingBytes"`
	ByAge        []StatusAge `json:"byAge"`
}

// StatusAge is how many events have waited for so long, from the one bound to
// before the other.
type StatusAge struct {
	FromSeconds  float64 `json:"fromSeconds"`
	UntilSeconds float64 `json:"untilSeconds"`
	Waiting      int64   `json:"waitingEvents"`
}

// StatusFollowed counts what became of changes in the last hour that the set
// follows. A number that is not known, or of what is not followed, is null.
type StatusFollowed struct {
	Replaced   *float64 `json:"replaced"`
	Superseded *float64 `json:"superseded"`
	Deleted    *float64 `json:"deleted"`
	Retagged   *float64 `json:"retagged"`
	Waited     *float64 `json:"waited"`
}

// StatusLine is a line of status --watch --output json: how the set stands, or
// what kept it from being told.
type StatusLine struct {
	Time   time.Time `json:"time"`
	Status *Status   `json:"status"`
	Error  string    `json:"error,omitempty"`
}
