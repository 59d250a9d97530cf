// Package snapshot holds the synthesized templates of the default
// configuration, so that they can be run where the CDK and Node are not
// installed.
//
// It has the layout of a cloud assembly (cdk.out): manifest.json names the
// stacks, their environments, templates and dependencies. What a deployment
// alone needs is left out, and the hash of a function's code is replaced by the
// name of its program. A test of the infrastructure proves that the rest equals
// what the CDK app synthesizes; `go test ./infra -update` writes it anew.
package snapshot

import (
	"embed"
	"fmt"
	"io/fs"

	"s3fanout/internal/replicaset"
)

//go:embed templates
var templates embed.FS

//go:embed replicaset.json
var configuration []byte

// Config returns the configuration that the templates were synthesized from.
func Config() (replicaset.Config, error) {
	c, err := replicaset.Parse(configuration)
	if err != nil {
		return c, fmt.Errorf("the snapshot's configuration: %w", err)
	}
	return c, nil
}

// FS returns the assembly, with manifest.json at its root. It is read-only
// and may be used concurrently.
func FS() fs.FS {
	sub, err := fs.Sub(templates, "templates")
	if err != nil {
		panic(err) // the name is a constant that go:embed has checked
	}
	return sub
}
