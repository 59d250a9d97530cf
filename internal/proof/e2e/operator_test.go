package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// pagePolicy is a policy of docs/policies, which docs/security.md links, for the set's
// names here.
func pagePolicy(t *testing.T, name string) (policy map[string]any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(build.root, "docs", "policies", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("111122223333", sandbox.AccountID, "media-", "s3fanout-").Replace(string(content))
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

// pagePolicies are for looking, and what operators have besides.
func pagePolicies(t *testing.T) (looking, operating map[string]any) {
	t.Helper()
	return pagePolicy(t, "look"), pagePolicy(t, "operate")
}

// operatedWorld has a role "operator" with these policies.
func operatedWorld(t *testing.T, policies ...map[string]any) *world {
	t.Helper()
	a := editable(t, threeRegions(t))
	a.operator("operator", policies...)
	w := start(t, a.files)
	w.leavesUploads = true // one that explain is to find
	return w
}

// operator adds a role with these policies, that the account's users may assume.
func (a *assembly) operator(name string, policies ...map[string]any) {
	a.t.Helper()
	a.operatorIn("s3fanout-us-east-1", name, policies...)
}

// operatorIn is operator in another stack.
func (a *assembly) operatorIn(stack, name string, policies ...map[string]any) {
	a.t.Helper()
	inline := []any{}
	for i, p := range policies {
		inline = append(inline, map[string]any{"PolicyName": fmt.Sprint("policy", i), "PolicyDocument": p})
	}
	a.edit(stack, func(resources map[string]any) int {
		resources["Operator"+strings.ReplaceAll(name, "-", "")] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName": name, "Policies": inline,
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":root"},
				"Action": "sts:AssumeRole",
			}}},
		}}
		return 1
	})
}

