package document

import (
	"time"

	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/printable"
)

// Undelete is what undelete --output json writes. Its names and the
// values of class are stable.
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
	Requests  CopyRequests     `json:"requests"`
	Failures  []CopyFailure    `json:"failures"`
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
		Regions: []UndeleteRegion{}, Requests: newCopyRequests(sum.Requests), Failures: []CopyFailure{},
	}
	d.Requests.List += report.Lists
	d.Requests.Head += report.Heads
	if err != nil {
		d.Error = printable.OneLine(err.Error())
	}
	for _, r := range report.Regions {
		d.Regions = append(d.Regions, UndeleteRegion{Region: r.Region, UndeleteCounts: newUndeleteCounts(r)})
	}
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
