package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// readActions are the IAM actions that a command's reference names.
func (w *world) readActions(command string) []string {
	w.t.Helper()
	code, help, _ := w.command("help", "--full", command)
	_, after, ok := strings.Cut(string(help), "AWS requests:\n")
	requests, _, end := strings.Cut(after, "\n\n")
	if code != 0 || !ok || !end {
		w.t.Fatalf("help --full %s: exit %d\n%s", command, code, help)
	}
	return regexp.MustCompile(`[a-z0-9]+:[A-Z][A-Za-z]+`).FindAllString(requests, -1)
}

// auditor adds a role with these actions, that the account's users may assume.
func (a *assembly) auditor(actions []string) {
	a.t.Helper()
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		resources["Auditor"] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName": "auditor",
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole",
			}}},
			"Policies": []any{map[string]any{"PolicyName": "look", "PolicyDocument": map[string]any{
				"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": actions, "Resource": "*"}},
			}}},
		}}
		return 1
	})
}

// asAuditor is the world with the role's credentials.
func (w *world) asAuditor() *world {
	w.t.Helper()
	out, err := sts.NewFromConfig(w.config("us-east-1")).AssumeRole(w.t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/auditor"), RoleSessionName: aws.String("test"),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	changed := *w
	changed.state.AccessKeyID, changed.state.SecretAccessKey = *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey
	changed.session = *out.Credentials.SessionToken
	return &changed
}

// The actions that the help names are enough, and whatever one of them is
// missing is not taken for healthy: it is unknown, and the action is named.
func TestDoctorNeedsTheActionsThatItsHelpNames(t *testing.T) {
	t.Parallel()
	actions := (&world{t: t}).readActions("doctor")
	if len(actions) != 19 {
		t.Fatalf("the help names %d actions: %v", len(actions), actions)
	}
	t.Run("all", func(t *testing.T) {
		a := editable(t, threeRegions(t))
		a.auditor(actions)
		if report := start(t, a.files).asAuditor().wantHealth(); len(report.Findings) != 0 {
			t.Errorf("findings %+v, want none", report.Findings)
		}
	})
	for _, action := range actions {
		t.Run("without "+action, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			a.auditor(slices.DeleteFunc(slices.Clone(actions), func(other string) bool { return other == action }))
			w, severity, says := start(t, a.files), "unknown", "cannot tell whether "
			if action == "lambda:ListTags" {
				// It is asked of a stopped function alone, which is a failure unless it says that it was paused.
				w.stopFunction("us-east-1")
				severity, says = "failed", "it is not known whether that is a pause: "
			}
			w = w.asAuditor()
			for _, command := range []string{"doctor", "status"} {
				code, report := w.health(command)
				if code != 3 || len(report.Findings) == 0 {
					t.Errorf("%s: exit %d and %d findings, want 3 and some", command, code, len(report.Findings))
				}
				for _, f := range report.Findings {
					if f.Severity != severity || !strings.Contains(f.What, says) || !strings.Contains(f.What, action) {
						text, _ := json.Marshal(f)
						t.Errorf("%s: %s; want it %s for want of %s", command, text, severity, action)
					}
				}
			}
		})
	}
}

// stopFunction has Lambda give the Region's function no event.
func (w *world) stopFunction(region string) {
	w.t.Helper()
	_, err := lambda.NewFromConfig(w.config(region)).PutFunctionConcurrency(w.t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String(w.state.Regions[region].FunctionName), ReservedConcurrentExecutions: aws.Int32(0),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
