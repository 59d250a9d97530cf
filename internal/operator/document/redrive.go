package document

import (
	"time"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/printable"
)

// Redrive is what redrive --output json writes. Its names and the
// values of kind and outcome are stable.
type Redrive struct {
	ReplicaSet  string          `json:"replicaSet"`
	DryRun      bool            `json:"dryRun"`
	Interrupted bool            `json:"interrupted"`
	Limited     bool            `json:"limited" jsonschema:"--max ended the run"`
	Left        int             `json:"left"`
	Regions     []RedriveRegion `json:"regions"`
	Reasons     []RedriveReason `json:"reasons"`
	Letters     []RedriveLetter `json:"letters"`
}

// RedriveRegion counts the dead letters of one queue.
type RedriveRegion struct {
	Region   string `json:"region"`
	Found    int    `json:"found"`
	Replayed int    `json:"replayed"`
	Left     int    `json:"left"` // of those found
	Skipped  int    `json:"skipped"`
	Held     int    `json:"held" jsonschema:"held by another reader"`
	Error    string `json:"error,omitempty"`
}

// RedriveReason is why dead letters are, or were, in the queues.
type RedriveReason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Next   string `json:"next,omitempty" jsonschema:"what to do"`
}

// RedriveLetter is one dead letter and what became of it; redrive --watch --output json writes each as a line.
type RedriveLetter struct {
	Region    string            `json:"region"`
	MessageID string            `json:"messageId"`
	SentAt    *time.Time        `json:"sentAt,omitempty"`
	Kind      string            `json:"kind,omitempty" jsonschema:"on-failure, function-dlq or subscription-dlq"`
	Objects   []RedriveObject   `json:"objects"`
	Reason    string            `json:"reason,omitempty"`
	ErrorType string            `json:"errorType,omitempty"`
	Attempts  int               `json:"attempts,omitempty"`
	Functions []RedriveFunction `json:"functions"`
	Did       map[string]int    `json:"did,omitempty" jsonschema:"what the functions did"`
	Outcome   string            `json:"outcome"`
	Detail    string            `json:"detail,omitempty"`
	Again     *time.Time        `json:"again,omitempty" jsonschema:"with --watch: when it is tried again"`
}

// RedriveObject is an object that a dead letter names.
type RedriveObject struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
	Change    string `json:"change,omitempty" jsonschema:"deletion or tags; left out for a write"`
}

// RedriveFunction is one that a dead letter was meant for.
type RedriveFunction struct {
	Region string `json:"region"`
	Name   string `json:"name"`
}

// NewRedrive makes the document of a run.
func NewRedrive(set string, dryRun bool, report redrive.Report) Redrive {
	d := Redrive{
		ReplicaSet: set, DryRun: dryRun, Interrupted: report.Interrupted, Left: report.Left(),
		Regions: []RedriveRegion{}, Reasons: []RedriveReason{}, Letters: []RedriveLetter{},
	}
	var results []redrive.Result
	for _, s := range report.Regions {
		r := RedriveRegion{Region: s.Region, Found: s.Replayed, Replayed: s.Replayed, Held: s.Held}
		d.Limited = d.Limited || s.Limited
		results = append(results, s.Results...)
		if s.Err != nil {
			r.Error = printable.OneLine(s.Err.Error())
		}
		for _, result := range s.Results {
			switch result.Outcome {
			case redrive.Replayed:
			case redrive.Skipped:
				r.Found++
				r.Skipped++
			default:
				r.Found++
				r.Left++
			}
			d.Letters = append(d.Letters, NewRedriveLetter(result))
		}
		d.Regions = append(d.Regions, r)
	}
	d.Reasons = append(d.Reasons, NewRedriveReasons(results)...)
	return d
}

// NewRedriveReasons sums up the reasons of results.
func NewRedriveReasons(results []redrive.Result) (list []RedriveReason) {
	for _, r := range redrive.Reasons(results) {
		list = append(list, RedriveReason{Reason: r.Text, Count: r.Count, Next: r.Next})
	}
	return list
}

// NewRedriveLetter makes the document of one dead letter.
func NewRedriveLetter(r redrive.Result) RedriveLetter {
	l := RedriveLetter{
		Region: r.Region, MessageID: r.MessageID, Kind: string(r.Letter.Kind),
		Objects: []RedriveObject{}, Reason: r.Letter.Reason, ErrorType: r.Letter.ErrorType, Attempts: r.Letter.Attempts,
		Functions: []RedriveFunction{}, Did: r.Did, Outcome: string(r.Outcome), Detail: r.Detail,
	}
	if !r.SentAt.IsZero() {
		l.SentAt = &r.SentAt
	}
	if !r.Again.IsZero() {
		again := r.Again.UTC().Truncate(time.Second)
		l.Again = &again
	}
	for _, o := range r.Letter.Objects {
		l.Objects = append(l.Objects, RedriveObject(o))
	}
	for _, f := range r.Functions {
		l.Functions = append(l.Functions, RedriveFunction(f))
	}
	return l
}
