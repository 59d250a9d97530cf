// Command release writes what a release has beside its programs: the archives of
// the functions, completion files, man pages, the schema of cdk.json, the pages
// that a user reads, and the licences of what is linked. Packagers take the files from there.
//
// It runs in the module's directory, after "make function", and writes the same
// bytes from the same source.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"s3fanout/internal/replicaset"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/release DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run makes dir/share as it is to be below /usr.
func run(dir string) error {
	share := filepath.Join(dir, "share")
	if err := os.RemoveAll(share); err != nil { //nolint:gosec // what the Makefile names
		return err
	}
	data := filepath.Join(share, "s3fanout")
	if err := os.MkdirAll(data, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	if err := writeArchives("build", data); err != nil {
		return err
	}
	schema, err := os.ReadFile("docs/schema/cdk.json")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(data, "cdk.schema.json"), schema); err != nil {
		return err
	}
	notices, err := thirdPartyNotices()
	if err != nil {
		return err
	}
	doc := filepath.Join(share, "doc", "s3fanout")
	if err := writeFile(filepath.Join(doc, "THIRD-PARTY-NOTICES"), notices); err != nil {
		return err
	}
	if err := writePages(doc); err != nil {
		return err
	}
	return writeHelp(share)
}

// writeArchives puts each program for AWS into an archive, which Lambda takes as it
// is.
func writeArchives(from, to string) error {
	for _, program := range []string{replicaset.Replicator, replicaset.Adopter, replicaset.Reconciler} {
		for _, architecture := range []string{replicaset.ARM64, replicaset.X86} {
			source := filepath.Join(replicaset.ProgramDir(from, program, architecture), replicaset.Executable)
			content, err := os.ReadFile(source)
			if err != nil {
				return fmt.Errorf("%w; run make function first", err)
			}
			archive, err := archived(content)
			if err != nil {
				return err
			}
			if err := writeFile(filepath.Join(to, replicaset.ArchiveName(program, architecture)), archive); err != nil {
				return err
			}
		}
	}
	return nil
}

// archived is an archive of a program, the same for the same program.
func archived(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: replicaset.Executable, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeHelp has the command write its completion files and man pages.
func writeHelp(share string) error {
	dir, err := os.MkdirTemp("", "s3fanout-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	command := filepath.Join(dir, "s3fanout")
	if err := runProgram(nil, "go", "build", "-o", command, "./cmd/s3fanout"); err != nil {
		return err
	}
	for shell, path := range map[string]string{
		"bash": "bash-completion/completions/s3fanout",
		"zsh":  "zsh/site-functions/_s3fanout",
		"fish": "fish/vendor_completions.d/s3fanout.fish",
	} {
		var script bytes.Buffer
		if err := runProgram(&script, command, "completion", shell); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(share, filepath.FromSlash(path)), script.Bytes()); err != nil {
			return err
		}
	}
	man := filepath.Join(share, "man", "man1")
	if err := os.MkdirAll(man, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	return runProgram(nil, command, "man", man)
}

// runProgram runs a program; what it complains of is in the error.
func runProgram(stdout io.Writer, name string, args ...string) error {
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // programs of ours, until they end
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("%s %v: %w", filepath.Base(name), args, err), errors.New(stderr.String()))
	}
	return nil
}

// writeFile writes a file for everybody to read, and the directories above it.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	return os.WriteFile(path, content, 0o644) //nolint:gosec // for everybody to read
}
