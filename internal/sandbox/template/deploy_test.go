package template

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/snapshot"
)

const account = "123456789012"

// recorder is an account that makes everything and remembers it.
type recorder struct {
	order      []string          // stack/logical id
	properties map[string]string // by the same
}

func (r *recorder) create(_ context.Context, stack StackInfo, res Resource, properties json.RawMessage) (Created, error) {
	name := stack.Name + "/" + res.LogicalID
	r.order = append(r.order, name)
	if r.properties == nil {
		r.properties = map[string]string{}
	}
	r.properties[name] = string(properties)
	return Created{Ref: "ref-" + res.LogicalID, Attributes: map[string]string{
		"Arn": "arn-" + res.LogicalID, "RoleId": "AROA" + res.LogicalID, "Nested.Name": "nested-" + res.LogicalID,
	}}, nil
}

func deploy(t *testing.T, stacks ...stackFile) (*recorder, Outputs, error) {
	t.Helper()
	a, err := Load(assemblyFS(stacks...))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	out, err := a.Deploy(t.Context(), account, r.create)
	return r, out, err
}

// property deploys a stack s with a topic A that has one property P, beside a
// resource R, and returns P as JSON.
func property(t *testing.T, p, more string) (string, error) {
	t.Helper()
	r, _, err := deploy(t, stackFile{
		name: "s", template: `{` + more + `"Resources":{"R":{"Type":"X"},"A":{"Type":"X","Properties":{"P":` + p + `}}}}`,
	})
	return r.properties["s/A"], err
}

