package replicaset

import (
	"path"
	"path/filepath"
)

// The programs of the functions, as the directories of their packages in the module:
// the one that copies, the one that adopts buckets, and the one that compares.
const (
	Replicator = "lambda"
	Adopter    = "lambda/adopt"
	Reconciler = "lambda/reconcile"
)

// Executable is the name that a program has in its archive and in its directory:
// Lambda asks for it.
const Executable = "bootstrap"

// ProgramDir is the directory below dir with the program for the processor.
func ProgramDir(dir, program, architecture string) string {
	return filepath.Join(dir, programName(program), architecture)
}

// ArchiveName is the name of a release's archive with the program for the
// processor.
func ArchiveName(program, architecture string) string {
	return programName(program) + "-" + architecture + ".zip"
}

// programName is the name under which a program is built.
func programName(program string) string {
	if program == Replicator {
		return "function"
	}
	return path.Base(program)
}
