package snapshot

import (
	"encoding/json"
	"io/fs"
	"testing"
)

func TestEveryStackHasItsTemplate(t *testing.T) {
	raw, err := fs.ReadFile(FS(), "manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties struct{ TemplateFile string }
		}
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{"manifest.json": true}
	for id, artifact := range manifest.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" {
			t.Errorf("%s: type %q, want stacks only", id, artifact.Type)
		}
		file := artifact.Properties.TemplateFile
		files[file] = true
		raw, err := fs.ReadFile(FS(), file)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		var template struct{ Resources map[string]any }
		if err := json.Unmarshal(raw, &template); err != nil || len(template.Resources) == 0 {
			t.Errorf("%s: %d resources, error %v, want a template with resources", file, len(template.Resources), err)
		}
	}
	if len(manifest.Artifacts) == 0 {
		t.Error("the manifest has no stacks")
	}
	all, err := fs.ReadDir(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		if !files[entry.Name()] {
			t.Errorf("%s belongs to no stack", entry.Name())
		}
	}
}
