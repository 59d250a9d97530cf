package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"s3fanout/infra"
)

// environment returns a getenv over the pairs.
func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func TestConfiguration(t *testing.T) {
	const value = `{"name": "media", "regions": ["us-east-1", "eu-west-1"]}`
	overflow := filepath.Join(t.TempDir(), "context.json")
	if err := os.WriteFile(overflow, []byte(`{"s3fanout": `+value+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want := infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	for what, getenv := range map[string]func(string) string{
		"object in cdk.json":         environment(contextVariable, `{"other": 1, "s3fanout": `+value+`}`),
		"string on the command line": environment(contextVariable, `{"s3fanout": "`+strings.ReplaceAll(value, `"`, `\"`)+`"}`),
		"in the overflow":            environment(contextVariable, `{"other": 1}`, overflowVariable, overflow),
	} {
		got, err := configuration(getenv)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", what, got, err, want)
		}
	}
}

// TestBadInput runs the app with input that cannot be used: one line, exit
// code 2, and nothing synthesized.
func TestBadInput(t *testing.T) {
	t.Chdir(t.TempDir()) // where there is no function
	const missing = `s3fanout: cdk.json: key "s3fanout" is missing in "context"; run through cdk in the project's directory, or add the key`
	var manyOperators string
	for i := range 20 {
		manyOperators += fmt.Sprintf(`"arn:aws:iam::111122223333:role/operators/team-%d", `, i)
	}
	for _, tc := range []struct{ context, want string }{
		{``, missing},
		{`{}`, missing},
		{`{"s3fanout": {"name": "media", "region": []}}`,
			"s3fanout: cdk.json: s3fanout.region: no such field; did you mean regions?"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1"]}}`,
			"s3fanout: cdk.json: s3fanout.regions: 1 given, a replica set needs at least two; add one"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-9"]}}`,
			`s3fanout: cdk.json: s3fanout.regions[1]: "eu-west-9" is not an AWS Region; did you mean eu-west-1, eu-west-2 or eu-west-3?`},
		{`{"s3fanout": "{\"name\": "}`,
			`s3fanout: cdk.json: s3fanout: {"name": is not JSON; use {"name": …, "regions": […]}`},
		{`{"s3fanout": 7}`, `s3fanout: cdk.json: s3fanout: 7 is not an object; use {"name": …, "regions": […]}`},
		{`{"s3fanout": null}`, `s3fanout: cdk.json: s3fanout: null is not an object; use {"name": …, "regions": […]}`},
		{`{`, "s3fanout: read the context in CDK_CONTEXT_JSON: unexpected end of JSON input"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}`,
			"s3fanout: build/function/arm64/bootstrap is missing; run `make function`"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"], "functionArchitecture": "x86_64"}}`,
			"s3fanout: build/function/x86_64/bootstrap is missing; run `make function`"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"], "operatorArns": [` + manyOperators +
			`"arn:aws:iam::111122223333:role/last"]}}`,
			"s3fanout: cdk.json: s3fanout.operatorArns: they make the trust policy of role media-replicator-us-east-1 " +
				"2613 characters long, AWS allows 2048; list fewer, for instance one role that the others assume"},
		{`{"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"], "functionArchitecture": "arm"}}`,
			`s3fanout: cdk.json: s3fanout.functionArchitecture: "arm" is not a processor of Lambda; use "arm64" or "x86_64", ` +
				`or leave it out`},
	} {
		var stderr bytes.Buffer
		code := run(environment(contextVariable, tc.context), &stderr)
		if code != exitUsage || stderr.String() != tc.want+"\n" {
			t.Errorf("context %s: got exit code %d and\n%swant %d and\n%s", tc.context, code, stderr.String(), exitUsage, tc.want)
		}
	}
}

func TestCheckNode(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := checkNode(environment()); err == nil || !strings.Contains(err.Error(), "install Node.js") {
		t.Errorf("without node: got %v, want what to install", err)
	}
	if err := checkNode(environment("JSII_RUNTIME", "/opt/runtime")); err != nil {
		t.Errorf("with a runtime of its own: %v", err)
	}
}
