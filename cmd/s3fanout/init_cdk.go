package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
)

// cdkVersion is the version of the npm package aws-cdk that package.json pins, too.
const cdkVersion = "2.1148.1"

// cdkApp says how the CDK runs the app that makes the templates.
type cdkApp struct {
	app, build, schema string // of cdk.json
	install            string // the command that installs the CDK's own command
	command            string // how this command is called
}

// findCDKApp finds the app that belongs to this command: in a checkout its source,
// which go run takes, otherwise the program that a release has beside the command.
func findCDKApp() (cdkApp, error) {
	exe, err := os.Executable()
	directory, errDirectory := os.Getwd()
	if err := errors.Join(err, errDirectory); err != nil {
		return cdkApp{}, fmt.Errorf("find the CDK app that came with this command: %w", err)
	}
	return cdkAppOf(exe, directory, exec.LookPath)
}

// cdkAppOf is the app that belongs to the command exe in a working directory.
func cdkAppOf(exe, directory string, lookPath func(string) (string, error)) (cdkApp, error) {
	beside := filepath.Dir(exe)
	if isRegular(filepath.Join(directory, "infra", "app", "main.go")) && isSame(beside, filepath.Join(directory, "bin")) {
		return cdkApp{
			app: "go run ./infra/app", build: "make function", schema: "./docs/schema/cdk.json", install: "npm ci",
			command: calledAs(exe, filepath.Join("bin", "s3fanout"), lookPath),
		}, nil
	}
	name := "s3fanout-cdk"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	app := filepath.Join(beside, name)
	if !isRegular(app) { // or in what a link leads to
		if resolved, err := filepath.EvalSymlinks(exe); err == nil {
			app = filepath.Join(filepath.Dir(resolved), name)
		}
	}
	if !isRegular(app) {
		return cdkApp{}, errors.New(
			"the CDK app s3fanout-cdk is not beside this command; run init in a checkout after `make build`, or install a release",
		)
	}
	return cdkApp{
		app: calledAs(app, app, lookPath), install: "npm install --save-dev aws-cdk@" + cdkVersion,
		command: calledAs(exe, exe, lookPath),
	}, nil
}

// calledAs is how a shell calls a program: by its name where the PATH leads to it,
// otherwise as elsewhere says.
func calledAs(program, elsewhere string, lookPath func(string) (string, error)) string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	if found, err := lookPath(name); err == nil && isSame(found, program) {
		return name
	}
	if strings.Contains(elsewhere, " ") {
		return `"` + elsewhere + `"`
	}
	return elsewhere
}

// isSame reports whether two paths lead to the same file.
func isSame(path, other string) bool {
	a, errA := os.Stat(path)
	b, errB := os.Stat(other)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// file is the content of cdk.json.
func (c cdkApp) file(answers initAnswers) ([]byte, error) {
	type replicaSet struct {
		Name    string            `json:"name"`
		Regions []string          `json:"regions"`
		OptIn   bool              `json:"allowOptInRegions,omitempty"`
		Buckets map[string]string `json:"buckets,omitempty"`
		Follow  []string          `json:"follow,omitempty"`
	}
	set := answers.set()
	var b bytes.Buffer
	err := writeJSONDocument(&b, struct {
		Schema           string         `json:"$schema,omitempty"`
		App              string         `json:"app"`
		Build            string         `json:"build,omitempty"`
		VersionReporting bool           `json:"versionReporting"` // as in the project's own cdk.json
		PathMetadata     bool           `json:"pathMetadata"`
		AssetMetadata    bool           `json:"assetMetadata"`
		Context          map[string]any `json:"context"`
	}{
		Schema: c.schema, App: c.app, Build: c.build,
		Context: map[string]any{
			replicaset.ContextKey: replicaSet{set.Name, set.Regions, set.OptInRegions, set.Buckets, set.Follow.Names()},
		},
	})
	return b.Bytes(), err
}

// next are the commands that come after init, each with what it is for.
func (c cdkApp) next(set replicaset.Config, path string) string {
	var b strings.Builder
	add := func(command, what string) { fmt.Fprintf(&b, "  # %s\n  %s\n", what, command) }
	command := c.command
	if path != "cdk.json" {
		add("mv "+path+" cdk.json", "the CDK reads it in the working directory, and under this name alone")
	}
	add(c.install, "the CDK's command; it needs Node.js 22 or 24")
	switch {
	case len(set.Buckets) == 0:
		add("npx cdk synth --quiet && "+command+" sandbox --templates cdk.out", "try it on this machine, without AWS; Ctrl-C ends it")
	case set.Follow.Any():
		fmt.Fprintln(&b, "  # set followSince in cdk.json: docs/what-wins.md says to what")
		fallthrough
	default:
		add(command+" adopt --check", "can the existing buckets be members?")
	}
	bootstrap := "npx cdk bootstrap"
	for _, region := range set.Regions {
		bootstrap += " aws://ACCOUNT/" + region
	}
	add(bootstrap, "once for each account and Region")
	add("npx cdk deploy --all", "deploy every Region")
	add(command+" doctor", "check the deployment")
	return b.String()
}

// initPrice says what the set costs a month: what is fixed, and a million uploads.
func initPrice(set replicaset.Config) string {
	usage := cost.Usage{Regions: set.Regions, Objects: 1_000_000, Size: 1 << 20, Follow: set.Follow}
	computed := document.NewCost(usage)
	bills, note := computed.Designs, ""
	if len(computed.AssumedPrices) > 0 {
		note = " Prices of " + strings.Join(computed.AssumedPrices, ", ") + " are not known, and assumed."
	}
	mine := bills[slices.IndexFunc(bills, func(d document.CostDesign) bool { return d.Design == string(cost.S3Fanout) })]
	return fmt.Sprintf("Estimated cost: %s a month, and %s for a million uploads of 1 MiB, most of it transfer between Regions. "+
		"s3fanout cost estimates your own.%s", dollars(mine.Fixed), dollars(mine.Dollars-mine.Fixed), note)
}

// hasCredentials reports whether there seem to be AWS credentials, without asking
// anybody.
func hasCredentials(getenv func(string) string) bool {
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	} {
		if getenv(name) != "" {
			return true
		}
	}
	home, err := os.UserHomeDir()
	return err == nil && (isRegular(filepath.Join(home, ".aws", "credentials")) || isRegular(filepath.Join(home, ".aws", "config")))
}
