package infra

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
const Replicator = replicaset.Replicator

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
		return asset(from, from, directoryHash(from))
	}
}

// CodeFromArchives takes the programs from the archives of a release, which are
// all in one directory and are called as ArchiveName says. They are uploaded as
// they are, so that the program stays executable where the file system knows no
// such thing, and have the hash that CodeFrom gives to the same program.
func CodeFromArchives(dir, architecture string) Code {
	return func(program string) awslambda.Code {
		archive := filepath.Join(dir, ArchiveName(program, architecture))
		return asset(archive, ProgramDir("", program, architecture), archiveHash(archive))
	}
}

// asset is the code at path. The assembly holds a copy of it under a hash. What
// runs templates elsewhere finds by the name that is displayed which program is
// meant.
func asset(path, displayed, hash string) awslambda.Code {
	options := awss3assets.AssetOptions{DisplayName: jsii.String(filepath.ToSlash(displayed))}
	if hash != "" {
		options.AssetHash, options.AssetHashType = jsii.String(hash), awscdk.AssetHashType_CUSTOM
	}
	return awslambda.Code_FromAsset(jsii.String(path), &options)
}

// directoryHash is the hash of the program in a directory, empty if it cannot be
// read, which the CDK then reports.
func directoryHash(dir string) string {
	f, err := os.Open(filepath.Join(dir, Executable))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was read only
	return contentHash(f)
}

// archiveHash is the hash of the program in an archive, empty if it cannot be
// read.
func archiveHash(name string) string {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return ""
	}
	defer func() { _ = archive.Close() }() // it was read only
	f, err := archive.Open(Executable)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was read only
	return contentHash(f)
}

func contentHash(r io.Reader) string {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Executable is the name that a program has in its archive and in its directory:
// Lambda asks for it.
const Executable = replicaset.Executable

// ProgramDir is the directory below dir with the program for the processor.
func ProgramDir(dir, program, architecture string) string {
	return replicaset.ProgramDir(dir, program, architecture)
}

// ArchiveName is the name of a release's archive with the program for the
// processor.
func ArchiveName(program, architecture string) string {
	return replicaset.ArchiveName(program, architecture)
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
	args := []string{
		"build",
		"-trimpath",
		"-buildvcs=false",
		"-tags",
		"lambda.norpc",
		"-ldflags",
		"-s -w",
		"-o",
		filepath.Join(dir, Executable),
		target,
	}
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
