package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cdk deploys the app as a user does, through make and the cdk command.
type cdk struct {
	o         options
	log       *os.File
	variables []string // of the environment, besides this process's own
	written   bool     // the templates are taken as they are in the directory
}

func (c *cdk) env() []string { return append(os.Environ(), c.variables...) }

// assembly is where the run's templates are.
func (c *cdk) assembly() string { return filepath.Join(c.o.dir, "cdk.out") }

// options are those of the cdk command that make the app this run's, or that
// take the templates as they were written.
func (c *cdk) options() []string {
	if c.written {
		return []string{"--app", c.assembly(), "--no-notices"}
	}
	return []string{"--context", "s3fanout=" + c.o.context, "--output", c.assembly(), "--no-notices"}
}

// quoted are the same for a shell.
func (c *cdk) quoted() string {
	var b strings.Builder
	for _, option := range c.options() {
		b.WriteString(" '" + option + "'") // JSON and paths of a run have no single quotation marks
	}
	return b.String()
}

// synth writes the assembly.
func (c *cdk) synth(ctx context.Context) error {
	return must(ctx, c.env(), c.log, "npx", append([]string{"cdk", "synth", "--quiet"}, c.options()...)...)
}

// deploy deploys every stack, without a terminal.
func (c *cdk) deploy(ctx context.Context) error {
	return must(ctx, c.env(), c.log, "make", "--no-print-directory", "deploy", "APPROVAL=never", "CDK_OPTIONS="+c.quoted())
}

// deployUnapproved tries to deploy without a terminal and without a word about
// approval, which has to deploy nothing.
func (c *cdk) deployUnapproved(ctx context.Context) error {
	o, err := execute(ctx, c.env(), c.log, "make", "--no-print-directory", "deploy", "CDK_OPTIONS="+c.quoted())
	switch {
	case err != nil:
		return err
	case o.code == 0:
		return fmt.Errorf("make deploy deployed without a terminal and without APPROVAL=never; the log is %s", c.log.Name())
	case !strings.Contains(o.stdout+o.stderr, "unable to get a confirmation"):
		return fmt.Errorf("make deploy failed for another reason than that nobody approved it: %s; the log is %s", o.last(), c.log.Name())
	}
	return nil
}

// repair puts back what was changed by hand.
func (c *cdk) repair(ctx context.Context, region string) error {
	args := append([]string{"cdk", "deploy", "--revert-drift", "--exclusively", "--require-approval", "never"}, c.options()...)
	return must(ctx, c.env(), c.log, "npx", append(args, c.o.set.RegionStackName(region))...)
}

func (c *cdk) destroy(ctx context.Context) error {
	return must(ctx, c.env(), c.log, "npx", append([]string{"cdk", "destroy", "--all", "--force"}, c.options()...)...)
}
