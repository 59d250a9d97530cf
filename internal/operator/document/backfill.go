package document

import (
	"maps"
	"slices"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/printable"
)

// Backfill is what backfill --output json writes. Its names and the
// values of class are stable.
type Backfill struct {
	ReplicaSet  string           `json:"replicaSet"`
	DryRun      bool             `json:"dryRun"`
	Interrupted bool             `json:"interrupted"`
	Refused     bool             `json:"refused" jsonschema:"nobody agreed to the cost"`
	Different   int              `json:"different" jsonschema:"keys whose objects differ"`
	Left        int              `json:"left" jsonschema:"not tried"`
	Error       string           `json:"error,omitempty"`
	Targets     []BackfillTarget `json:"targets"`
	// Wins and Conflicts are of keys that are followed.
	Wins      []BackfillWins     `json:"wins" jsonschema:"by Region, keys whose write wins"`
	Conflicts []BackfillConflict `json:"conflicts" jsonschema:"the first 1,000"`
	Requests  BackfillShared     `json:"requests"`
	Failures  []CopyFailure      `json:"failures" jsonschema:"the first 1,000"`
	Estimate  *BackfillEstimate  `json:"estimate,omitempty"`
}

// BackfillTarget is what was found and copied for one Region.
type BackfillTarget struct {
	Region       string       `json:"region"`
	Missing      int          `json:"missing"`
	MissingBytes int64        `json:"missingBytes"`
	NoSource     int          `json:"noSource" jsonschema:"the Region of --from lacks it"`
	Deleted      int          `json:"deleted" jsonschema:"deleted in this Region"`
	Copying      int          `json:"copying" jsonschema:"under way"`
	Copied       int          `json:"copied"`
	Exists       int          `json:"exists" jsonschema:"appeared meanwhile"`
	Diverged     int          `json:"diverged" jsonschema:"appeared meanwhile with other contents"`
	SourceGone   int          `json:"sourceGone" jsonschema:"vanished meanwhile"`
	Failed       int          `json:"failed" jsonschema:"tried and failed"`
	Left         int          `json:"left" jsonschema:"not tried"`
	Bytes        int64        `json:"bytes"`
	Stale        int          `json:"stale" jsonschema:"older writes"`
	Replaced     int          `json:"replaced" jsonschema:"those that got the latest write"`
	Undeleted    int          `json:"undeleted" jsonschema:"shown though deleted elsewhere"`
	Hidden       int          `json:"hidden" jsonschema:"of these, now hidden"`
	Kept         int          `json:"kept" jsonschema:"of these, left"`
	Destroyed    int          `json:"destroyed" jsonschema:"gone where it was made"`
	Requests     CopyRequests `json:"requests"`
}

// CopyRequests are those that copies send.
type CopyRequests struct {
	Copy     int `json:"copy"`
	Head     int `json:"head"`
	Tags     int `json:"tags"`
	Create   int `json:"create"`
	Part     int `json:"part"`
	List     int `json:"list"`
	Complete int `json:"complete"`
	Abort    int `json:"abort"`
	Delete   int `json:"delete"`
}

// BackfillWins counts the keys for which a Region's write wins over others.
type BackfillWins struct {
	Region string `json:"region"`
	Keys   int    `json:"keys"`
}

// BackfillConflict is a key under which Regions have different writes.
type BackfillConflict struct {
	Key     string    `json:"key"`
	Wins    string    `json:"wins"`
	Written time.Time `json:"written"`
	Deleted bool      `json:"deleted"`
	Loses   []string  `json:"loses"`
}

// BackfillShared are those that serve all targets.
type BackfillShared struct {
	List int `json:"list"`
	Head int `json:"head"`
}

// CopyFailure is a key that could not be copied.
type CopyFailure struct {
	Region string `json:"region"`
	Key    string `json:"key"`
	Class  string `json:"class" jsonschema:"retryable, denied or permanent"`
	Reason string `json:"reason"`
}

// BackfillEstimate is what a dry run expects, without storage.
type BackfillEstimate struct {
	Requests        CopyRequests       `json:"requests"`
	Transfer        []BackfillTransfer `json:"transfer"`
	RequestDollars  float64            `json:"requestDollars"`
	TransferDollars float64            `json:"transferDollars"`
	Dollars         float64            `json:"dollars"`
	AssumedPrices   []string           `json:"assumedPrices" jsonschema:"Regions without known prices"`
}

// BackfillTransfer is what would go from one Region to another.
type BackfillTransfer struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Bytes int64  `json:"bytes"`
}

// NewBackfill makes the document of a run that ended with err, nil for well.
// refused says that nobody agreed to its cost.
func NewBackfill(set string, dryRun, refused bool, report backfill.Report, err error) Backfill {
	d := Backfill{
		ReplicaSet: set, DryRun: dryRun, Interrupted: report.Interrupted, Refused: refused,
		Different: report.Different, Left: report.Left(),
		Targets: []BackfillTarget{}, Requests: BackfillShared{List: report.Lists, Head: report.Heads}, Failures: []CopyFailure{},
		Wins: []BackfillWins{}, Conflicts: []BackfillConflict{},
	}
	for _, region := range slices.Sorted(maps.Keys(report.Wins)) {
		d.Wins = append(d.Wins, BackfillWins{Region: region, Keys: report.Wins[region]})
	}
	for _, c := range report.Conflicts {
		d.Conflicts = append(d.Conflicts, BackfillConflict(c))
	}
	if err != nil {
		d.Error = printable.OneLine(err.Error())
	}
	for _, t := range report.Targets {
		d.Targets = append(d.Targets, BackfillTarget{
			Region: t.Region, Missing: t.Missing, MissingBytes: t.MissingBytes, NoSource: t.NoSource,
			Deleted: t.Deleted, Copying: t.Copying, Copied: t.Copied, Exists: t.Exists, Diverged: t.Diverged,
			SourceGone: t.SourceGone, Failed: t.Failed, Left: t.Left(),
			Bytes: t.Bytes, Stale: t.Stale, Replaced: t.Replaced, Undeleted: t.Undeleted,
			Hidden: t.Hidden, Kept: t.Kept, Destroyed: t.Destroyed,
			Requests: newCopyRequests(t.Requests),
		})
	}
	for _, f := range report.Failures {
		d.Failures = append(d.Failures, CopyFailure{Region: f.Region, Key: f.Key, Class: string(f.Class), Reason: f.Reason})
	}
	if e := report.Estimate; e != nil {
		d.Estimate = newBackfillEstimate(*e)
	}
	return d
}

func newCopyRequests(r copier.Requests) CopyRequests {
	return CopyRequests{
		Copy:     r.Copy,
		Head:     r.Head,
		Tags:     r.Tags,
		Create:   r.Create,
		Part:     r.Part,
		List:     r.List + r.Versions,
		Complete: r.Complete,
		Abort:    r.Abort,
		Delete:   r.Delete,
	}
}

func newBackfillEstimate(e backfill.Estimate) *BackfillEstimate {
	out := &BackfillEstimate{
		Transfer: []BackfillTransfer{}, RequestDollars: e.RequestDollars, TransferDollars: e.TransferDollars, Dollars: e.Dollars(),
		AssumedPrices: append([]string{}, e.Assumed...),
	}
	out.Requests = newCopyRequests(e.Requests)
	out.Requests.List += e.Lists
	for _, t := range e.Transfer {
		out.Transfer = append(out.Transfer, BackfillTransfer(t))
	}
	return out
}
