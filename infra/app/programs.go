package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"s3fanout/infra"
)

// programsDir is where "make function" leaves the programs, relative to the
// directory of cdk.json, in which the cdk command runs the app.
const programsDir = "build"

// programs is where the functions' programs come from: the archives of a
// release, or what "make function" left.
type programs struct {
	dir      string
	archives bool
}

// findPrograms finds the programs by where this app is: an installed one has
// the release's archives beside it or in ../share/s3fanout. For any other, as
// of "go run", they are below the working directory.
func findPrograms(executable string) programs {
	if resolved, err := filepath.EvalSymlinks(executable); err == nil {
		executable = resolved // as Homebrew links it
	}
	bin := filepath.Dir(executable)
	for _, dir := range []string{bin, filepath.Join(bin, "..", "share", "s3fanout")} {
		for _, architecture := range []string{infra.ARM64, infra.X86} {
			if isFile(filepath.Join(dir, infra.ArchiveName(infra.Replicator, architecture))) == nil {
				return programs{dir: dir, archives: true}
			}
		}
	}
	return programs{dir: programsDir}
}

// code is what the functions run.
func (p programs) code(architecture string) infra.Code {
	if p.archives {
		return infra.CodeFromArchives(p.dir, architecture)
	}
	return infra.CodeFrom(p.dir, architecture)
}

// check reports the first program that the set needs and that is not there.
func (p programs) check(config infra.Config) error {
	for _, program := range infra.Programs(config) {
		path, remedy := filepath.Join(infra.ProgramDir(p.dir, program, config.Architecture()), infra.Executable), "run `make function`"
		if p.archives {
			path, remedy = filepath.Join(p.dir, infra.ArchiveName(program, config.Architecture())), "install the release again"
		}
		switch err := isFile(path); {
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("%s cannot be read; give yourself permission to read it", path)
		case err != nil:
			return fmt.Errorf("%s is missing; %s", path, remedy)
		}
	}
	return nil
}

func isFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	return err
}
