package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"s3fanout/infra"
	"s3fanout/internal/proof/buildinput"
)

// TestExampleIsAnAppOfItsOwn builds the example in a module that requires this
// one, as another CDK app does, and synthesizes it: six stacks, with a function
// that the go command built.
func TestExampleIsAnAppOfItsOwn(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := buildinput.Declare(t.Context(), root, "./infra/example", "./lambda"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module, _, _ := strings.Cut(reflect.TypeFor[infra.Config]().PkgPath(), "/infra")
	for name, content := range map[string][]byte{
		"main.go": read(t, "main.go"),
		// The versions are in the module cache; another app says "go get".
		"go.mod": append(regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(
			read(t, filepath.Join(root, "go.mod")), []byte("module example.com/app"),
		),
			"\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n"...),
		"go.sum": read(t, filepath.Join(root, "go.sum")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CDK_OUTDIR="+filepath.Join(dir, "cdk.out"), "GOPROXY=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run("go", "build", "-o", "app", ".")
	run("./app")

	for _, region := range []string{"us-east-1", "eu-west-1", "ap-northeast-1"} {
		for stack, resource := range map[string]string{
			"media-" + region: "AWS::Lambda::Function", "media-" + region + "-mesh": "AWS::SNS::Subscription",
		} {
			if template := read(t, filepath.Join(dir, "cdk.out", stack+".template.json")); !bytes.Contains(template, []byte(resource)) {
				t.Errorf("%s has no %s", stack, resource)
			}
		}
	}
	programs, err := filepath.Glob(filepath.Join(dir, "cdk.out", "asset.*", "bootstrap"))
	if err != nil || len(programs) != 1 {
		t.Fatalf("programs %v, %v", programs, err)
	}
	program, err := elf.Open(programs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	if program.Machine != elf.EM_AARCH64 {
		t.Errorf("the function is for %v, want arm64", program.Machine)
	}
}

// TestPageShowsTheExample holds the page's call against the program that it names.
func TestPageShowsTheExample(t *testing.T) {
	page := string(read(t, "../../docs/import.md"))
	_, call, _ := strings.Cut(page, "```go\n")
	call, _, ok := strings.Cut(call, "```")
	unindented := strings.ReplaceAll(string(read(t, "main.go")), "\n\t", "\n")
	if !ok || !strings.Contains(unindented, strings.TrimSuffix(call, ")\n")) || !strings.Contains(page, "`infra/example/main.go`") {
		t.Error("docs/import.md does not show the call of infra/example/main.go, or does not name it")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
