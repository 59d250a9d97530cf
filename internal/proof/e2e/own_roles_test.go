package e2e

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// rolesBefore is an assembly in which a stack in each Region makes the role that a
// set with roles of its own makers would have, before the Region's own stack.
// withRoles are the set's templates with roles, from which they are taken.
func rolesBefore(t *testing.T, set, withRoles fs.FS, name string) fs.FS {
	t.Helper()
	all := editable(t, set)
	var manifest map[string]any
	if err := json.Unmarshal(all.files["manifest.json"].Data, &manifest); err != nil {
		t.Fatal(err)
	}
	artifacts := manifest["artifacts"].(map[string]any)
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		stack, own := name+"-"+region, "roles-"+region
		raw, err := fs.ReadFile(withRoles, stack+".template.json")
		if err != nil {
			t.Fatal(err)
		}
		var template struct{ Resources map[string]map[string]any }
		if err := json.Unmarshal(raw, &template); err != nil {
			t.Fatal(err)
		}
		role := template.Resources["Role"]
		role["Properties"].(map[string]any)["RoleName"] = "copies-" + region
		data, err := json.Marshal(map[string]any{"Resources": map[string]any{"Role": role}})
		if err != nil {
			t.Fatal(err)
		}
		all.files[own+".template.json"] = &fstest.MapFile{Data: data}
		artifact := artifacts[stack].(map[string]any)
		dependencies, _ := artifact["dependencies"].([]any)
		artifacts[own] = map[string]any{
			"type": artifact["type"], "environment": artifact["environment"],
			"properties": map[string]any{"templateFile": own + ".template.json"},
		}
		artifact["dependencies"] = append(dependencies, own)
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	all.files["manifest.json"] = &fstest.MapFile{Data: data}
	return all.files
}

// TestRolesOfOnesOwn runs a set whose roles others made. Objects travel, and each
// replica's event costs what a replica event costs; once cdk.json says the roles' IDs, it
// costs nothing any more. doctor finds both right.
func TestRolesOfOnesOwn(t *testing.T) {
	t.Parallel()
	const regions = `"name":"own","regions":["us-east-1","eu-west-1"]`
	const roles = regions + `,"roleArn":"arn:aws:iam::{account}:role/copies-{region}"`
	withRoles := synthesize(t, `{"s3fanout":{`+regions+`}}`)
	config := func(fields string) (context, path string) {
		context = `{"s3fanout":{` + fields + `}}`
		path = filepath.Join(t.TempDir(), "cdk.json")
		if err := os.WriteFile(path, []byte(`{"context":`+context+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return context, path
	}
	context, path := config(roles)
	w := start(t, rolesBefore(t, synthesize(t, context), withRoles, "own"))
	w.wantHealthOf(path, nil)
	first := object{key: "first", body: "1"}
	w.upload("us-east-1", first)
	w.settle()
	w.wantEverywhere(first)
	// The copy in eu-west-1, and us-east-1's look at the event of it.
	if got := invocations(w.sandbox.Stats()); got != 2 {
		t.Errorf("%d invocations without the roles' IDs, want 2", got)
	}

	ids := map[string]string{}
	for _, region := range w.regions {
		out, err := iam.NewFromConfig(w.config(region)).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("copies-" + region)})
		if err != nil {
			t.Fatal(err)
		}
		ids[region] = aws.ToString(out.Role.RoleId)
	}
	known, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	context, path = config(roles + `,"roleIds":` + string(known))
	w.update(rolesBefore(t, synthesize(t, context), withRoles, "own"))
	w.wantHealthOf(path, nil)
	second := object{key: "second", body: "2"}
	w.upload("eu-west-1", second)
	w.settle()
	w.wantEverywhere(second)
	if got := invocations(w.sandbox.Stats()); got != 3 {
		t.Errorf("%d invocations in all, want 3: with the roles' IDs an upload wakes one function", got)
	}
	w.wantLetters("us-east-1", 0)
	w.wantLetters("eu-west-1", 0)
	if code, stdout, stderr := w.command("backfill", "--config", path); code != 0 {
		t.Errorf("backfill: exit %d\n%s%s", code, stdout, stderr)
	}
}