func TestIntrinsicFunctions(t *testing.T) {
	const conditions = `"Parameters":{"Env":{"Type":"String","Default":"prod"},"N":{"Type":"Number","Default":3}},"Conditions":{
		"Prod":{"Fn::Equals":[{"Ref":"Env"},"prod"]},"Not":{"Fn::Not":[{"Condition":"Prod"}]},
		"Here":{"Fn::Or":[{"Fn::Equals":[{"Ref":"AWS::Region"},"us-east-1"]},{"Fn::Equals":[{"Ref":"AWS::Region"},"eu-west-1"]}]},
		"Both":{"Fn::And":[{"Condition":"Here"},{"Condition":"Not"}]}},`
	for _, tt := range []struct{ name, value, want string }{
		{"plain", `{"a":[1,"x",true,null,1.50]}`, `{"a":[1,"x",true,null,1.50]}`},
		{"no HTML escapes", `"<&>"`, `"<&>"`},
		{"Ref", `{"Ref":"R"}`, `"ref-R"`},
		{"Ref of a parameter", `{"Ref":"Env"}`, `"prod"`},
		{"Ref of a number", `{"Ref":"N"}`, `"3"`},
		{"account", `{"Ref":"AWS::AccountId"}`, `"123456789012"`},
		{"Region", `{"Ref":"AWS::Region"}`, `"eu-west-1"`},
		{"partition", `{"Ref":"AWS::Partition"}`, `"aws"`},
		{"suffix", `{"Ref":"AWS::URLSuffix"}`, `"amazonaws.com"`},
		{"stack", `{"Ref":"AWS::StackName"}`, `"s"`},
		{"no value in an object", `{"a":{"Ref":"AWS::NoValue"},"b":1}`, `{"b":1}`},
		{"no value in a list", `[1,{"Ref":"AWS::NoValue"},2]`, `[1,2]`},
		{"GetAtt", `{"Fn::GetAtt":["R","Arn"]}`, `"arn-R"`},
		{"GetAtt as text", `{"Fn::GetAtt":"R.Nested.Name"}`, `"nested-R"`},
		{"Join", `{"Fn::Join":["-",["a",{"Ref":"R"},7]]}`, `"a-ref-R-7"`},
		{"Join of Split", `{"Fn::Join":["",{"Fn::Split":[",","a,b,,c"]}]}`, `"abc"`},
		{"Select", `{"Fn::Select":[1,["a",{"Ref":"R"}]]}`, `"ref-R"`},
		{"Select by text", `{"Fn::Select":["0",{"Fn::Split":[":","x:y"]}]}`, `"x"`},
		{"Split", `{"Fn::Split":["-",{"Ref":"R"}]}`, `["ref","R"]`},
		{"Sub", `{"Fn::Sub":"${R}/${R.Arn}/${R.Nested.Name}/${AWS::Region}/${!Kept}/$x{}"}`,
			`"ref-R/arn-R/nested-R/eu-west-1/${Kept}/$x{}"`},
		{"Sub with variables", `{"Fn::Sub":["${a}-${R}",{"a":{"Fn::Join":["",["x",{"Ref":"AWS::Region"}]]}}]}`, `"xeu-west-1-ref-R"`},
		{"Sub does not substitute twice", `{"Fn::Sub":["${a}",{"a":"${R}"}]}`, `"${R}"`},
		{"If", `{"Fn::If":["Prod","yes","no"]}`, `"yes"`},
		{"If not", `{"Fn::If":["Not","yes",{"Ref":"AWS::NoValue"}]}`, ``},
		{"If or", `{"Fn::If":["Here",{"Ref":"R"},"no"]}`, `"ref-R"`},
		{"If and", `{"Fn::If":["Both","yes","no"]}`, `"no"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := property(t, tt.value, conditions)
			want := `{"P":` + tt.want + `}`
			if tt.want == "" {
				want = `{}`
			}
			if err != nil || got != want {
				t.Errorf("properties = %s, %v, want %s", got, err, want)
			}
		})
	}
}

func TestIntrinsicFunctionErrors(t *testing.T) {
	const conditions = `"Conditions":{"A":{"Condition":"B"},"B":{"Condition":"A"},"Odd":{"Fn::Equals":["x"]},"Text":"x"},`
	for _, tt := range []struct{ name, value, want string }{
		{"unknown function", `[{"Fn::Base64":"x"}]`, "Properties.P[0].Fn::Base64: this intrinsic function is not supported"},
		{"find in map", `{"Fn::FindInMap":["a","b","c"]}`, "Fn::FindInMap: this intrinsic function is not supported"},
		{"unknown attribute", `{"Fn::GetAtt":["R","Name"]}`, "Properties.P.Fn::GetAtt: resource R (X) has no attribute Name"},
		{"unknown attribute in Sub", `{"Fn::Sub":"${R.Name}"}`, "Fn::Sub: resource R (X) has no attribute Name"},
		{"unknown export", `{"Fn::ImportValue":"other:Thing"}`,
			"Fn::ImportValue: no stack deployed before this one exports other:Thing in eu-west-1"},
		{"Join of objects", `{"Fn::Join":["",[{}]]}`, "Fn::Join[1][0]: not a string"},
		{"Join of text", `{"Fn::Join":["","x"]}`, "Fn::Join[1]: not a list"},
		{"Join of one", `{"Fn::Join":["x"]}`, "Fn::Join: not a list of two"},
		{"Select outside", `{"Fn::Select":[2,["a","b"]]}`, "index 2 is not in a list of 2"},
		{"Select negative", `{"Fn::Select":[-1,["a"]]}`, "index -1 is not"},
		{"Split by nothing", `{"Fn::Split":["","a"]}`, "the delimiter is empty"},
		{"If without condition", `{"Fn::If":["None",1,2]}`, "Fn::If: there is no condition None"},
		{"If of two", `{"Fn::If":["A",1]}`, "not a list of a condition and two values"},
		{"condition of itself", `{"Fn::If":["A",1,2]}`, "there is no condition A"},
		{"condition with too few arguments", `{"Fn::If":["Odd",1,2]}`, "Conditions.Odd.Fn::Equals: not a condition function"},
		{"condition that is text", `{"Fn::If":["Text",1,2]}`, "Conditions.Text: not a condition function"},
		{"no value in text", `{"Fn::Join":["",[{"Fn::Select":[0,[{"Ref":"AWS::NoValue"}]]}]]}`, "index 0 is not in a list of 0"},
		{"no value as text", `{"Fn::Sub":"${AWS::NoValue}"}`, "${AWS::NoValue} is not a string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := property(t, tt.value, conditions)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "stack s: resource A (X): ") {
				t.Errorf("error = %v, want one of resource A with %q", err, tt.want)
			}
		})
	}
}

func TestResourceOrder(t *testing.T) {
	// Nothing but DependsOn makes the policy come before the bucket.
	body := func(dependsOn string) string {
		return `{"Resources":{
			"Queue":{"Type":"AWS::SQS::Queue"},
			"Allow":{"Type":"AWS::SNS::TopicPolicy","Properties":{"Topics":[{"Ref":"Topic"}]}},
			"Topic":{"Type":"AWS::SNS::Topic"},
			"Bucket":{"Type":"AWS::S3::Bucket"` + dependsOn + `,"Properties":{"T":{"Ref":"Topic"}}}}}`
	}
	for _, tt := range []struct {
		name, dependsOn string
		want            []string
	}{
		{"forgotten", "", []string{"s/Topic", "s/Bucket", "s/Queue", "s/Allow"}},
		{"declared", `,"DependsOn":["Allow"]`, []string{"s/Topic", "s/Allow", "s/Bucket", "s/Queue"}},
		{"declared as text", `,"DependsOn":"Allow"`, []string{"s/Topic", "s/Allow", "s/Bucket", "s/Queue"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _, err := deploy(t, stackFile{name: "s", template: body(tt.dependsOn)})
			if err != nil || !slices.Equal(r.order, tt.want) {
				t.Errorf("order = %q, %v, want %q", r.order, err, tt.want)
			}
		})
	}
}

func TestConditionalResources(t *testing.T) {
	r, out, err := deploy(t, stackFile{name: "s", template: `{
		"Conditions":{"No":{"Fn::Equals":["a","b"]},"Yes":{"Fn::Not":[{"Condition":"No"}]}},
		"Resources":{"A":{"Type":"X","Condition":"No"},
			"B":{"Type":"X","Condition":"Yes","Properties":{"P":{"Fn::If":["No",{"Ref":"A"},"none"]}}}},
		"Outputs":{"A":{"Condition":"No","Value":{"Ref":"A"}},"B":{"Value":{"Ref":"B"}}}}`})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"s/B"}; !slices.Equal(r.order, want) {
		t.Errorf("made %q, want %q", r.order, want)
	}
	if got := out["s"]; len(got) != 1 || got["B"] != "ref-B" {
		t.Errorf("outputs = %v, want B alone", got)
	}
	_, _, err = deploy(t, stackFile{name: "s", template: `{"Conditions":{"No":{"Fn::Equals":["a","b"]}},
		"Resources":{"A":{"Type":"X","Condition":"No"},"B":{"Type":"X","Properties":{"P":{"Ref":"A"}}}}}`})
	if want := "stack s: resource B (X): Properties.P.Ref: resource A is not made, because its condition is false"; err == nil ||
		err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
}

func TestExports(t *testing.T) {
	exporting := `{"Resources":{"A":{"Type":"X"}},"Outputs":{"O":{"Value":{"Fn::GetAtt":["A","RoleId"]},` +
		`"Export":{"Name":{"Fn::Sub":"${AWS::StackName}:Role"}}}}}`
	importing := `{"Resources":{"B":{"Type":"X","Properties":{"P":{"Fn::ImportValue":"a:Role"}}}}}`
	r, _, err := deploy(t, stackFile{name: "a", template: exporting}, stackFile{
		name: "b", template: importing, dependencies: []string{"a"},
	})
	if got, want := r.properties["b/B"], `{"P":"AROAA"}`; err != nil || got != want {
		t.Errorf("imported %s, %v, want %s", got, err, want)
	}
	for _, tt := range []struct {
		name   string
		stacks []stackFile
		want   string
	}{
		{"another Region",
			[]stackFile{
				{name: "a", template: exporting}, {name: "b", region: "us-east-1", template: importing, dependencies: []string{"a"}},
			},
			"exports a:Role in us-east-1"},
		{"not before", []stackFile{{name: "a", template: exporting, dependencies: []string{"b"}}, {name: "b", template: importing}},
			"no stack deployed before this one exports a:Role"},
		{"twice",
			[]stackFile{
				{name: "a", template: strings.ReplaceAll(exporting, "${AWS::StackName}", "a")},
				{name: "b", template: strings.ReplaceAll(exporting, "${AWS::StackName}", "a")},
			},
			"stack b: Outputs.O.Export: a:Role is exported by another stack in eu-west-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := deploy(t, tt.stacks...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestDeployErrors(t *testing.T) {
	a, err := Load(assemblyFS(stackFile{name: "s", template: oneTopic}))
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no")
	_, err = a.Deploy(t.Context(), account, func(context.Context, StackInfo, Resource, json.RawMessage) (Created, error) {
		return Created{}, cause
	})
	if want := "stack s: resource T (AWS::SNS::Topic): no"; !errors.Is(err, cause) || err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &recorder{}
	if _, err := a.Deploy(ctx, account, r.create); !errors.Is(err, context.Canceled) || len(r.order) > 0 {
		t.Errorf("cancelled: %v, made %q", err, r.order)
	}
	a.Stacks[0].accountID = "210987654321"
	if _, err := a.Deploy(t.Context(), account, r.create); err == nil ||
		!strings.Contains(err.Error(), "is made for account 210987654321") {
		t.Errorf("error = %v, want one that names the account", err)
	}
}

// The real templates resolve, and the filter of replica events gets its Region's own role.
func TestDeploySnapshot(t *testing.T) {
	a, err := Load(snapshot.FS())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	filters := map[string]int{}
	_, err = a.Deploy(t.Context(), account,
		func(ctx context.Context, stack StackInfo, res Resource, properties json.RawMessage) (Created, error) {
			c, err := r.create(ctx, stack, res, properties)
			c.Attributes["RoleId"] = "AROA-" + stack.Region
			if res.Type == "AWS::SNS::Subscription" {
				if strings.Contains(string(properties), `{"anything-but":{"prefix":"AWS:AROA-`+stack.Region+`:"}}`) {
					filters[stack.Region]++
				}
			}
			return c, err
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range a.Regions() {
		if filters[region] != 2 {
			t.Errorf("%s: %d subscriptions with a filter for its own role, want 2", region, filters[region])
		}
	}
	for name, p := range r.properties {
		if strings.Contains(p, "Fn::") || strings.Contains(p, `"Ref"`) || strings.Contains(p, "${AWS") {
			t.Errorf("%s is not resolved: %s", name, p)
		}
	}
}

// A stack is done after its last resource and before the next one's first.
func TestDeployStacks(t *testing.T) {
	a, err := Load(assemblyFS(
		stackFile{
			name:     "a",
			template: `{"Resources":{"A":{"Type":"X","DeletionPolicy":"Retain"},"B":{"Type":"X","UpdateReplacePolicy":"Retain"}}}`,
		},
		stackFile{name: "b", template: `{"Resources":{"C":{"Type":"X","DeletionPolicy":"Delete"}}}`}))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	retained := map[string]bool{}
	create := func(ctx context.Context, stack StackInfo, res Resource, properties json.RawMessage) (Created, error) {
		retained[res.LogicalID] = res.Retain
		return r.create(ctx, stack, res, properties)
	}
	done := func(stack StackInfo, failure error) error {
		r.order = append(r.order, stack.Name+" done")
		return failure
	}
	if _, err := a.DeployStacks(t.Context(), account, create, done); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a/A", "a/B", "a done", "b/C", "b done"}; !slices.Equal(r.order, want) {
		t.Errorf("order %v, want %v", r.order, want)
	}
	if !retained["A"] || retained["B"] || retained["C"] {
		t.Errorf("retained %v, want A alone", retained)
	}
	cause := errors.New("cannot clean up")
	r.order = nil
	_, err = a.DeployStacks(t.Context(), account, r.create, func(StackInfo, error) error { return cause })
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "stack a: ") || len(r.order) != 2 {
		t.Errorf("%v after %v, want the error of stack a, and b not begun", err, r.order)
	}
	failing := func(context.Context, StackInfo, Resource, json.RawMessage) (Created, error) {
		return Created{}, errors.New("no room")
	}
	_, err = a.DeployStacks(t.Context(), account, failing, func(stack StackInfo, failure error) error {
		return fmt.Errorf("%w; %s is rolled back", failure, stack.Name)
	})
	if want := "stack a: resource A (X): no room; a is rolled back"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// Who only looks ahead need not know what will be known of a resource.
func TestPendingResource(t *testing.T) {
	a, err := Load(assemblyFS(stackFile{name: "s", template: `{"Resources":{"A":{"Type":"X"},
		"B":{"Type":"X","Properties":{"P":{"Fn::Sub":"${A.Arn} ${A}"}}}}}`}))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	_, err = a.Deploy(t.Context(), account, func(_ context.Context, _ StackInfo, _ Resource, properties json.RawMessage) (Created, error) {
		got = string(properties)
		return Created{Ref: "later", Pending: true}, nil
	})
	if want := `{"P":"<A.Arn> later"}`; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func FuzzDeploy(f *testing.F) {
	f.Add(oneTopic)
	f.Add(`{"Resources":{"A":{"Type":"X","DependsOn":"B"},"B":{"Type":"AWS::S3::Bucket","Properties":{"P":[{"Fn::Sub":["${a}${!b}",` +
		`{"a":{"Ref":"AWS::Region"}}]}]}}}}`)
	f.Add(`{"Conditions":{"C":{"Fn::And":[{"Fn::Equals":["a","a"]},{"Condition":"C"}]}},"Resources":{"A":{"Type":"X","Condition":"C"}}}`)
	f.Add(`{"Resources":{"A":{"Type":"X","Properties":{"P":{"Fn::Select":["0",{"Fn::Split":["","x"]}]},"Q":{"Fn::If":["C",1,2]}}}},` +
		`"Outputs":{"O":{"Value":{"Fn::GetAtt":"A.Arn"},"Export":{"Name":"x"}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Load(assemblyFS(stackFile{name: "s", template: text}))
		if err != nil {
			return
		}
		r := &recorder{}
		made := map[string]bool{}
		_, err = a.Deploy(t.Context(), account,
			func(ctx context.Context, stack StackInfo, res Resource, properties json.RawMessage) (Created, error) {
				if made[res.LogicalID] || !json.Valid(properties) {
					t.Fatalf("%s: made twice, or from %q", res.LogicalID, properties)
				}
				for _, d := range res.dependencies {
					if !made[d] && a.Stacks[0].template.resources[d].condition == "" {
						t.Fatalf("%s is made before %s", res.LogicalID, d)
					}
				}
				made[res.LogicalID] = true
				return r.create(ctx, stack, res, properties)
			})
		if err != nil && !strings.HasPrefix(err.Error(), "stack s: ") {
			t.Errorf("error %q does not name the stack", err)
		}
	})
}
