package infra

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

func defaultSet(t *testing.T) replicaset.Config {
	t.Helper()
	set, err := replicaset.Load("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func fiveRegions() replicaset.Config {
	return replicaset.Config{
		Name:         "media",
		Regions:      []string{"eu-west-1", "us-west-2", "sa-east-1", "eu-south-1", "ap-east-1"},
		OptInRegions: true,

		MultipartThresholdMiB: 64,
		MultipartParallel:     32,
		ReplicaStorageClass:   "STANDARD_IA",
	}
}

// synth synthesizes the set into a directory of its own and returns that.
func synth(t *testing.T, set replicaset.Config) string {
	t.Helper()
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: jsii.String(out),
		// What cdk.json says to the cdk command.
		AnalyticsReporting: jsii.Bool(false),
	})
	if _, err := NewReplicaSet(app, ReplicaSetProps{Config: Config(set), Code: testCode(t, set)}); err != nil {
		t.Fatal(err)
	}
	app.Synth(nil)
	return out
}

// testCode stands for the functions' code: archives that hold the name of their
// processor.
func testCode(t *testing.T, set replicaset.Config) Code {
	t.Helper()
	dir, architecture := t.TempDir(), set.Architecture()
	for _, program := range Programs(Config(set)) {
		from := ProgramDir(dir, program, architecture)
		if err := os.MkdirAll(from, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, "bootstrap"), []byte(architecture), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return CodeFrom(dir, architecture)
}

// resource is a resource of a template. Values are those of encoding/json,
// with intrinsic functions resolved as resolve does.
type resource struct {
	ID         string
	Type       string
	Properties map[string]any
	DependsOn  []string
	Deletion   string
}

// template is what the tests look at in a template.
type template struct {
	resources []resource
	exports   map[string]any // values by export name
}

// testAccount stands for the account that a stack is deployed to.
const testAccount = "111122223333"

// auditBucket stands for the name that CloudFormation chooses for the trail's bucket.
const auditBucket = "chosen"

// madeKey is the ARN of the key that a Region stack makes.
func madeKey(region string) string { return "arn:aws:kms:" + region + ":" + testAccount + ":key/made" }

// load reads the template of a stack and resolves its intrinsic functions: a
// Ref to a resource or a GetAtt becomes the ARN or name that AWS would give.
func load(t *testing.T, dir string, set replicaset.Config, stack, region string) template {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, stack+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Resources map[string]struct {
			Type           string
			Properties     map[string]any
			DependsOn      []string
			DeletionPolicy string
		}
		Outputs map[string]struct {
			Value  any
			Export struct{ Name string }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	here := set.Member(testAccount, region)
	// The values of Ref and GetAtt, by resource type.
	known := map[string]string{
		"AWS::S3::Bucket/Ref":       here.Bucket,
		"AWS::S3::Bucket/Arn":       here.BucketARN(),
		"AWS::SQS::Queue/Ref":       "https://queue/" + region,
		"AWS::SQS::Queue/Arn":       here.QueueARN(),
		"AWS::Lambda::Function/Ref": set.FunctionName(),
		"AWS::Lambda::Function/Arn": here.FunctionARN(),
		"AWS::IAM::Role/Arn":        here.RoleARN(),
		"AWS::IAM::Role/RoleId":     "AROA-" + region,
		"AWS::Logs::LogGroup/Ref":   set.LogGroupName(),
		"AWS::KMS::Key/Ref":         "made",
		"AWS::KMS::Key/Arn":         madeKey(region),
	}
	var resolve func(v any) any
	attribute := func(id, name string) string {
		if topic, ok := file.Resources[id].Properties["TopicName"].(string); ok && name == "Ref" {
			return here.ARN("sns", topic)
		}
		value, ok := known[file.Resources[id].Type+"/"+name]
		if file.Resources[id].Type == "AWS::S3::MultiRegionAccessPoint" {
			value, ok = id+"."+name, true
		}
		if stack == set.AuditStackName() {
			value, ok = map[string]string{
				"AWS::S3::Bucket/Ref": auditBucket, "AWS::S3::Bucket/Arn": "arn:aws:s3:::" + auditBucket,
				"AWS::Logs::LogGroup/Ref": set.AuditLogGroupName(), "AWS::Logs::LogGroup/Arn": set.AuditLogGroupARN(testAccount) + ":*",
				"AWS::IAM::Role/Arn": roleMade(here, file.Resources[id].Properties["RoleName"]),
			}[file.Resources[id].Type+"/"+name]
		}
		if isAdoption(resource{ID: id}) {
			value, ok = map[string]string{
				"AWS::Lambda::Function/Arn": here.ARN("lambda", "function:"+here.AdopterName()),
				"AWS::IAM::Role/Arn":        strings.Replace(here.RoleARN(), here.RoleName(), here.AdopterName(), 1),
				"AWS::Logs::LogGroup/Ref":   here.AdopterLogGroupName(),
			}[file.Resources[id].Type+"/"+name]
		}
		if isReconcile(resource{ID: id}) {
			value, ok = map[string]string{
				"AWS::Lambda::Function/Ref":            set.ReconcilerName(),
				"AWS::Lambda::Function/Arn":            here.ReconcilerARN(),
				"AWS::IAM::Role/Arn":                   roleMade(here, file.Resources[id].Properties["RoleName"]),
				"AWS::Logs::LogGroup/Ref":              set.ReconcilerLogGroupName(),
				"AWS::StepFunctions::StateMachine/Ref": here.ReconcileMachineARN(),
			}[file.Resources[id].Type+"/"+name]
		}
		if !ok {
			t.Fatalf("%s: no value for %s of %q", stack, name, id)
		}
		return value
	}
	resolve = func(v any) any {
		switch v := v.(type) {
		case []any:
			for i := range v {
				v[i] = resolve(v[i])
			}
		case map[string]any:
			for key, arg := range v {
				if len(v) > 1 {
					v[key] = resolve(arg)
					continue
				}
				switch key {
				case "Ref":
					switch arg {
					case "AWS::AccountId":
						return testAccount
					case "AWS::Partition":
						return "aws"
					}
					return attribute(arg.(string), "Ref")
				case "Fn::GetAtt":
					list := arg.([]any)
					return attribute(list[0].(string), list[1].(string))
				case "Fn::ImportValue":
					return "imported(" + arg.(string) + ")"
				case "Fn::Sub":
					return strings.ReplaceAll(arg.(string), "${AWS::AccountId}", testAccount)
				case "Fn::Join":
					var b strings.Builder
					for _, part := range arg.([]any)[1].([]any) {
						b.WriteString(resolve(part).(string))
					}
					return b.String()
				default:
					v[key] = resolve(arg)
				}
			}
		}
		return v
	}
	result := template{exports: map[string]any{}}
	for _, output := range file.Outputs {
		if name := output.Export.Name; name != "" {
			result.exports[name] = resolve(output.Value)
		}
	}
	for id, r := range file.Resources {
		result.resources = append(result.resources, resource{
			ID: id, Type: r.Type, DependsOn: r.DependsOn, Deletion: r.DeletionPolicy,
			Properties: resolve(r.Properties).(map[string]any),
		})
	}
	return result
}

// roleMade is the ARN of a role that the stack makes.
func roleMade(here replicaset.Member, name any) string {
	text, _ := name.(string)
	return here.IAMARN("role/" + text)
}

// all returns the resources of a type.
func (tp template) all(kind string) []resource {
	var found []resource
	for _, r := range tp.resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

// one returns the only resource of a type.
func (tp template) one(t *testing.T, kind string) resource {
	t.Helper()
	found := tp.all(kind)
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, want one", len(found), kind)
	}
	return found[0]
}

// at walks into nested maps and lists: "Rules.0.Status".
func (r resource) at(path string) any {
	var v any = r.Properties
	for _, step := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}
