package template

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"s3fanout/internal/sandbox/snapshot"
)

// stackFile is a stack of a test's assembly.
type stackFile struct {
	name, region, template string
	dependencies           []string
}

// assemblyFS writes a cloud assembly.
func assemblyFS(stacks ...stackFile) fs.FS {
	fsys := fstest.MapFS{}
	var artifacts []string
	for _, s := range stacks {
		if s.region == "" {
			s.region = "eu-west-1"
		}
		dependencies := ""
		for i, d := range s.dependencies {
			if i > 0 {
				dependencies += ","
			}
			dependencies += fmt.Sprintf("%q", d)
		}
		artifacts = append(artifacts, fmt.Sprintf(
			`%q:{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/%s","dependencies":[%s],`+
				`"properties":{"templateFile":"%s.json","terminationProtection":false}}`,
			s.name, s.region, dependencies, s.name))
		fsys[s.name+".json"] = &fstest.MapFile{Data: []byte(s.template)}
	}
	fsys["manifest.json"] = &fstest.MapFile{Data: []byte(`{"version":"54.0.0","artifacts":{` + strings.Join(artifacts, ",") + `}}`)}
	return fsys
}

const oneTopic = `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`

func TestLoadSnapshot(t *testing.T) {
	a, err := Load(snapshot.FS())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Regions(), []string{"ap-northeast-1", "eu-west-1", "us-east-1"}; !slices.Equal(got, want) {
		t.Errorf("Regions = %q, want %q", got, want)
	}
	if got, err := a.Partition(); got != "aws" || err != nil {
		t.Errorf("Partition = %q, %v, want aws", got, err)
	}
	place := map[string]int{}
	for i, s := range a.Stacks {
		place[s.Name] = i
	}
	for _, s := range a.Stacks {
		for _, d := range s.dependencies {
			if place[d] >= place[s.Name] {
				t.Errorf("%s comes after %s, which depends on it", d, s.Name)
			}
		}
	}
}

func TestStackOrder(t *testing.T) {
	a, err := Load(assemblyFS(
		stackFile{name: "a", template: oneTopic}, stackFile{name: "b", template: oneTopic},
		stackFile{name: "m", template: oneTopic, dependencies: []string{"b"}},
		stackFile{name: "z", template: oneTopic, dependencies: []string{"m", "a"}},
	))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range a.Stacks {
		got = append(got, s.Name)
	}
	// m before a: a missing dependency of m on a would show.
	if want := []string{"b", "m", "a", "z"}; !slices.Equal(got, want) {
		t.Errorf("stacks = %q, want %q", got, want)
	}
}

