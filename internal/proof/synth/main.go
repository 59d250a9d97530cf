// Command synth is the CDK app for tests that need many assemblies: it loads
// the CDK once, which is most of what a synthesis costs (five seconds of a
// processor, and a third of a second for each further assembly).
//
// It reads requests from stdin, each of them a JSON document, and answers each
// with one on stdout, until stdin ends. The functions' code is below build/ in
// the working directory, as for the app. A test compares its assemblies with
// those of the app.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/infra"
)

// request asks for one assembly.
type request struct {
	Context json.RawMessage // of cdk.json
	Out     string          // the directory to write to
}

// answer says what is wrong, or nothing.
type answer struct{ Error string }

func main() {
	err := serve(os.Stdin, os.Stdout)
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

func serve(requests io.Reader, answers io.Writer) error {
	from, to := json.NewDecoder(requests), json.NewEncoder(answers)
	for {
		var q request
		switch err := from.Decode(&q); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var a answer
		if err := synthesize(q); err != nil {
			a.Error = err.Error()
		}
		if err := to.Encode(a); err != nil {
			return err
		}
	}
}

func synthesize(q request) error {
	var context map[string]json.RawMessage
	if err := json.Unmarshal(q.Context, &context); err != nil {
		return err
	}
	config, err := infra.ParseConfig(context[infra.ContextKey])
	if err != nil {
		return err
	}
	if err := config.Validate(); err != nil {
		return err
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(q.Out)})
	if _, err := infra.NewReplicaSet(app, infra.ReplicaSetProps{
		Config: config, Code: infra.CodeFrom("build", config.Architecture()),
	}); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}
