package document

import (
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/printable"
)

// Undelete is what undelete --output json writes. Its names and the
// values of class and verdict are stable.
type Undelete struct {
	ReplicaSet  string    `json:"replicaSet"`
	DryRun      bool      `json:"dryRun"`
	Interrupted bool      `json:"interrupted"`
	Error       string    `json:"error,omitempty"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	Keys        int       `json:"keys" jsonschema:"listed, in each bucket"`
	UndeleteCounts
	Earlier   int              `json:"earlier" jsonschema:"deleted before --since too"`
	Later     int              `json:"later" jsonschema:"deleted again after --until"`
	Recreated int              `json:"recreated" jsonschema:"written again since"`
	Lost      int              `json:"lost" jsonschema:"no version under the marker"`
	Regions   []UndeleteRegion `json:"regions"`
	Found     []UndeleteFound  `json:"found" jsonschema:"by key, the first 1,000 of each verdict"`
	Unnamed   int              `json:"unnamed" jsonschema:"keys that found leaves out"`
	Requests  CopyRequests     `json:"requests"`
	Failures  []CopyFailure    `json:"failures"`
}

// UndeleteFound is a key of which something was deleted in the span.
type UndeleteFound struct {
	Key     string `json:"key"`
	Verdict string `json:"verdict" jsonschema:"restore, earlier, later, recreated or lost"`
	Region  string `json:"region,omitempty" jsonschema:"has the version to be restored"`
	Bytes   *int64 `json:"bytes,omitempty" jsonschema:"of that version"`
}

// UndeleteCounts counts objects, of one Region or of all.
type UndeleteCounts struct {
	Objects       int   `json:"objects" jsonschema:"to be restored"`
	Bytes         int64 `json:"bytes"`
	Restored      int   `json:"restored"`
	RestoredBytes int64 `json:"restoredBytes"`
	Present       int   `json:"present" jsonschema:"restored already"`
	Gone          int   `json:"gone" jsonschema:"without its version by then"`
	Failed        int   `json:"failed" jsonschema:"tried and failed"`
	Left          int   `json:"left" jsonschema:"not tried"`
}

// UndeleteRegion is what happened in one Region.
type UndeleteRegion struct {
	Region string `json:"region"`
	UndeleteCounts
}

// NewUndelete makes the document of a run over a span that ended with err, nil for
// well.
func NewUndelete(set string, span undelete.Span, dryRun bool, report undelete.Report, err error) Undelete {
	sum := report.Sum()
	d := Undelete{
		ReplicaSet: set, DryRun: dryRun, Interrupted: report.Interrupted, Since: span.Since, Until: span.Until, Keys: report.Keys,
		UndeleteCounts: newUndeleteCounts(sum),
		Earlier:        report.Earlier, Later: report.Later, Recreated: report.Recreated, Lost: report.Lost,
		Regions: []UndeleteRegion{}, Requests: newCopyRequests(sum.Requests), Found: []UndeleteFound{},
		Unnamed: report.Unnamed, Failures: []CopyFailure{},
	}
	d.Requests.List += report.Lists
	d.Requests.Head += report.Heads
	if err != nil {
		d.Error = printable.OneLine(err.Error())
	}
	for _, r := range report.Regions {
		d.Regions = append(d.Regions, UndeleteRegion{Region: r.Region, UndeleteCounts: newUndeleteCounts(r)})
	}
	for _, f := range report.Found {
		found := UndeleteFound{Key: f.Key, Verdict: string(f.Verdict), Region: f.Region}
		if f.Verdict == undelete.Restore {
			found.Bytes = &f.Bytes
		}
		d.Found = append(d.Found, found)
	}
	slices.SortFunc(d.Found, func(a, b UndeleteFound) int { return strings.Compare(a.Key, b.Key) })
	for _, f := range report.Failures {
		d.Failures = append(d.Failures, CopyFailure{Region: f.Region, Key: f.Key, Class: string(f.Class), Reason: f.Reason})
	}
	return d
}

func newUndeleteCounts(r undelete.Region) UndeleteCounts {
	return UndeleteCounts{
		Objects: r.Objects, Bytes: r.Bytes, Restored: r.Restored, RestoredBytes: r.RestoredBytes,
		Present: r.Present, Gone: r.Gone, Failed: r.Failed, Left: r.Left(),
	}
}
