package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// comparing is the context of a set that compares its Regions' buckets.
const comparing = `{"s3fanout":{"name":"switched","regions":["us-east-1","eu-west-1"],"reconcile":{"every":"6 hours","copy":true}}}`

// withReconciler has the sandbox know the program that compares.
func withReconciler(c *sandbox.Config) { c.Programs = map[string]string{"reconcile": build.reconciler} }

// atOnce is the assembly of the set, which compares at every tick, and does not wait for
// events that may still come.
func atOnce(t *testing.T) *assembly {
	t.Helper()
	a := editable(t, synthesize(t, comparing))
	a.edit("*", func(resources map[string]any) int {
		return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
			environment, _ := p["Environment"].(map[string]any)
			if variables, _ := environment["Variables"].(map[string]any); variables[functionenv.ReconcileEvery] != nil {
				variables[functionenv.ReconcileEvery], variables[functionenv.ReconcileGrace] = "1ms", "1ms"
			}
		})
	})
	return a
}

// Reconcile is switched on over a set with objects, repairs without waking anybody,
// is off again, and the set goes with nothing of it left: in one deployment each.
func TestReconcileIsSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	const a, b = "us-east-1", "eu-west-1"
	off := synthesize(t, `{"s3fanout":{"name":"switched","regions":["us-east-1","eu-west-1"]}}`)
	w := start(t, off, withReconciler)
	w.upload(a, object{key: "before", body: "first"})
	w.settle()
	w.fault(a, fault.S3Unannounced, 1, 0)
	w.upload(a, object{key: "lost", body: "nobody heard of it"})
	w.settle()
	w.wantMissing(b, "lost")
	w.fault(a, fault.S3Unannounced, 0, 0)

	kinds := func(changes []sandbox.Change) (all []string) {
		for _, c := range changes {
			all = append(all, c.Type)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	parts := []string{
		"AWS::CloudWatch::Alarm", "AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
		"AWS::Logs::LogGroup",
		"AWS::Scheduler::Schedule",
	}
	made := w.update(atOnce(t).files)
	if got := kinds(made.Made); !slices.Equal(got, parts) || len(made.Deleted) > 0 {
		t.Errorf("switched on: made %v, deleted %v", got, made.Deleted)
	}
	for _, c := range made.Updated {
		if c.Type != "AWS::IAM::Role" || !slices.Equal(c.Properties, []string{"AssumeRolePolicyDocument"}) {
			t.Errorf("switched on: %+v is changed", c)
		}
	}
	w.later()
	before := w.cost()
	w.tickAll()
	w.wantEverywhere(object{key: "lost", body: "nobody heard of it"})
	// The functions that compare ran once each; the repair's event woke nobody.
	after := w.cost()
	if after.invocations-before.invocations != 2 || after.errors != before.errors || after.filtered-before.filtered != 1 {
		t.Errorf("%d invocations, %d errors and %d events filtered, want 2, none and that of the repair",
			after.invocations-before.invocations, after.errors-before.errors, after.filtered-before.filtered)
	}

	config := w.configOf(comparing)
	// What the test has changed itself is a warning each, and nothing else is found.
	wantWarnings := func(want ...string) {
		t.Helper()
		code, report := w.healthOf("doctor", config)
		var got []string
		for _, f := range report.Findings {
			got = append(got, f.Region+" "+f.Check)
		}
		slices.Sort(got)
		if code != 0 || !slices.Equal(got, want) {
			t.Errorf("doctor: exit %d and %q, want 0 and %q", code, got, want)
		}
	}
	wantWarnings(b+" reconcile-function", a+" reconcile-function")
	client := scheduler.NewFromConfig(w.config(a))
	schedule, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String("switched-reconcile")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: schedule.Name, ScheduleExpression: schedule.ScheduleExpression, FlexibleTimeWindow: schedule.FlexibleTimeWindow,
		Target: schedule.Target, State: schedulertypes.ScheduleStateDisabled,
	}); err != nil {
		t.Fatal(err)
	}
	wantWarnings(b+" reconcile-function", a+" reconcile-function", a+" reconcile-schedule")
	_, text, _ := w.command("--config", config, "status")
	if !strings.Contains(string(text), "last comparison with the other Regions: us-east-1 ") {
		t.Errorf("status says\n%s", text)
	}

	gone := w.update(off)
	if got := kinds(gone.Deleted); !slices.Equal(got, parts) || len(gone.Made)+len(gone.Retained) > 0 {
		t.Errorf("switched off: deleted %v, made %v, retained %v", got, gone.Made, gone.Retained)
	}
	w.upload(b, object{key: "after", body: "still replicated"})
	w.settle()
	w.wantEverywhere(object{key: "after", body: "still replicated"})

	w.update(atOnce(t).files)
	changes, err := w.sandbox.Destroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes.Retained {
		if c.Type != "AWS::S3::Bucket" && c.Type != "AWS::S3::BucketPolicy" {
			t.Errorf("%+v is left", c)
		}
	}
	if _, err := dynamodb.NewFromConfig(w.config(a)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{
		TableName: aws.String("switched-reconcile"),
	}); err == nil {
		t.Error("the table is left")
	}
	w.regions = nil // there is no function to ask about any more
}

