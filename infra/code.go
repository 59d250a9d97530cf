package infra

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// Code gives the code of the Lambda functions. It is called for each function of
// each stack and has to return a new value each time, because an asset of the CDK
// belongs to one stack. program says whose code is wanted: it is a package main of
// this module, such as "lambda". The code is an archive with an executable for
// Linux that is called bootstrap, built for Config.FunctionArchitecture with
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w"
//
// A nil Code has the go command do so while the app runs. It then has to be on
// the PATH, and the working directory in the module of the app, as with
// "go run"; the programs are left in the CDK's output directory.
type Code func(program string) awslambda.Code

// Replicator is the program that copies objects, the one that a set always needs.
const Replicator = "lambda"

// Programs are the programs that a set with the configuration needs.
func Programs(config Config) []string {
	programs := []string{Replicator}
	if len(config.Buckets) > 0 {
		programs = append(programs, Adopter)
	}
	if config.Reconcile != nil {
		programs = append(programs, Reconciler)
	}
	return programs
}

// CodeFrom takes the programs from a directory: that of each program is called
// as "make function" calls it, and holds one for each processor.
func CodeFrom(dir, architecture string) Code {
	return func(program string) awslambda.Code {
		from := ProgramDir(dir, program, architecture)
		return awslambda.Code_FromAsset(jsii.String(from), &awss3assets.AssetOptions{
			// The assembly holds a copy under a hash. What runs templates elsewhere
			// finds by this name which program is meant.
			DisplayName: jsii.String(filepath.ToSlash(from)),
		})
	}
}

// ProgramDir is the directory below dir with the program for the processor.
func ProgramDir(dir, program, architecture string) string {
	name := path.Base(program)
	if program == Replicator {
		name = "function"
	}
	return filepath.Join(dir, name, architecture)
}

// orBuilt is the code, or what the go command builds.
func (c Code) orBuilt(scope constructs.Construct, set replicaset.Config) (Code, error) {
	if c != nil {
		return c, nil
	}
	stage, ok := scope.(interface{ Outdir() *string }) // an app or stage is in none but itself
	if !ok {
		stage = awscdk.Stage_Of(scope)
	}
	dir, architecture := filepath.Join(*stage.Outdir(), "s3fanout"), set.Architecture()
	for _, program := range Programs(Config(set)) {
		if err := build(program, ProgramDir(dir, program, architecture), architecture); err != nil {
			return nil, err
		}
	}
	return CodeFrom(dir, architecture), nil
}

// build has the go command build a program of this module into dir.
func build(program, dir, architecture string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("go is not on the PATH to build the functions' code with; give the code, see infra.Code")
	}
	target := path.Join(module(), program)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", filepath.Join(dir, "bootstrap"), target}
	cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // the app's author says the directory
	processor := map[string]string{replicaset.ARM64: "arm64", replicaset.X86: "amd64"}[architecture]
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+processor)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return fmt.Errorf("build %s for the functions: %w: %s; give the code, see infra.Code", target, err, said)
	}
	return nil
}

// module is the path of this module, whatever it is called.
func module() string {
	return path.Dir(reflect.TypeFor[Config]().PkgPath())
}
