package infra

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// From a release's archives the templates are those of a checkout with the same
// programs, byte by byte: changing from one to the other changes no function.
func TestArchivesGiveTheSameTemplates(t *testing.T) {
	config := Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	dir, content := t.TempDir(), []byte("program")
	from := ProgramDir(dir, Replicator, config.Architecture())
	if err := os.MkdirAll(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, Executable), content, 0o700); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	if f, err := w.Create(Executable); err != nil {
		t.Fatal(err)
	} else if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ArchiveName(Replicator, config.Architecture())), archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	templates := func(code Code) map[string]string {
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
		if _, err := NewReplicaSet(app, ReplicaSetProps{Config: config, Code: code}); err != nil {
			t.Fatal(err)
		}
		out := *app.Synth(nil).Directory()
		files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
		if err != nil || len(files) != 4 {
			t.Fatalf("got %v and %v, want four templates", files, err)
		}
		all := map[string]string{}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(file)] = string(raw)
		}
		for key, program := range readPrograms(t, out, "media-us-east-1") {
			if program != "function" && program != "." { // "." is the template itself
				t.Errorf("asset %s is displayed as program %q", key, program)
			}
		}
		return all
	}
	want := templates(CodeFrom(dir, config.Architecture()))
	for name, got := range templates(CodeFromArchives(dir, config.Architecture())) {
		if got != want[name] {
			t.Errorf("%s differs between the archives and the directory", name)
		}
	}
}
