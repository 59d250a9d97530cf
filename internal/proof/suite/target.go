package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// target is where a replica set is deployed.
type target interface {
	// describe says what it is, with its version, for the report.
	describe() string
	// start makes it ready for a deployment.
	start(ctx context.Context) error
	// deploy deploys the replica set, and repair what of it was changed by hand
	// in a Region.
	deploy(ctx context.Context) error
	repair(ctx context.Context, region string) error
	// destroy deletes the stacks; what they retain stays.
	destroy(ctx context.Context) error
	// close ends what start began. It may be called after any error.
	close() error

	// config is that of clients of a Region, and env the environment of commands.
	config(ctx context.Context, region string) (aws.Config, error)
	env() []string

	// differences are what it is known to do otherwise than AWS.
	differences() []difference
}

// difference is what a target does otherwise than AWS.
type difference struct {
	id    string
	what  string
	fault string // whose it is
	// override is what the suite does about it, if anything, and apply does it
	// after the deployment.
	override string
	apply    func(ctx context.Context, w *world) error
	// findings are the checks of doctor that fail for it.
	findings []string
	// fails are the steps, and answers the checks, that end otherwise than on AWS.
	fails, answers []string
}

// newTarget makes the target of the options. log takes what its programs write.
func newTarget(o options, log *os.File) (target, error) {
	switch o.target {
	case sandboxTarget:
		return &sandboxRun{cdk: cdk{o: o, log: log}}, nil
	case emulatorTarget:
		return &emulatorRun{cdk: cdk{o: o, log: log}, interfaces: net.Interfaces}, nil
	case accountTarget:
		return &accountRun{cdk: cdk{o: o, log: log}}, nil
	}
	return nil, fmt.Errorf("no target %q", o.target)
}
