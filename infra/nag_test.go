package infra

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"s3fanout/internal/replicaset"
)

// exception is a finding of cdk-nag's AwsSolutions rules that stays, with the
// reason. Every one has to occur, so that none outlives its reason.
type exception struct {
	resource, rule string // the resource's path without its stack
	findings       int    // in each Region stack
	reason         string
}

func nagExceptions(set replicaset.Config, region string) []exception {
	sources := len(set.Regions) - 1
	exceptions := []exception{
		{"DeadLetters/Default", "AwsSolutions-SQS3", 1,
			"it is a dead-letter queue: of the function, by its on-failure destination, and of the topic's subscriptions, in the mesh " +
				"stack, where the rule does not look"},
	}
	wildcards, reason := sources+2,
		"the wildcards stand for the keys of one bucket each, the own one and each source's, and for the streams of one log group"
	if set.MakesKeys() {
		wildcards += sources
		reason += "; a KMS key that another stack makes has an ARN that nobody knows in advance: a condition asks for its alias instead"
	}
	if set.Tracing {
		wildcards++
		reason += "; X-Ray knows no resources"
	}
	exceptions = append(exceptions, exception{"Role/Default", "AwsSolutions-IAM5", wildcards, reason})
	if set.Adopts(region) {
		exceptions = append(exceptions, exception{
			"Adoption-" + set.Member("", region).AdopterName() + "/Role", "AwsSolutions-IAM5", 1,
			"the wildcard stands for the streams of one log group"})
	}
	if set.Reconcile != nil {
		reads := len(set.Regions) + 1 // the keys of each bucket, and the log group's streams
		if set.MakesKeys() {
			reads += sources
		}
		if set.Tracing {
			reads++
		}
		if set.Reconcile.KeyRanges > 0 {
			exceptions = append(exceptions,
				exception{
					"Reconcile/Schedule/Role", "AwsSolutions-IAM5", 1,
					"a state machine's executions have names that nobody knows in advance",
				},
				exception{"Reconcile/Ranges/Machine", "AwsSolutions-SF1", 1, "the function that it invokes writes the logs"},
				exception{"Reconcile/Ranges/Machine", "AwsSolutions-SF2", 1, "the traces would be of waiting for the function"})
		}
		exceptions = append(exceptions,
			exception{"Reconcile/Role", "AwsSolutions-IAM5", reads, reason},
			exception{"Reconcile/Table", "AwsSolutions-DDB3", 1, "what the table knows is found out again by the next comparison"})
	}
	if set.BatchOperations {
		exceptions = append(exceptions,
			exception{"Batch/Role", "AwsSolutions-IAM5", 1, "jobs write their reports below one prefix of the Region's bucket"},
		)
	}
	if set.AuditTrail != nil {
		audit := set.AuditStackName() + "/"
		exceptions = append(exceptions,
			exception{
				audit + "LogBucket/Default", "AwsSolutions-S1", 1,
				"it is a log bucket: CloudTrail's digests show what was changed or is missing",
			},
			exception{
				audit + "Role", "AwsSolutions-IAM5", 1, "the wildcard stands for the end of a log stream's name, which CloudTrail chooses",
			})
	}
	if set.AccessLogBucket == "" && !set.Adopts(region) {
		exceptions = append(exceptions, exception{"Bucket/Default", "AwsSolutions-S1", 1,
			"access logs are for the account to decide: they cost storage, and need a bucket of the account's own"})
	}
	return exceptions
}

// TestNag checks the templates by the rules that many companies' platform
// teams start from: https://github.com/cdklabs/cdk-nag/blob/main/RULES.md.
func TestNag(t *testing.T) {
	sets := map[string]replicaset.Config{"default": defaultSet(t)}
	for _, name := range []string{"careful", "adopting", "follow", "access", "reconcile"} {
		raw, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if sets[name], err = replicaset.Parse(raw); err != nil {
			t.Fatal(err)
		}
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) { testNag(t, set) })
	}
}

func testNag(t *testing.T, set replicaset.Config) {
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
	if _, err := NewReplicaSet(app, ReplicaSetProps{Config: Config(set), Code: testCode(t, set)}); err != nil {
		t.Fatal(err)
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
	}), nil)
	app.Synth(nil)

	for _, region := range set.Regions {
		excused := map[[2]string]exception{}
		for _, e := range nagExceptions(set, region) {
			excused[[2]string{e.resource, e.rule}] = e
		}
		found := map[[2]string]int{}
		stack := set.RegionStackName(region)
		compliant := 0
		lines := append(nagReport(t, out, stack), nagReport(t, out, set.MeshStackName(region))...)
		if set.AccessPoint != nil {
			lines = append(lines, nagReport(t, out, set.AccessPointStackName())...)
		}
		if set.AuditTrail != nil {
			lines = append(lines, nagReport(t, out, set.AuditStackName())...)
		}
		for _, l := range lines {
			switch l.Compliance {
			case "Compliant":
				compliant++
			case "Non-Compliant":
				at := [2]string{strings.TrimPrefix(l.ResourceID, stack+"/"), l.RuleID}
				if _, ok := excused[at]; !ok {
					t.Errorf("%s: %s: %s", l.ResourceID, l.RuleID, l.RuleInfo)
				}
				found[at]++
			default:
				t.Errorf("%s: %s could not be checked: %s", l.ResourceID, l.RuleID, l.Compliance)
			}
		}
		if compliant == 0 {
			t.Errorf("%s: no rule was applied", region)
		}
		for at, e := range excused {
			if found[at] != e.findings {
				t.Errorf("%s: %s: %s: %d findings, %d have an exception (%s)", region, at[0], at[1], found[at], e.findings, e.reason)
			}
		}
	}
}

// nagLine is a finding, or the absence of one, in cdk-nag's report.
type nagLine struct {
	RuleID, ResourceID, Compliance, RuleInfo string
}

func nagReport(t *testing.T, dir, stack string) []nagLine {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "AwsSolutions-"+stack+"-NagReport.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Lines []nagLine }
	if err := json.Unmarshal(raw, &report); err != nil {
		t.Fatal(err)
	}
	return report.Lines
}
