package infra

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"s3fanout/internal/replicaset"
)

// update is set by -update: write the snapshot instead of comparing it.
var update = flag.Bool("update", false, "write internal/sandbox/snapshot/templates anew")

// What internal/sandbox/snapshot embeds.
const (
	snapshotDir    = "../internal/sandbox/snapshot/templates"
	snapshotConfig = "../internal/sandbox/snapshot/replicaset.json"
)

// TestSnapshot proves that the committed templates are those of today's
// default configuration.
func TestSnapshot(t *testing.T) {
	want := normalise(t, synth(t, defaultSet(t)))
	if *update {
		if err := os.RemoveAll(snapshotDir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(snapshotDir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range want {
			if err := os.WriteFile(filepath.Join(snapshotDir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	testSnapshotConfig(t)
	entries, err := os.ReadDir(snapshotDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, ok := want[entry.Name()]; !ok {
			t.Errorf("%s is in the snapshot but not synthesized; run go test ./infra -update", entry.Name())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := os.ReadFile(filepath.Join(snapshotDir, name))
		if err != nil {
			t.Errorf("%v; run go test ./infra -update", err)
			continue
		}
		if line := firstDifference(got, want[name]); line > 0 {
			t.Errorf("%s differs from today's synth at line %d; look at the change, then run go test ./infra -update", name, line)
		}
	}
}

// testSnapshotConfig compares the committed configuration with that of cdk.json.
func testSnapshotConfig(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	want := indented(t, file.Context[replicaset.ContextKey])
	if *update {
		if err := os.WriteFile(snapshotConfig, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(snapshotConfig); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs from cdk.json (%v); run go test ./infra -update", snapshotConfig, err)
	}
}

// manifest is the part of a cloud assembly's manifest.json that a reader of
// the templates needs.
type manifest struct {
	Version   string              `json:"version"`
	Artifacts map[string]artifact `json:"artifacts"`
}

type artifact struct {
	Type         string   `json:"type"`
	Environment  string   `json:"environment,omitempty"`
	Dependencies []string `json:"dependencies,omitempty"`
	Properties   struct {
		TemplateFile string `json:"templateFile"`
	} `json:"properties"`
}

const stackArtifact = "aws:cloudformation:stack"

// readManifest reads dir's manifest and keeps the stacks and what they depend
// on among each other.
func readManifest(t *testing.T, dir string) manifest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(m.Artifacts, func(_ string, a artifact) bool { return a.Type != stackArtifact })
	for id, a := range m.Artifacts {
		a.Dependencies = slices.DeleteFunc(a.Dependencies, func(dependency string) bool {
			_, stack := m.Artifacts[dependency]
			return !stack
		})
		slices.Sort(a.Dependencies)
		m.Artifacts[id] = a
	}
	return m
}

// normalise returns the files of the snapshot for the cloud assembly in dir:
// stacks only, code hashes replaced by programs' names, keys sorted, indented.
func normalise(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	m := readManifest(t, dir)
	files := map[string][]byte{"manifest.json": indented(t, m)}
	asset := regexp.MustCompile(`[0-9a-f]{64}\.zip`)
	for id, a := range m.Artifacts {
		raw, err := os.ReadFile(filepath.Join(dir, a.Properties.TemplateFile))
		if err != nil {
			t.Fatal(err)
		}
		programs := readPrograms(t, dir, id)
		var tmpl any
		if err := json.Unmarshal(asset.ReplaceAllFunc(raw, func(key []byte) []byte {
			return []byte(programs[string(key)] + ".zip")
		}), &tmpl); err != nil {
			t.Fatal(err)
		}
		files[a.Properties.TemplateFile] = indented(t, tmpl)
	}
	return files
}

// readPrograms returns the names of a stack's programs, by the key of their
// asset: that of the directory which holds one for each processor.
func readPrograms(t *testing.T, dir, stack string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, stack+".assets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var assets struct {
		Files map[string]struct {
			DisplayName  string
			Destinations map[string]struct{ ObjectKey string }
		}
	}
	if err := json.Unmarshal(raw, &assets); err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{}
	for _, file := range assets.Files {
		for _, destination := range file.Destinations {
			programs[destination.ObjectKey] = path.Base(path.Dir(file.DisplayName))
		}
	}
	return programs
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// firstDifference returns the first line, from 1, at which a and b differ,
// and 0 if they are equal.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	la, lb := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(la), len(lb)) {
		if !bytes.Equal(la[i], lb[i]) {
			return i + 1
		}
	}
	return min(len(la), len(lb)) + 1
}
