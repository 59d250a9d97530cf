// Command app is the CDK app: it synthesizes the CloudFormation templates of
// the replica set that cdk.json describes. What it makes is package infra's.
//
// The configuration is the key "s3fanout" in the context of cdk.json. It is
// validated before anything is made; a bad one ends the app with one line on
// stderr and exit code 2. The cdk command runs the app; with CDK_OUTDIR and
// CDK_CONTEXT_JSON in the environment it runs without.
//
// A release has it as s3fanout-cdk beside the command s3fanout, which does not
// link the CDK: "app" in cdk.json names it, and no checkout is needed.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/infra"
)

// exitUsage is the exit code for input that cannot be used.
const exitUsage = 2

func main() {
	code := run(os.Getenv, os.Stderr)
	// Also after bad input: jsii unpacks itself when the program is loaded.
	jsii.Close()
	os.Exit(code)
}

// run synthesizes the app that the environment describes and returns the exit
// code. Node starts only for input that can be used: it takes a second, and jsii
// has things of its own to say on stderr.
func run(getenv func(string) string, stderr io.Writer) int {
	config, err := configuration(getenv)
	var from programs
	if err == nil {
		var executable string
		if executable, err = os.Executable(); err == nil {
			from = findPrograms(executable)
			err = from.check(config)
		}
	}
	if err == nil {
		err = checkNode(getenv)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "s3fanout:", err)
		return exitUsage
	}
	app := awscdk.NewApp(nil)
	if _, err := infra.NewReplicaSet(app, infra.ReplicaSetProps{
		Config: config,
		Code:   from.code(config.Architecture()),
	}); err != nil {
		_, _ = fmt.Fprintln(stderr, "s3fanout:", err)
		return exitUsage
	}
	app.Synth(nil)
	return 0
}

// checkNode reports that jsii, which runs the CDK, has no node to run on. By
// itself it would panic.
func checkNode(getenv func(string) string) error {
	if getenv("JSII_RUNTIME") != "" {
		return nil
	}
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not on the PATH; install Node.js, which the CDK runs on")
	}
	return nil
}