// as is the world with somebody's credentials.
func (w *world) as(i identity) *world {
	w.t.Helper()
	c, err := i.Retrieve(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	changed := *w
	changed.state.AccessKeyID, changed.state.SecretAccessKey, changed.session = c.AccessKeyID, c.SecretAccessKey, c.SessionToken
	return &changed
}

// step is a command, what happens before it, and how it ends.
type step struct {
	before func(w *world)
	args   []string
	code   int
}

// lookingSteps and operatingSteps use the commands as somebody does who runs a
// replica set: first all is well, then two copies fail in eu-west-1.
func lookingSteps() []step {
	well := func(w *world) {
		w.upload("us-east-1", object{key: "films/whole", body: "whole"})
		w.settle()
	}
	broken := func(w *world) {
		w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
		for _, key := range []string{"films/broken", "films/forgotten"} {
			w.upload("us-east-1", object{key: key, body: key})
		}
		w.settle()
		w.fault("eu-west-1", fault.LambdaCrash, 0, 0)
		if _, err := w.s3("eu-west-1").CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: aws.String(w.bucket("eu-west-1")), Key: aws.String("films/broken"),
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	stopped := func(w *world) { w.reserve("eu-west-1", 0) }
	going := func(w *world) { w.reserve("eu-west-1", 100) }
	return []step{
		{well, []string{"doctor"}, 0},
		{stopped, []string{"doctor", "--region", "eu-west-1"}, 3},
		{going, []string{"status"}, 0},
		{nil, []string{"report"}, 0},
		{nil, []string{"verify", "--grace", "0s"}, 0},
		{nil, []string{"verify", "--tags", "--grace", "0s"}, 0},
		{nil, []string{"explain", "films/whole"}, 0},
		{nil, []string{"history", "films/whole"}, 0},
		{broken, []string{"verify", "--grace", "0s"}, 3},
		{nil, []string{"explain", "films/broken"}, 3},
		{nil, []string{"redrive", "--dry-run"}, 3},
		{nil, []string{"backfill", "--dry-run", "--to", "eu-west-1"}, 0},
	}
}

func operatingSteps() []step {
	return []step{
		{nil, []string{"backfill", "--to", "eu-west-1"}, 0},
		{nil, []string{"redrive"}, 0},
		{nil, []string{"verify", "--grace", "0s"}, 0},
		{nil, []string{"doctor", "--probe"}, 0},
	}
}

// reserve gives a Region's function so much reserved concurrency.
func (w *world) reserve(region string, n int32) {
	w.t.Helper()
	if _, err := lambda.NewFromConfig(w.config(region)).PutFunctionConcurrency(w.t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String(w.state.Regions[region].FunctionName), ReservedConcurrentExecutions: aws.Int32(n),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// operate takes the steps with somebody's credentials, and returns what went
// otherwise than it should have. What happens before a step is the
// administrator's doing.
func (w *world) operate(by identity, steps []step) (troubles []string) {
	w.t.Helper()
	operator := w.as(by)
	for _, s := range steps {
		if s.before != nil {
			s.before(w)
		}
		args := append([]string{s.args[0], "--config", filepath.Join(build.root, "cdk.json")}, s.args[1:]...)
		code, stdout, stderr := operator.command(args...)
		// Who may not see something says so, also where the rest is fine.
		said := string(stdout) + string(stderr)
		if code != s.code || strings.Contains(said, "is denied") || strings.Contains(said, "AccessDenied") {
			troubles = append(troubles, fmt.Sprintf("%s: exit %d, want %d\n%s", strings.Join(s.args, " "), code, s.code, said))
		}
	}
	return troubles
}

// The policies of docs/policies are enough for the commands that docs/security.md
// names, and nothing in them is there without need.
func TestOperatorsPolicies(t *testing.T) {
	t.Parallel()
	all := append(lookingSteps(), operatingSteps()...)
	operator := func(w *world) identity {
		return w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/operator", "operator")
	}
	t.Run("administrator", func(t *testing.T) {
		t.Parallel()
		w := operatedWorld(t)
		for _, trouble := range w.operate(w.administrator(), all) {
			t.Error(trouble)
		}
	})
	t.Run("operator", func(t *testing.T) {
		t.Parallel()
		looking, operating := pagePolicies(t)
		w := operatedWorld(t, looking, operating)
		for _, trouble := range w.operate(operator(w), all) {
			t.Error(trouble)
		}
	})
	t.Run("only looking", func(t *testing.T) {
		t.Parallel()
		looking, _ := pagePolicies(t)
		w := operatedWorld(t, looking)
		for _, trouble := range w.operate(operator(w), lookingSteps()) {
			t.Error(trouble)
		}
		before := w.sandbox.Stats().Regions["eu-west-1"].DeadLetters
		if troubles := w.operate(operator(w), operatingSteps()); len(troubles) != 4 {
			t.Errorf("%d commands failed, want backfill, redrive, the probe and so verify to: %s",
				len(troubles), strings.Join(troubles, "\n"))
		}
		w.wantMissing("eu-west-1", "films/broken")
		w.wantLetters("eu-west-1", before)
	})
	for policy := range 2 {
		looking, operating := pagePolicies(t)
		for i, s := range []map[string]any{looking, operating}[policy]["Statement"].([]any) {
			for _, action := range actions(s.(map[string]any)) {
				t.Run("without "+action, func(t *testing.T) {
					t.Parallel()
					looking, operating := pagePolicies(t)
					changed := []map[string]any{looking, operating}[policy]["Statement"].([]any)[i].(map[string]any)
					kept := []string{"s3:GetBucketTagging"} // a statement needs an action
					for _, other := range actions(changed) {
						if other != action {
							kept = append(kept, other)
						}
					}
					changed["Action"] = kept
					w := operatedWorld(t, looking, operating)
					var troubles []string
					for _, s := range all {
						troubles = append(troubles, w.operate(operator(w), []step{s})...)
						if strings.Contains(strings.Join(troubles, "\n"), action) {
							return // that command misses it, and says so
						}
					}
					t.Errorf("no command misses it and names it:\n%s", strings.Join(troubles, "\n"))
				})
			}
		}
	}
}
