package main

import (
	"errors"
	"io"
	"testing"
	"time"

	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
)

// resultScreens are those of commands that change or estimate something.
func resultScreens(t *testing.T) map[string]screenOf {
	t.Helper()
	set := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "ap-northeast-1"}, Buckets: map[string]string{"us-east-1": "old-films"},
		Follow: replicaset.Follow{Overwrites: true},
	}
	cdk := cdkApp{app: "s3fanout-cdk", install: "npm install --save-dev aws-cdk@" + cdkVersion, command: "s3fanout"}
	estimated := document.NewCost(cost.Usage{
		Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, Objects: 5000, Size: 6 << 30,
		Follow: replicaset.Follow{Overwrites: true, Deletions: true}, Deletions: 1000,
	})
	changes := sandbox.Changes{
		Made: []sandbox.Change{
			{Region: "us-east-1", Stack: "media-us-east-1", LogicalID: "DeadLetterAlarm8E2A4BB1", Type: "AWS::CloudWatch::Alarm"},
		},
		Updated: []sandbox.Change{{
			Region: "ap-northeast-1", Stack: "media-ap-northeast-1", LogicalID: "Replicator3A5EC7D1", Type: "AWS::Lambda::Function",
			Properties: []string{"Environment", "MemorySize", "ReservedConcurrentExecutions", "Timeout", "TracingConfig"},
		}},
		Deleted: []sandbox.Change{
			{Region: "eu-west-1", Stack: "media-mesh-eu-west-1", LogicalID: "Delivery\x1b[2J", Type: "AWS::SNS::Subscription"},
		},
		Retained: []sandbox.Change{{Region: "eu-west-1", Stack: "media-eu-west-1", LogicalID: "Bucket83908E77", Type: "AWS::S3::Bucket"}},
	}
	return map[string]screenOf{
		"failover-shift": shiftScreen,
		"failover-drill": drillScreen,
		"sandbox-deploy": func(w io.Writer, width int, _ bool) error {
			return errors.Join(writeChangesText(w, changes, width), writeChangesText(w, sandbox.Changes{}, width))
		},
		"batch": func(w io.Writer, width int, _ bool) error {
			return writeBatchText(w, []document.BatchJob{
				{Region: "us-east-1", TargetRegion: "eu-west-1", Error: "denied"},
				{Region: "ap-northeast-1", TargetRegion: "eu-west-1", JobID: "00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c"},
			}, width)
		},
		"batch-job": batchJobScreen,
		"cost":      func(w io.Writer, width int, _ bool) error { return writeCostText(w, estimated, width) },
		"init": func(w io.Writer, width int, _ bool) error {
			fresh := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
			return errors.Join(
				writeInitPrice(w, set, width), writeInitNext(w, "media.json", cdk.next(set, "media.json")),
				writeInitNext(w, "cdk.json", cdk.next(fresh, "cdk.json")),
			)
		},
	}
}

// shiftedPoint is an access point whose traffic goes from one Region to another.
func shiftedPoint() (before document.FailoverPoint, after []document.FailoverRoute) {
	return document.FailoverPoint{
			Name: "media", ARN: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", ControlRegion: "us-west-2",
			Routes: []document.FailoverRoute{
				{Region: "us-east-1", Active: true}, {Region: "eu-west-1", Active: true}, {Region: "ap-northeast-1"},
			},
		},
		[]document.FailoverRoute{{Region: "us-east-1"}, {Region: "eu-west-1", Active: true}, {Region: "ap-northeast-1", Active: true}}
}

// shiftScreen writes what a shift shows that is refused, and one that S3 shows.
func shiftScreen(w io.Writer, width int, colours bool) error {
	before, after := shiftedPoint()
	took := 12.0
	refused := document.FailoverShift{AccessPoint: before, After: after, Submitted: new(bool), Risks: []document.FailoverRisk{
		{Region: "ap-northeast-1", What: "about 12 events wait for its function, 3 of them for more than 5 minutes"},
		{What: `reads through the access point fail before anything is changed: missing: "films/2026/one.mp4"`},
	}}
	done := document.FailoverShift{AccessPoint: before, After: after, Effective: true, TookSeconds: &took}
	return errors.Join(writeShiftText(w, refused, "", width, colours), writeShiftText(w, done, "media", width, colours))
}

// drillScreen writes the report of a drill with problems, and of one without.
func drillScreen(w io.Writer, width int, colours bool) error {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before, after := shiftedPoint()
	letters, waiting, p99, took := 1, int64(12), 2345.0, 12.0
	failed := document.FailoverDrill{
		ReplicaSet: "media", AccessPoint: before, Shifted: after, Outcome: "failed", Began: noon, Ended: noon.Add(11 * time.Minute),
		AwaySeconds: &took,
		Looks: []document.FailoverLook{
			{Time: noon, Phase: "before", Reads: document.FailoverReads{Tried: 20, Slowest: 61.5},
				Regions: []document.FailoverRegion{{Region: "us-east-1", DeadLetters: &letters, Waiting: &waiting, LagP99: &p99}}},
			{Time: noon.Add(time.Minute), Phase: "away",
				Reads:   document.FailoverReads{Tried: 20, Failed: 2, Missing: []string{"films/2026/one.mp4"}, Slowest: 1234},
				Regions: []document.FailoverRegion{{Region: "us-east-1", Unavailable: []string{"denied"}}}},
		},
		Problems: []string{
			"away: 2 of 20 reads failed: 503 Slow Down (the request was tried three times and took more than a second in all)",
			"not shifted back: somebody else has changed the routes meanwhile",
		},
	}
	passed := failed
	passed.Outcome, passed.Restored, passed.BackSeconds, passed.Looks, passed.Problems = "passed", true, &took, failed.Looks[:1], nil
	return errors.Join(writeDrillText(w, failed, width, colours), writeDrillText(w, passed, width, colours))
}

// batchJobScreen writes the states of jobs.
func batchJobScreen(w io.Writer, width int, colours bool) error {
	job := batchjob.Job{ID: "00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c", Region: "us-east-1", Target: "ap-northeast-1", Tasks: 1000}
	preparing, waiting, active, complete, incomplete, failed := job, job, job, job, job, job
	preparing.Status, preparing.Tasks = "Preparing", 0
	waiting.Status, waiting.Failures = "Suspended", []string{"suspended: AwaitingConfirmation"}
	active.Status, active.Succeeded = "Active", 300
	complete.Status, complete.Succeeded = "Complete", 1000
	incomplete.Status, incomplete.Succeeded, incomplete.Failed = "Complete", 990, 10
	incomplete.Report = "s3://media-111122223333-us-east-1/.s3fanout/reports/job-00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c/"
	failed.Status, failed.Tasks, failed.Failures = "Failed", 0,
		[]string{"ManifestGenerationFailed: the role may not list the bucket \x1b[2J"}
	var errs []error
	for _, j := range []batchjob.Job{preparing, waiting, active, complete, incomplete, failed} {
		errs = append(errs, writeBatchJobText(w, "111122223333", j, width, colours))
	}
	return errors.Join(errs...)
}
