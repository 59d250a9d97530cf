package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/operator/failover"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/operator/history"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/operator/report"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/policy"
)

// What the commands write is as docs/schema says, with much to tell and with nothing:
// a list without elements is [] and never null.
func TestDocumentsHaveTheirSchema(t *testing.T) {
	facts, findings := troubled()
	failed, noon := errors.New("no"), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	waiting := newStatusView(facts, findings, nil, []behind.Target{
		{Region: "us-east-1", Sources: []behind.Source{{Region: "ap-northeast-1"}}}, {Region: "ap-northeast-1", Err: failed},
	}).Status
	for name, documents := range map[string][]any{
		"adopt": {
			document.NewAdopt("media", "1", false, nil), document.NewAdopt("media", "1", false, []adoption.Result{{Err: failed}}),
			document.NewAdoptCheck(facts, findings),
		},
		"backfill": {
			document.NewBackfill("media", false, false, backfill.Report{}, nil),
			document.NewBackfill("media", true, false, backfill.Report{
				Targets: []backfill.Target{{Region: "us-east-1"}}, Failures: []backfill.Failure{{Key: "k"}}, Estimate: &backfill.Estimate{},
			}, failed),
		},
		"backfill-batch": {document.Batch{Jobs: []document.BatchJob{}}},
		"backfill-job": {document.NewBatchStatus(batchjob.Job{}),
			document.NewBatchStatus(batchjob.Job{Created: noon, Ended: noon, Failures: []string{"r"}})},
		"cost":   {document.NewCost(cost.Usage{Regions: []string{"us-east-1", "eu-west-1"}, Objects: 10, Size: 10})},
		"doctor": {document.NewDoctor(facts, findings), document.NewDoctor(health.Facts{}, nil)},
		"explain": {
			newExplainView("media", explain.Facts{}, explain.Verdict{}).Explain,
			newExplainView("media", explain.Facts{
				Regions: []explain.Region{
					{Object: &explain.Object{}, Versions: make([]explain.Version, 1), Partial: []error{failed}}, {Err: failed},
				},
				Letters: make([]explain.Letter, 1), Queues: []explain.Queue{{Err: failed}},
				Audit: &audit.Trail{Events: []audit.Event{{Key: "k"}}, Err: failed},
			}, explain.Verdict{Steps: make([]explain.Step, 1)}).Explain,
		},
		"failover-drill": {
			document.NewFailoverDrill("media", document.NewFailoverPoint(failover.Point{}, "", nil), nil, failover.Result{}),
			document.NewFailoverDrill("media", document.NewFailoverPoint(failover.Point{}, "", make([]failover.Route, 1)),
				make([]failover.Route, 1), failover.Result{
					Away: 1, Back: 1, Problems: []string{"p"},
					Moments: []failover.Moment{
						{Reads: failover.Reads{Missing: []string{"k"}, Why: "w"}, Figures: make([]failover.Figures, 1)},
					},
				}),
		},
		"failover-shift": {document.FailoverShift{
			Submitted:   new(bool),
			AccessPoint: document.NewFailoverPoint(failover.Point{}, "", nil), After: document.NewFailoverRoutes(nil),
			Risks: document.NewFailoverRisks(make([]failover.Risk, 1)),
		}},
		"failover-status": {document.FailoverStatus{
			AccessPoints: []document.FailoverPoint{document.NewFailoverPoint(failover.Point{}, "", nil)},
			Regions: document.NewFailoverRegions([]failover.Figures{{}, {
				Away: "w", Lag: new(time.Duration), DeadLetters: new(int), Waiting: new(int64), Oldest: new(time.Duration),
				Proof: new(time.Duration), Unknown: []string{"u"}, LettersUnknown: "l",
			}}),
		}},
		"pause": {
			document.Pause{Regions: []document.PauseRegion{}},
			document.Pause{
				Regions: []document.PauseRegion{
					{Region: "us-east-1", Paused: true, Since: &noon, KeptUntil: &noon, ReservedConcurrency: new(int),
						DeadLetters: new(int)}, {Error: "no"},
				},
			},
		},
		"resume": {
			document.Resume{Regions: []document.ResumeRegion{}},
			document.Resume{
				Regions: []document.ResumeRegion{
					{Region: "us-east-1", Paused: true, Since: &noon, ReservedConcurrency: new(int)}, {Error: "no"},
				},
				Redrive: redriven(),
			},
		},
		"redrive": {
			newRedriveView("media", false, redrive.Report{}).Redrive,
			newRedriveView("media", true, redrive.Report{Regions: []redrive.Summary{{Err: failed, Results: []redrive.Result{
				{Outcome: redrive.Failed, SentAt: noon, Again: noon, Detail: "d",
					Letter: deadletter.Letter{Reason: "r", Objects: make([]deadletter.Object, 1)}, Functions: make([]redrive.Function, 1)},
				{Outcome: redrive.Replayed}, {Outcome: redrive.NotUnderstood},
			}}}}).Redrive,
		},
		"redrive-letter": {document.NewRedriveLetter(redrive.Result{})},
		"report": {
			document.NewReport(report.Report{}),
			document.NewReport(report.Report{
				Pairs: []report.Pair{
					{Arrivals: report.Arrivals{Arrived: 1, Within: []int64{1, 1, 1}}},
					{Arrivals: report.Arrivals{Within: []int64{0, 0, 0}}},
				},
				Regions: []report.Region{{Err: failed}, {Proofs: &report.Proofs{}}},
			}),
		},
		"history": {
			document.NewHistory("media", history.Facts{}),
			document.NewHistory("media", history.Facts{
				Regions: []history.Region{{Region: "r", Stack: []policy.Version{{ID: "v"}, {Marker: true}}}, {Err: failed}},
				Audit:   &audit.Trail{Events: []audit.Event{{Region: "r", Made: "v"}}},
			}),
		},
		"status": {waiting, newStatusView(facts, findings, nil, nil).Status, newStatusView(health.Facts{}, nil, nil, nil).Status},
		"status-line": {
			document.StatusLine{Time: noon, Error: "no"},
			document.StatusLine{
				Time: noon, Status: &document.Status{Regions: []document.StatusRegion{}, Findings: []document.Finding{}, Next: []string{}},
			},
		},
		"undelete": {
			document.NewUndelete("media", undelete.Span{}, false, undelete.Report{}, nil),
			document.NewUndelete(
				"media", undelete.Span{}, false,
				undelete.Report{
					Regions: make([]undelete.Region, 1), Failures: make([]backfill.Failure, 1),
					Found: []undelete.Found{{Verdict: undelete.Lost}, {Verdict: undelete.Restore, Region: "us-east-1"}},
				}, failed,
			),
		},
		"verify-difference": {
			document.NewVerifyDifference(verify.Difference{}),
			document.NewVerifyDifference(verify.Difference{
				Objects: make([]verify.Object, 1), Without: []string{"r"}, Deleted: []string{"r"}, Differing: []string{"r"},
			}),
		},
		"verify-end": {document.VerifyEnd{
			Summary: document.NewVerifySummary(
				"media", "", []string{"us-east-1"}, verify.Summary{}, verify.NewCounts("", []string{"us-east-1"}),
			),
		}},
		"version": {document.NewVersion(&debug.BuildInfo{})},
	} {
		schema := schemaOf(t, name)
		for i, d := range documents {
			var b bytes.Buffer
			if err := writeJSONDocument(&b, d); err != nil {
				t.Fatal(err)
			}
			var written any
			if err := json.Unmarshal(b.Bytes(), &written); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(written); err != nil {
				t.Errorf("document %d of %s: %v\n%s", i, name, err, &b)
			}
			members, _ := written.(map[string]any)
			for _, required := range schema.Schema().Required {
				delete(members, required)
			}
			if err := schema.Validate(members); err == nil {
				t.Errorf("%s: the schema takes anything", name)
			}
		}
	}
	files, err := filepath.Glob("../../docs/schema/*.json")
	if err != nil || len(files) < 15 || slices.ContainsFunc(files, func(f string) bool { return strings.Contains(f, " ") }) {
		t.Errorf("%d schemas, %v", len(files), err)
	}
}

func schemaOf(t *testing.T, name string) *jsonschema.Resolved {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/schema", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// redriven is a redrive of nothing.
func redriven() *document.Redrive {
	d := newRedriveView("media", false, redrive.Report{}).Redrive
	return &d
}
