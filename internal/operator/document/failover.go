package document

import (
	"time"

	"s3fanout/internal/operator/failover"
)

// FailoverStatus is what failover status --output json writes. Its names are stable.
type FailoverStatus struct {
	ReplicaSet   string           `json:"replicaSet"`
	AccessPoints []FailoverPoint  `json:"accessPoints"`
	Regions      []FailoverRegion `json:"regions"`
}

// FailoverPoint is an access point with its routes.
type FailoverPoint struct {
	Name  string `json:"name"`
	Alias string `json:"alias"`
	ARN   string `json:"arn"`
	// ControlRegion is the Region that reported the routes.
	ControlRegion string          `json:"controlRegion"`
	Routes        []FailoverRoute `json:"routes"`
}

// FailoverRoute is a bucket of it. Requests are sent to active ones alone.
type FailoverRoute struct {
	Region string `json:"region"`
	Bucket string `json:"bucket"`
	Active bool   `json:"active"`
}

// FailoverRegion is how far a Region is. A figure that is not known is null.
type FailoverRegion struct {
	Region      string `json:"region"`
	DeadLetters *int   `json:"deadLetters"`
	// Waiting are the events that wait for the Region's function, as an estimate.
	Waiting       *int64   `json:"waitingEvents"`
	OldestSeconds *float64 `json:"oldestWaitingSeconds"`
	// LagP99 is that of the slowest source within the last hour.
	LagP99 *float64 `json:"lagP99Ms"`
	// ProofSeconds is how old the last complete comparison with the other Regions is;
	// null too without reconcile.
	ProofSeconds *float64 `json:"lastComparisonSeconds"`
	// Unavailable says why figures are not known, or the bucket does not answer.
	Unavailable []string `json:"unavailable" jsonschema:"why figures are null, or that the bucket does not answer"`
}

// FailoverShift is what failover shift --output json writes. Its names are stable.
type FailoverShift struct {
	ReplicaSet  string          `json:"replicaSet"`
	DryRun      bool            `json:"dryRun"`
	AccessPoint FailoverPoint   `json:"accessPoint"` // as it was
	After       []FailoverRoute `json:"after"`       // as it is to be
	Risks       []FailoverRisk  `json:"risks"`
	// Submitted says that S3 has taken the change, null that nobody knows; Effective that
	// it shows it.
	Submitted   *bool    `json:"submitted" jsonschema:"S3 has taken the change; null: not known"`
	Effective   bool     `json:"effective" jsonschema:"S3 shows the change"`
	TookSeconds *float64 `json:"tookSeconds"`
}

// FailoverRisk is why readers who are moved to a Region would miss something.
type FailoverRisk struct {
	Region string `json:"region"`
	What   string `json:"what"`
}

// FailoverDrill is the report of a drill, which failover drill --output json writes
// too. Its names and the values of outcome and phase are stable.
type FailoverDrill struct {
	ReplicaSet  string          `json:"replicaSet"`
	AccessPoint FailoverPoint   `json:"accessPoint"` // as it was
	Shifted     []FailoverRoute `json:"shifted"`
	Outcome     string          `json:"outcome"`
	Began       time.Time       `json:"began"`
	Ended       time.Time       `json:"ended"`
	Restored    bool            `json:"restored"`
	// AwaySeconds and BackSeconds are how long it took until S3 showed each change, null
	// if it did not.
	AwaySeconds *float64       `json:"awaySeconds"`
	BackSeconds *float64       `json:"backSeconds"`
	Looks       []FailoverLook `json:"looks"`
	Problems    []string       `json:"problems"`
}

// FailoverLook is what a drill saw at one time.
type FailoverLook struct {
	Time    time.Time        `json:"time"`
	Phase   string           `json:"phase"`
	Reads   FailoverReads    `json:"reads"`
	Regions []FailoverRegion `json:"regions"`
}

// FailoverReads are requests through the access point.
type FailoverReads struct {
	Tried   int      `json:"tried"`
	Failed  int      `json:"failed"`
	Missing []string `json:"missing"` // keys
	Slowest float64  `json:"slowestMs"`
	Error   string   `json:"error,omitempty"`
}

// NewFailoverPoint makes the part of a document that is about an access point.
func NewFailoverPoint(p failover.Point, controlRegion string, routes []failover.Route) FailoverPoint {
	return FailoverPoint{Name: p.Name, Alias: p.Alias, ARN: p.ARN, ControlRegion: controlRegion, Routes: NewFailoverRoutes(routes)}
}

// NewFailoverRoutes makes the part of a document that is about routes.
func NewFailoverRoutes(routes []failover.Route) []FailoverRoute {
	list := []FailoverRoute{}
	for _, r := range routes {
		list = append(list, FailoverRoute{Region: r.Region, Bucket: r.Bucket, Active: r.Active})
	}
	return list
}

// NewFailoverRegions makes the part of a document that is about Regions.
func NewFailoverRegions(figures []failover.Figures) []FailoverRegion {
	list := []FailoverRegion{}
	for _, f := range figures {
		r := FailoverRegion{
			Region: f.Region, DeadLetters: f.DeadLetters, Waiting: f.Waiting,
			OldestSeconds: seconds(f.Oldest), ProofSeconds: seconds(f.Proof),
			Unavailable: append(append([]string{}, f.Unknown...), f.Unmeasured...),
		}
		if f.LettersUnknown != "" {
			r.Unavailable = append(r.Unavailable, "its dead letters are not known: "+f.LettersUnknown)
		}
		if f.Away != "" {
			r.Unavailable = append(r.Unavailable, "its bucket does not answer: "+f.Away)
		}
		if f.Lag != nil {
			ms := milliseconds(*f.Lag)
			r.LagP99 = &ms
		}
		list = append(list, r)
	}
	return list
}

// NewFailoverRisks makes the part of a document that is about risks.
func NewFailoverRisks(risks []failover.Risk) []FailoverRisk {
	list := []FailoverRisk{}
	for _, r := range risks {
		list = append(list, FailoverRisk(r))
	}
	return list
}

// NewFailoverDrill makes the report of a drill.
func NewFailoverDrill(set string, point FailoverPoint, shifted []failover.Route, r failover.Result) FailoverDrill {
	d := FailoverDrill{
		ReplicaSet: set, AccessPoint: point, Shifted: NewFailoverRoutes(shifted), Outcome: string(r.Outcome),
		Began: r.Began.UTC(), Ended: r.Ended.UTC(), Restored: r.Restored, Looks: []FailoverLook{},
		Problems: append([]string{}, r.Problems...),
	}
	if r.Away > 0 {
		d.AwaySeconds = seconds(&r.Away)
	}
	if r.Back > 0 {
		d.BackSeconds = seconds(&r.Back)
	}
	for _, m := range r.Moments {
		d.Looks = append(d.Looks, FailoverLook{
			Time: m.Time.UTC(), Phase: string(m.Phase), Regions: NewFailoverRegions(m.Figures),
			Reads: FailoverReads{
				Tried: m.Reads.Tried, Failed: m.Reads.Failed, Missing: append([]string{}, m.Reads.Missing...), Error: m.Reads.Why,
				Slowest: milliseconds(m.Reads.Slowest),
			},
		})
	}
	return d
}

// seconds is a time as documents have it, null if it is not known.
func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	s := d.Seconds()
	return &s
}