// A real assembly has more artifacts than stacks, and stacks depend on their assets.
func TestLoadWithAssets(t *testing.T) {
	a, err := Load(fstest.MapFS{
		"manifest.json": {Data: []byte(`{"version":"54.0.0","minimumCliVersion":"2.1131.0","artifacts":{
			"s.assets":{"type":"cdk:asset-manifest","properties":{"file":"s.assets.json"}},
			"s":{"type":"aws:cloudformation:stack","environment":"aws://123456789012/cn-north-1","displayName":"s","metadata":{"/s":[]},
				"dependencies":["s.assets"],"properties":{"templateFile":"s.json","stackName":"real","validateOnSynth":false}},
			"Tree":{"type":"cdk:tree","properties":{"file":"tree.json"}},
			"aws-cdk-lib/feature-flag-report":{"type":"cdk:feature-flag-report","properties":{"module":"aws-cdk-lib","flags":{}}}}}`)},
		"s.json":        {Data: []byte(oneTopic)},
		"s.assets.json": {Data: []byte(`{"version":"54.0.0","files":{},"dockerImages":{}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := a.Partition(); got != "aws-cn" || a.Stacks[0].Name != "real" {
		t.Errorf("partition %q, stack %q; want aws-cn, real", got, a.Stacks[0].Name)
	}
}

func TestLoadRefuses(t *testing.T) {
	manifest := func(artifacts string) fs.FS {
		return fstest.MapFS{
			"manifest.json": {Data: []byte(`{"artifacts":{` + artifacts + `}}`)},
			"s.json":        {Data: []byte(oneTopic)},
		}
	}
	stack := func(environment, more string) fs.FS {
		return manifest(
			`"s":{"type":"aws:cloudformation:stack","environment":"` + environment + `","properties":{"templateFile":"s.json"` +
				more + `}}`,
		)
	}
	for _, tt := range []struct {
		name string
		fsys fs.FS
		want string
	}{
		{"no manifest", fstest.MapFS{}, "there is no manifest.json: name the directory that `cdk synth` wrote"},
		{"not JSON", fstest.MapFS{"manifest.json": {Data: []byte("{")}}, "manifest.json: not a manifest"},
		{"no artifacts", fstest.MapFS{"manifest.json": {Data: []byte("{}")}}, "names no artifacts"},
		{"no stacks", manifest(``), "names no stacks"},
		{"missing context", fstest.MapFS{"manifest.json": {Data: []byte(`{"artifacts":{},"missing":[{"provider":"vpc"}]}`)}},
			"lacks context"},
		{"stage", manifest(`"p":{"type":"cdk:cloud-assembly","properties":{"directoryName":"assembly-p"}}`),
			"artifact p is a nested assembly (a Stage)"},
		{"other artifact", manifest(`"p":{"type":"cdk:other"}`), `artifact p: type "cdk:other" is not supported`},
		{"artifact twice", manifest(`"p":{"type":"cdk:tree"},"p":{"type":"cdk:tree"}`), `"p" is there twice`},
		{"no environment", stack("", ""), `stack s: environment "" is not aws://<account>/<region>`},
		{"no region", stack("aws://unknown-account/unknown-region", ""), "stack s: is made for no Region; set env.region"},
		{"no such region", stack("aws://unknown-account/eu-west-9", ""), `stack s: "eu-west-9" is not an AWS Region`},
		{"parameters", stack("aws://unknown-account/eu-west-1", `,"parameters":{"p":"v"}`), "values for parameters are not supported"},
		{"no template",
			manifest(`"s":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/eu-west-1",` +
				`"properties":{"templateFile":"x.json"}}`), "stack s: read the template"},
		{"template outside",
			manifest(`"s":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/eu-west-1",` +
				`"properties":{"templateFile":"../s.json"}}`), "stack s: read the template"},
		{"unknown dependency", assemblyFS(stackFile{name: "a", template: oneTopic, dependencies: []string{"b"}}),
			"stack a depends on b, which is not there"},
		{"circle", assemblyFS(
			stackFile{name: "a", template: oneTopic, dependencies: []string{"b"}}, stackFile{
				name: "b", template: oneTopic, dependencies: []string{"a"},
			},
		), "the stacks depend on each other: a -> b -> a"},
		{"two partitions", assemblyFS(
			stackFile{name: "a", template: oneTopic}, stackFile{name: "b", region: "cn-north-1", template: oneTopic},
		), "the stacks are in two partitions, aws and aws-cn"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(tt.fsys)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestLoadRefusesTemplates(t *testing.T) {
	resource := func(elements string) string {
		return `{"Resources":{"A":{"Type":"AWS::SNS::Topic"` + elements + `}}}`
	}
	for _, tt := range []struct{ name, template, want string }{
		{"not JSON", `{`, "stack s: not valid JSON"},
		{"not an object", `[]`, "the template is not an object"},
		{"no resources", `{"Resources":{}}`, "the template has no Resources"},
		{"section", `{"Mappings":{}}`, "Mappings: this section of a template is not supported"},
		{"macro", `{"Transform":"AWS::Serverless-2016-10-31"}`, "Transform: this section"},
		{"twice", `{"Resources":{"A":{"Type":"X"},"A":{"Type":"X"}}}`, `stack s: Resources: "A" is there twice`},
		{"rule", `{"Rules":{"Mine":{}}}`, "stack s: Rules.Mine: rules are not supported"},
		{"parameter type", `{"Parameters":{"P":{"Type":"List<String>","Default":""}}}`,
			`Parameters.P: parameters of type "List<String>" are not supported`},
		{"parameter without default", `{"Parameters":{"P":{"Type":"String"}}}`, "Parameters.P: has no Default"},
		{"no type", `{"Resources":{"A":{}}}`, "stack s: resource A: has no Type"},
		{"element", resource(`,"CreationPolicy":{}`),
			"stack s: resource A (AWS::SNS::Topic): CreationPolicy: this element of a resource is not supported"},
		{"deletion policy", resource(`,"DeletionPolicy":"Keep"`), "resource A (AWS::SNS::Topic): DeletionPolicy: Keep is not"},
		{"properties", resource(`,"Properties":[]`), "resource A (AWS::SNS::Topic): Properties: not an object"},
		{"depends on nothing", resource(`,"DependsOn":"B"`), "resource A (AWS::SNS::Topic): DependsOn: there is no resource B"},
		{"depends on a number", resource(`,"DependsOn":[1]`), "DependsOn: not a logical id"},
		{"refers to nothing", resource(`,"Properties":{"P":[{"Ref":"B"}]}`),
			"resource A (AWS::SNS::Topic): Properties.P[0].Ref: there is no resource or parameter B"},
		{"attribute of nothing", resource(`,"Properties":{"P":{"Fn::GetAtt":["B","Arn"]}}`),
			"Properties.P.Fn::GetAtt: there is no resource B"},
		{"attribute without name", resource(`,"Properties":{"P":{"Fn::GetAtt":["B"]}}`), "not a logical id and the name of an attribute"},
		{"pseudo parameter", resource(`,"Properties":{"P":{"Ref":"AWS::NotificationARNs"}}`),
			"pseudo parameter AWS::NotificationARNs is not supported"},
		{"substitutes nothing", resource(`,"Properties":{"P":{"Fn::Sub":"x${B.Arn}"}}`), "Properties.P.Fn::Sub: there is no resource B"},
		{"substitutes no name", resource(`,"Properties":{"P":{"Fn::Sub":"x${}"}}`), "${} is not a variable"},
		{"function among members", resource(`,"Properties":{"P":{"Ref":"A","x":1}}`), "Properties.P: Ref stands among other members"},
		{"itself", resource(`,"Properties":{"P":{"Ref":"A"}}`), "the resources depend on each other: A -> A"},
		{"circle", `{"Resources":{"A":{"Type":"X","DependsOn":"B"},"B":{"Type":"X","Properties":{"P":{"Fn::Sub":"${C.Arn}"}}},` +
			`"C":{"Type":"X","Properties":{"P":{"Ref":"A"}}}}}`,
			"the resources depend on each other: A -> B -> C -> A"},
		{"condition", resource(`,"Condition":"C"`), "there is no condition C"},
		{"bootstrap version", `{"Parameters":{"BootstrapVersion":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"x"}},` +
			`"Resources":{"A":{"Type":"X","Properties":{"P":{"Ref":"BootstrapVersion"}}}}}`,
			"parameter BootstrapVersion has a value in a real account alone"},
		{"output", `{"Resources":{"A":{"Type":"X"}},"Outputs":{"O":{"Value":{"Ref":"B"}}}}`,
			"Outputs.O.Value.Ref: there is no resource or parameter B"},
		{"output element", `{"Resources":{"A":{"Type":"X"}},"Outputs":{"O":{"Val":"x"}}}`, "Outputs.O.Val: not an element of an output"},
		{"too deep", `{"Metadata":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "nested more than 100 levels deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(assemblyFS(stackFile{name: "s", template: tt.template}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}