// configOf is a file with a configuration.
func (w *world) configOf(context string) (path string) {
	w.t.Helper()
	path = filepath.Join(w.t.TempDir(), "cdk.json")
	if err := os.WriteFile(path, []byte(`{"context":`+context+`}`), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// What keeps a state machine from having ranges of keys compared, doctor names.
func TestDoctorLooksAtTheStateMachine(t *testing.T) {
	t.Parallel()
	const a, b, name = "us-east-1", "eu-west-1", "ranging-reconcile"
	const ranging = `{"s3fanout":{"name":"ranging","regions":["us-east-1","eu-west-1"],"reconcile":{"every":"6 hours","copy":true,` +
		`"keyRanges":4}}}`
	set := editable(t, synthesize(t, ranging))
	w := start(t, set.files, withReconciler)
	config := w.configOf(ranging)
	want := func(texts ...string) {
		t.Helper()
		code, report := w.healthOf("doctor", config)
		var got []string
		for _, f := range report.Findings {
			if f.Check != "reconcile-proof" { // it is deployed just now
				got = append(got, f.Region+" "+f.Check+": "+f.What)
			}
		}
		if code != 0 || !slices.EqualFunc(got, texts, strings.HasPrefix) {
			t.Errorf("doctor: exit %d and %q, want 0 and %q", code, got, texts)
		}
	}
	want()
	machines := map[string]*sfn.Client{a: sfn.NewFromConfig(w.config(a)), b: sfn.NewFromConfig(w.config(b))}
	arn := func(region string) *string {
		return aws.String("arn:aws:states:" + region + ":" + sandbox.AccountID + ":stateMachine:" + name)
	}
	is, err := machines[a].DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: arn(a)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := machines[a].UpdateStateMachine(t.Context(), &sfn.UpdateStateMachineInput{
		StateMachineArn: arn(a), Definition: aws.String(strings.Replace(*is.Definition, `"MaxConcurrency":10`, `"MaxConcurrency":1000`, 1)),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := machines[b].DeleteStateMachine(t.Context(), &sfn.DeleteStateMachineInput{StateMachineArn: arn(b)}); err != nil {
		t.Fatal(err)
	}
	want("us-east-1 reconcile-state-machine: state machine "+name+" is not defined as cdk.json says",
		"eu-west-1 reconcile-state-machine: state machine "+name+" does not exist")

	// The fix, with the role's permissions taken away.
	set.edit("ranging-"+b, func(resources map[string]any) int {
		return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
			if name := p["RoleName"].(string); strings.HasPrefix(name, "ranging-schedule-") {
				for _, s := range statements(p) {
					s["Action"] = slices.DeleteFunc(actions(s), func(action string) bool { return action == "states:DescribeExecution" })
				}
			}
		})
	})
	w.update(set.files)
	want("eu-west-1 reconcile-role-permissions: role ranging-schedule-eu-west-1 may not states:DescribeExecution on ")
}

// denial is how a log says that something was not allowed.
var denial = regexp.MustCompile(`not authorized|AccessDenied|Forbidden|is denied`)

// Whatever a grant of what compares is taken away, the comparison or its repair
// fails, and says so, and doctor names it.
func TestEveryGrantOfReconcileIsNeeded(t *testing.T) {
	t.Parallel()
	const a, b = "us-east-1", "eu-west-1"
	whole := atOnce(t)
	found := 0
	type taken struct{ role, action string }
	var all []taken
	whole.edit("switched-"+b, func(resources map[string]any) int {
		return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
			name := p["RoleName"].(string)
			if strings.HasPrefix(name, "switched-reconcile-") || strings.HasPrefix(name, "switched-schedule-") {
				for _, s := range statements(p) {
					for _, action := range actions(s) {
						all = append(all, taken{name, action})
						found++
					}
				}
			}
		})
	})
	if found < 10 {
		t.Fatalf("%d grants: the test looks in the wrong place", found)
	}
	// Without these all the same is repaired, and more is asked or copied for it.
	spares := map[string]string{
		"s3:ListBucketVersions":         "the HEAD of each key that was deleted here",
		"s3:ListBucketMultipartUploads": "a second copy of a large object that somebody copies just now",
		"s3:ListMultipartUploadParts":   "the same",
	}
	for _, g := range all {
		t.Run(g.role+" "+g.action, func(t *testing.T) {
			t.Parallel()
			if what := spares[g.action]; what != "" {
				t.Skip("it spares " + what)
			}
			less := atOnce(t)
			less.edit("switched-"+b, func(resources map[string]any) int {
				return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
					if p["RoleName"] != any(g.role) {
						return
					}
					for _, s := range statements(p) {
						if left := slices.DeleteFunc(actions(s), func(action string) bool { return action == g.action }); len(left) == 0 {
							s["Action"] = "s3:GetBucketTagging"
						} else {
							s["Action"] = left
						}
					}
				})
			})
			w := start(t, less.files, withReconciler)
			_, report := w.healthOf("doctor", w.configOf(comparing))
			found := fmt.Sprint(report.Findings)
			if !strings.Contains(found, "role "+g.role+" may not ") || !strings.Contains(found, g.action+" on ") {
				t.Errorf("doctor does not say that %s lacks %s: %s", g.role, g.action, found)
			}
			w.fault(a, fault.S3Unannounced, 1, 0)
			w.upload(a, object{key: "lost", body: "x"})
			w.settle()
			w.later()
			ticked := w.sandbox.Tick(t.Context(), b)
			w.settle()
			if _, ok := w.read(b, "lost"); ok && g.action != "logs:PutLogEvents" && g.action != "logs:CreateLogStream" {
				t.Errorf("repaired without %s", g.action)
			}
			switch g.action {
			case "logs:PutLogEvents", "logs:CreateLogStream":
				if lines := w.logLines(b, `"msg"`); lines != "" {
					t.Errorf("there is a log without %s: %s", g.action, lines)
				}
			default:
				if said := fmt.Sprint(ticked) + w.logLines(b, ""); !denial.MatchString(said) {
					t.Errorf("nothing says that %s is denied: %s", g.action, said)
				}
			}
		})
	}
}
