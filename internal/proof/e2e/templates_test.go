package e2e

import (
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// assembly is a cloud assembly that a test can change.
type assembly struct {
	t     *testing.T
	files fstest.MapFS
}

// editable copies an assembly. Assets are left out.
func editable(t *testing.T, from fs.FS) *assembly {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(from, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return &assembly{t: t, files: files}
}

// edit changes resources of every stack whose name matches the pattern
// (path.Match). A change that changes nothing fails the test: it would
// sabotage nothing.
func (a *assembly) edit(stack string, change func(resources map[string]any) (changed int)) {
	a.t.Helper()
	changed := 0
	for name, file := range a.files {
		base, isTemplate := strings.CutSuffix(name, ".template.json")
		if match, err := path.Match(stack, base); err != nil || !isTemplate || !match {
			continue
		}
		var template map[string]any
		if err := json.Unmarshal(file.Data, &template); err != nil {
			a.t.Fatal(err)
		}
		changed += change(template["Resources"].(map[string]any))
		data, err := json.Marshal(template)
		if err != nil {
			a.t.Fatal(err)
		}
		file.Data = data
	}
	if changed == 0 {
		a.t.Fatalf("the edit of %s changed nothing", stack)
	}
}

// remove takes a stack out of the assembly.
func (a *assembly) remove(stack string) {
	a.t.Helper()
	var manifest map[string]any
	if err := json.Unmarshal(a.files["manifest.json"].Data, &manifest); err != nil {
		a.t.Fatal(err)
	}
	artifacts := manifest["artifacts"].(map[string]any)
	if artifacts[stack] == nil {
		a.t.Fatalf("there is no stack %s", stack)
	}
	delete(artifacts, stack)
	delete(a.files, stack+".template.json")
	data, err := json.Marshal(manifest)
	if err != nil {
		a.t.Fatal(err)
	}
	a.files["manifest.json"].Data = data
}

// ofType calls change with the properties of every resource of a type.
func ofType(resources map[string]any, resourceType string, change func(id string, properties map[string]any)) int {
	n := 0
	for id, r := range resources {
		resource := r.(map[string]any)
		if resource["Type"] == resourceType {
			properties, _ := resource["Properties"].(map[string]any)
			change(id, properties)
			n++
		}
	}
	return n
}

// without removes every resource of a type.
func without(resourceType string) func(map[string]any) int {
	return func(resources map[string]any) int {
		removed := map[string]bool{}
		ofType(resources, resourceType, func(id string, _ map[string]any) { removed[id] = true })
		for id := range removed {
			delete(resources, id)
		}
		for _, r := range resources {
			dropDependency(r.(map[string]any), removed)
		}
		return len(removed)
	}
}

// dropDependency takes removed resources out of a DependsOn.
func dropDependency(resource map[string]any, removed map[string]bool) {
	switch d := resource["DependsOn"].(type) {
	case string:
		if removed[d] {
			delete(resource, "DependsOn")
		}
	case []any:
		var keep []any
		for _, id := range d {
			if !removed[id.(string)] {
				keep = append(keep, id)
			}
		}
		if resource["DependsOn"] = keep; len(keep) == 0 {
			delete(resource, "DependsOn")
		}
	}
}

// statements returns the statements of a role's policies and inline policies.
func statements(properties map[string]any) []map[string]any {
	var documents []any
	if d, ok := properties["PolicyDocument"]; ok {
		documents = append(documents, d)
	}
	if inline, ok := properties["Policies"].([]any); ok {
		for _, p := range inline {
			documents = append(documents, p.(map[string]any)["PolicyDocument"])
		}
	}
	var list []map[string]any
	for _, d := range documents {
		for _, s := range d.(map[string]any)["Statement"].([]any) {
			list = append(list, s.(map[string]any))
		}
	}
	return list
}

// roleStatements calls change with every statement that grants a role something.
func roleStatements(resources map[string]any, change func(statement map[string]any)) {
	for _, resourceType := range []string{"AWS::IAM::Role", "AWS::IAM::Policy"} {
		ofType(resources, resourceType, func(_ string, properties map[string]any) {
			for _, s := range statements(properties) {
				change(s)
			}
		})
	}
}

// actions returns a statement's actions.
func actions(statement map[string]any) []string {
	switch a := statement["Action"].(type) {
	case string:
		return []string{a}
	case []any:
		var list []string
		for _, v := range a {
			list = append(list, v.(string))
		}
		return list
	}
	return nil
}
