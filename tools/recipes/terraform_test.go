// Package recipes tests the recipes whose parsers the product does without: make
// lint-templates.
package recipes

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

const (
	root    = "../.."
	account = "111122223333"
	mebi    = 1 << 20 // what CloudFormation reads of a template from S3
)

// TestTerraformDeploysEachStack evaluates the recipe over assemblies that the CDK made:
// there is a stack for each of theirs, with the template that publish-assets uploads and
// after the stacks that it needs, and no template wants a parameter.
func TestTerraformDeploysEachStack(t *testing.T) {
	parsed, diagnostics := hclparse.NewParser().ParseHCLFile(root + "/docs/recipes/main.tf")
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	body := parsed.Body.(*hclsyntax.Body)
	for _, assembly := range []string{"cdk.out", "build/adopting", "build/access"} {
		t.Run(assembly, func(t *testing.T) {
			dir := filepath.Join(root, assembly)
			want := readStacks(t, dir)
			context := terraform(dir)
			evaluateLocals(t, body, context)
			made := map[string]string{} // the resource of each stack
			for _, block := range body.Blocks {
				if block.Type != "resource" {
					continue
				}
				for name, resource := range instances(t, block, context) {
					if made[name] != "" {
						t.Errorf("%s is made twice", name)
					}
					made[name] = block.Labels[1]
					w := want[name]
					if resource["region"] != w.region || resource["template_url"] != w.template || resource["name"] != name {
						t.Errorf("%s: got %v, want %+v", name, resource, w)
					}
				}
			}
			if got := slices.Sorted(maps.Keys(made)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
				t.Errorf("stacks %q, want those of the assembly", got)
			}
			for name, w := range want {
				for _, needed := range w.needs {
					if made[name] != "second" || made[needed] != "first" {
						t.Errorf("%s is in %q and needs %s, which is in %q", name, made[name], needed, made[needed])
					}
				}
			}
		})
	}
}

// stack is what an assembly says of one.
type stack struct {
	region, template string
	needs            []string
}

func readStacks(t *testing.T, dir string) map[string]stack {
	t.Helper()
	var manifest struct {
		Artifacts map[string]struct {
			Type, Environment string
			Dependencies      []string
			Properties        struct{ TemplateFile string }
		}
	}
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	stacks := map[string]stack{}
	for name, a := range manifest.Artifacts {
		if a.Type != "aws:cloudformation:stack" {
			continue
		}
		var template struct{ Parameters map[string]any }
		if size := readJSON(t, filepath.Join(dir, a.Properties.TemplateFile), &template); size > mebi || len(template.Parameters) > 0 {
			t.Errorf("%s has %d bytes and parameters %v", name, size, template.Parameters)
		}
		var assets struct {
			Files map[string]struct {
				Source       struct{ Path string }
				Destinations map[string]struct{ BucketName, ObjectKey, Region string }
			}
		}
		readJSON(t, filepath.Join(dir, name+".assets.json"), &assets)
		var s stack
		for _, file := range assets.Files {
			for _, d := range file.Destinations {
				if file.Source.Path == a.Properties.TemplateFile {
					bucket := strings.ReplaceAll(d.BucketName, "${AWS::AccountId}", account)
					s.region, s.template = d.Region, fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", bucket, d.Region, d.ObjectKey)
				}
			}
		}
		for _, d := range a.Dependencies {
			if manifest.Artifacts[d].Type == a.Type {
				s.needs = append(s.needs, d)
			}
		}
		stacks[name] = s
	}
	if len(stacks) < 4 {
		t.Fatalf("%s has %d stacks", dir, len(stacks))
	}
	return stacks
}

func readJSON(t *testing.T, name string, into any) int {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v; run make lint-templates", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return len(raw)
}

// terraform has what the recipe takes from Terraform; cdk.out is the assembly.
func terraform(dir string) *hcl.EvalContext {
	read := function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, ok := strings.CutPrefix(args[0].AsString(), "module/cdk.out/")
			if !ok {
				return cty.NilVal, fmt.Errorf("%s is not in cdk.out", args[0].AsString())
			}
			raw, err := os.ReadFile(filepath.Join(dir, name))
			return cty.StringVal(string(raw)), err
		},
	})
	return &hcl.EvalContext{
		Functions: map[string]function.Function{
			"file": read, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "length": stdlib.LengthFunc,
			"replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc,
		},
		Variables: map[string]cty.Value{
			"path": cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("module")}),
			"data": object(object(object(cty.StringVal(account), "account_id"), "this"), "aws_caller_identity"),
		},
	}
}

func object(value cty.Value, name string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{name: value})
}

// evaluateLocals adds the locals, each of which may name those before it.
func evaluateLocals(t *testing.T, body *hclsyntax.Body, context *hcl.EvalContext) {
	t.Helper()
	locals := map[string]cty.Value{}
	for _, block := range body.Blocks {
		if block.Type != "locals" {
			continue
		}
		attributes := slices.SortedFunc(maps.Values(block.Body.Attributes), func(a, b *hclsyntax.Attribute) int {
			return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte
		})
		for _, a := range attributes {
			locals[a.Name] = value(t, a.Expr, context)
			context.Variables["local"] = cty.ObjectVal(locals)
		}
	}
}

// instances are a resource's texts for each key of its for_each. It has to say that
// names of roles are given, and those of the second kind that the first come before.
func instances(t *testing.T, block *hclsyntax.Block, context *hcl.EvalContext) map[string]map[string]string {
	t.Helper()
	attributes := block.Body.Attributes
	c := value(t, attributes["capabilities"].Expr, context)
	if c.LengthInt() != 1 || c.Index(cty.Zero).AsString() != "CAPABILITY_NAMED_IAM" {
		t.Errorf("%s: capabilities %#v", block.Labels[1], c)
	}
	if block.Labels[1] == "second" {
		before := attributes["depends_on"].Expr.Variables()
		if len(before) != 1 || before[0].RootName() != "aws_cloudformation_stack" || before[0][1].(hcl.TraverseAttr).Name != "first" {
			t.Error("the second stacks do not wait for the first")
		}
	}
	all := map[string]map[string]string{}
	for name, each := range value(t, attributes["for_each"].Expr, context).AsValueMap() {
		child := context.NewChild()
		child.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(name), "value": each})}
		all[name] = map[string]string{}
		for _, attribute := range []string{"name", "region", "template_url"} {
			all[name][attribute] = value(t, attributes[attribute].Expr, child).AsString()
		}
	}
	return all
}

func value(t *testing.T, e hcl.Expression, context *hcl.EvalContext) cty.Value {
	t.Helper()
	v, diagnostics := e.Value(context)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	return v
}
