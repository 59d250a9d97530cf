package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// initWith runs the command in an empty directory, with nobody to be asked.
func initWith(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &out, stderr: &out, getenv: func(string) string { return "" }, output: outputText,
		configPath: "cdk.json",
	}
	cmd := initCommand(a, func() (cdkApp, error) {
		return cdkApp{app: "s3fanout-cdk", install: "npm install", command: "s3fanout"}, nil
	})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// What init writes is what was said, and is there once.
func TestInitWrites(t *testing.T) {
	t.Chdir(t.TempDir())
	shown, err := initWith(t, "--name", "media", "--regions", "us-east-1,eu-south-1", "--bucket", "us-east-1=my-old-bucket",
		"--mode", "follow", "--allow-opt-in-regions")
	if err != nil {
		t.Fatal(err)
	}
	want := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-south-1"}, OptInRegions: true,
		Buckets: map[string]string{"us-east-1": "my-old-bucket"},
		Follow:  replicaset.Follow{Overwrites: true, Deletions: true, Tags: true},
	}
	if got, err := replicaset.Load("cdk.json"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, want := range []string{
		"Estimated cost: $", "s3fanout adopt --check", "set followSince", "aws://ACCOUNT/us-east-1 aws://ACCOUNT/eu-south-1",
		"npx cdk deploy --all",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
	written, err := os.ReadFile("cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := initWith(t, "--name", "other", "--regions", "us-east-1,eu-west-1"); !errors.As(err, &usageError{}) {
		t.Errorf("over a file that is there: got %v", err)
	}
	if after, err := os.ReadFile("cdk.json"); err != nil || !bytes.Equal(after, written) {
		t.Errorf("the file was changed to %s, %v", after, err)
	}
	if shown, err := initWith(t, "--name", "other", "--regions", "us-east-1,eu-west-1", "--dry-run"); err != nil ||
		!json.Valid([]byte(shown)) {
		t.Errorf("dry run: got %s, %v", shown, err)
	}
	if _, err := initWith(t, "--name", "other", "--regions", "us-east-1,eu-west-1", "--force"); err != nil {
		t.Error(err)
	}
	if got, err := replicaset.Load("cdk.json"); err != nil || got.Name != "other" || got.Follow.Any() {
		t.Errorf("replaced: got %+v, %v", got, err)
	}
}

// Who sees a price that is assumed is told so, as by s3fanout cost.
func TestInitSaysWhichPricesAreAssumed(t *testing.T) {
	t.Chdir(t.TempDir())
	shown, err := initWith(t, "--name", "media", "--regions", "cn-north-1,cn-northwest-1")
	text := strings.Join(strings.Fields(shown), " ")
	if err != nil || !strings.Contains(text, "Prices of cn-north-1, cn-northwest-1 are not known, and assumed.") {
		t.Errorf("got %v, %s", err, shown)
	}
	if shown, err := initWith(t, "--force", "--name", "media", "--regions", "us-east-1,eu-west-1"); err != nil ||
		strings.Contains(shown, "assumed") {
		t.Errorf("known prices: got %v, %s", err, shown)
	}
}

// What cannot be used is refused in a line, and nothing is written.
func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tc := range []struct {
		row, args, want string
	}{
		{"cm-60", "--name media", "there is no terminal to ask on; give --name and --regions"},
		{"cm-61", "--name Media --regions us-east-1,eu-west-1", `s3fanout.name: "Media" is not usable in bucket and stack names`},
		{"cm-62", "--name media --regions us-east-1,eu-west-9", `s3fanout.regions[1]: "eu-west-9" is not an AWS Region`},
		{"cm-63", "--name media --regions us-east-1,eu-west-1 --bucket mine",
			`--bucket "mine" is not REGION=NAME, such as us-east-1=my-bucket`},
		{"cm-64", "--name media --regions us-east-1,eu-west-1 --bucket us-east-1=a1b --bucket us-east-1=c2d",
			"us-east-1 has a bucket already, a1b; leave one out"},
		{"cm-65", "--name media --regions us-east-1,eu-west-1 --check", "there are none; name one with --bucket REGION=NAME"},
		{"cm-88", "--name media --regions us-east-1,eu-south-1",
			"leave it out, or allow it with --allow-opt-in-regions and test that objects arrive"},
		{"cm-66", "--name media --regions us-east-1,eu-west-1 --mode sync", "it has to be first-write-wins or follow"},
	} {
		t.Run(tc.row, func(t *testing.T) {
			if _, err := initWith(t, strings.Fields(tc.args)...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want %s", tc.args, err, tc.want)
			}
			if _, err := os.Stat("cdk.json"); err == nil {
				t.Fatal("a file was written")
			}
		})
	}
}

// In a checkout the app is its source, elsewhere what came with the command.
func TestTheCDKAppOfACommand(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	for _, path := range []string{
		"checkout/infra/app/main.go", "checkout/bin/s3fanout", "usr/bin/s3fanout", "usr/bin/s3fanout-cdk", "my tools/s3fanout",
		"my tools/s3fanout-cdk", "alone/s3fanout",
	} {
		if err := os.MkdirAll(filepath.Dir(at(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(path), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(at("usr/bin/s3fanout"), at("linked")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("checkout"), at("link")); err != nil {
		t.Fatal(err)
	}
	onPath := func(name string) (string, error) {
		path := at("usr/bin/" + name)
		_, err := os.Stat(path)
		return path, err
	}
	npm := "npm install --save-dev aws-cdk@" + cdkVersion
	for _, tc := range []struct {
		exe, directory string
		want           cdkApp
	}{
		{"checkout/bin/s3fanout", "checkout",
			cdkApp{app: "go run ./infra/app", build: "make function", schema: "./docs/schema/cdk.json", install: "npm ci",
				command: "bin/s3fanout"}},
		{"checkout/bin/s3fanout", "link",
			cdkApp{app: "go run ./infra/app", build: "make function", schema: "./docs/schema/cdk.json", install: "npm ci",
				command: "bin/s3fanout"}},
		{"usr/bin/s3fanout", "alone", cdkApp{app: "s3fanout-cdk", install: npm, command: "s3fanout"}},
		{"usr/bin/s3fanout", "checkout", cdkApp{app: "s3fanout-cdk", install: npm, command: "s3fanout"}},
		{"linked", "alone", cdkApp{app: "s3fanout-cdk", install: npm, command: at("linked")}},
		{"my tools/s3fanout", "alone",
			cdkApp{app: `"` + at("my tools/s3fanout-cdk") + `"`, install: npm, command: `"` + at("my tools/s3fanout") + `"`}},
	} {
		if got, err := cdkAppOf(at(tc.exe), at(tc.directory), onPath); err != nil || got != tc.want {
			t.Errorf("%s in %s: got %+v, %v, want %+v", tc.exe, tc.directory, got, err, tc.want)
		}
	}
	if _, err := cdkAppOf(at("alone/s3fanout"), dir, onPath); err == nil {
		t.Error("a command without an app has one")
	}
}

// The version of the CDK's command is that of package.json and of the pages.
func TestTheCDKsVersion(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if got := file.DevDependencies["aws-cdk"]; got != cdkVersion {
		t.Errorf("package.json has %s, init says %s", got, cdkVersion)
	}
	for _, page := range pages(t) {
		content, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`aws-cdk@(\d[0-9.]*\d)`).FindAllSubmatch(content, -1) {
			if string(m[1]) != cdkVersion {
				t.Errorf("%s has %s, init says %s", page, m[1], cdkVersion)
			}
		}
	}
}
