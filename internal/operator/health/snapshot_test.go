package health

import (
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/iampolicy"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/snapshot"
)

// template reads a committed template with the account filled in, as the only
// thing in the values below that a deployment decides.
func template(t *testing.T, stack string) map[string]resource {
	t.Helper()
	raw, err := fs.ReadFile(snapshot.FS(), stack+".template.json")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	raw, err = json.Marshal(resolve(tree))
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Resources map[string]resource }
	if err := json.Unmarshal(raw, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed.Resources
}

type resource struct {
	Type       string
	Properties json.RawMessage
}

// resolve evaluates what the templates use to write the account into names.
func resolve(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = resolve(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = resolve(v[k])
		}
		if v["Ref"] == "AWS::AccountId" {
			return account
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			for _, part := range join[1].([]any) {
				text, ok := part.(string)
				if !ok {
					return v
				}
				b.WriteString(text)
			}
			return b.String()
		}
	}
	return v
}

// onlyOf returns the properties of the stack's only resource of a type.
func onlyOf[T any](t *testing.T, resources map[string]resource, resourceType string) T {
	t.Helper()
	var properties T
	n := 0
	for _, r := range resources {
		if r.Type == resourceType {
			n++
			if err := json.Unmarshal(r.Properties, &properties); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 1 {
		t.Fatalf("%d resources of type %s, want 1", n, resourceType)
	}
	return properties
}

func eachRegion(t *testing.T, check func(t *testing.T, set replicaset.Config, region string, resources map[string]resource)) {
	t.Helper()
	set, err := snapshot.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range set.Regions {
		t.Run(region, func(t *testing.T) { check(t, set, region, template(t, set.RegionStackName(region))) })
	}
}

// The table of what the role needs and what the templates grant are the same.
func TestGrantsAreThoseOfTheTemplates(t *testing.T) {
	eachRegion(t, func(t *testing.T, set replicaset.Config, region string, resources map[string]resource) {
		role := onlyOf[struct {
			Policies []struct {
				PolicyDocument struct {
					Statement []struct{ Action, Resource iampolicy.OneOrMore[string] }
				}
			}
		}](t, resources, "AWS::IAM::Role")
		granted := map[string]bool{}
		for _, policy := range role.Policies {
			for _, s := range policy.PolicyDocument.Statement {
				for _, action := range s.Action {
					for _, on := range s.Resource {
						granted[action+" on "+on] = true
					}
				}
			}
		}
		needed := map[string]bool{}
		for _, g := range newRoleContext(set, set.Member(account, region), nil).functionGrants() {
			needed[g.action+" on "+g.resource] = true
		}
		if got, want := slices.Sorted(maps.Keys(needed)), slices.Sorted(maps.Keys(granted)); !slices.Equal(got, want) {
			t.Errorf("the table has\n%s\nthe template grants\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// What is expected of the function is what the templates give it.
func TestFunctionIsThatOfTheTemplates(t *testing.T) {
	eachRegion(t, func(t *testing.T, set replicaset.Config, region string, resources map[string]resource) {
		function := onlyOf[struct {
			Timeout, MemorySize int
			Environment         struct{ Variables map[string]string }
		}](t, resources, "AWS::Lambda::Function")
		if function.Timeout != wantTimeoutSeconds || function.MemorySize != set.FunctionMemory() {
			t.Errorf("the template has %d s and %d MB, the check wants %d and %d",
				function.Timeout, function.MemorySize, wantTimeoutSeconds, set.FunctionMemory())
		}
		got, want := functionenv.Encode(functionenv.Of(set, set.Member(account, region))), function.Environment.Variables
		if !maps.Equal(got, want) {
			t.Errorf("the check wants %v, the template has %v", got, want)
		}
		failures := onlyOf[struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds int }](t, resources, "AWS::Lambda::EventInvokeConfig")
		if failures.MaximumRetryAttempts != wantRetries || failures.MaximumEventAgeInSeconds != wantMaxAgeSeconds {
			t.Errorf("the template has %+v, the check wants %d and %d", failures, wantRetries, wantMaxAgeSeconds)
		}
	})
}
