package document

import (
	"time"

	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/health"
)

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
	Parts         map[string]string   `json:"parts" jsonschema:"ok, missing, failed, unknown, warning or paused"`
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
	Bytes   *int64         `json:"waitingBytes" jsonschema:"always null: nobody has read the events that wait"`
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

// StatusLine is a line of status --watch --output json: the state of the set, or
// why it is not known.
type StatusLine struct {
	Time   time.Time `json:"time"`
	Status *Status   `json:"status"`
	Error  string    `json:"error,omitempty"`
}

// NewStatus makes the document of what was found and measured. What waits is of the
// Regions that answered.
func NewStatus(facts health.Facts, findings []health.Finding, figures map[string]health.Figures, waiting []behind.Target) Status {
	d := Status{
		ReplicaSet: facts.Set.Name, Account: facts.Account, Caller: facts.Caller,
		Regions: []StatusRegion{}, Findings: NewFindings(findings), Next: []string{},
	}
	for _, r := range facts.Regions {
		row := StatusRegion{Region: r.Name, Parts: NewParts(findings, r.Name), Lag: []StatusLag{}}
		ok, want, known := health.Subscribed(facts, r.Name)
		row.Subscriptions.Expected = want
		if known {
			row.Subscriptions.OK = &ok
		}
		if r.Queue.State == health.Found {
			row.DeadLetters = &r.Queue.Value.Letters
		}
		f, measured := figures[r.Name]
		if !measured {
			f.Why = "the Region does not answer"
		}
		row.MetricsUnavailable = f.Why
		row.Errors, row.Throttles, row.Diverged = f.Errors, f.Throttles, f.Diverged
		row.Followed = newStatusFollowed(f.Followed)
		// CloudWatch is minutes behind: without dead letters its age is of none.
		if noLetters := row.DeadLetters != nil && *row.DeadLetters == 0; !noLetters {
			row.Oldest = seconds(f.Oldest)
		}
		row.ProofSeconds = seconds(f.Proof)
		for _, l := range f.Lag {
			row.Lag = append(
				row.Lag,
				StatusLag{SourceRegion: l.Source, P50: milliseconds(l.P50), P99: milliseconds(l.P99), Max: milliseconds(l.Max)},
			)
		}
		d.Regions = append(d.Regions, row)
	}
	d.addBehind(waiting)
	return d
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func newStatusFollowed(f *health.Followed) *StatusFollowed {
	if f == nil {
		return nil
	}
	d := StatusFollowed(*f)
	return &d
}

// addBehind puts what waits into the document, in the Regions that answered.
func (d *Status) addBehind(targets []behind.Target) {
	for _, t := range targets {
		b := &StatusBehind{Waiting: t.Waiting, OldestSeconds: seconds(t.Oldest), Sources: []StatusSource{}}
		if t.Err != nil {
			b.Unavailable = t.Err.Error()
		}
		for _, s := range t.Sources {
			source := StatusSource{SourceRegion: s.Region, Waiting: s.Waiting, ByAge: []StatusAge{}}
			from := time.Duration(0)
			for i, n := range s.ByAge {
				until := behind.Ages()[i]
				source.ByAge = append(source.ByAge, StatusAge{FromSeconds: from.Seconds(), UntilSeconds: until.Seconds(), Waiting: n})
				from = until
			}
			b.Sources = append(b.Sources, source)
		}
		for i := range d.Regions {
			if d.Regions[i].Region == t.Region {
				d.Regions[i].Behind = b
			}
		}
	}
}
