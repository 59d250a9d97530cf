// Command rename gives this module another path: in go.mod, in the imports and
// strings of Go files, in the linters' rules and on the pages that show imports.
// "make module MODULE=example.com/your/path" runs it in the module's directory.
//
// It can be run again, with another path or with the same.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make module MODULE=example.com/your/path")
		os.Exit(2)
	}
	changed, err := run(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "make module:", err)
		os.Exit(1)
	}
	fmt.Printf("module %s: %d files changed\n", os.Args[1], changed)
}

// run renames the module in dir and says how many files it changed.
func run(dir, path string) (changed int, err error) {
	if err := check(path); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	goMod, err := root.ReadFile("go.mod")
	if err != nil {
		return 0, err
	}
	old := modulePath(goMod)
	if old == "" {
		return 0, errors.New("go.mod names no module; run it in the module's directory")
	}
	rename := renamer(old, path)
	err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && !ours(entry.Name()):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !concerned(entry.Name()):
			return nil
		}
		before, err := root.ReadFile(file)
		if err != nil {
			return err
		}
		after := rename(before)
		if bytes.Equal(before, after) {
			return nil
		}
		if filepath.Ext(file) == ".go" {
			if after, err = format.Source(after); err != nil { // imports are in order
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		changed++
		return root.WriteFile(file, after, 0o600) // it keeps its mode
	})
	return changed, err
}

// ours tells the directories of the module from those of git and of what is built.
func ours(dir string) bool {
	return !strings.HasPrefix(dir, ".") && !slices.Contains([]string{"node_modules", "build", "bin", "cdk.out"}, dir)
}

// concerned are the files in which the module's path may be written.
func concerned(name string) bool {
	return slices.Contains([]string{".go", ".md"}, filepath.Ext(name)) || name == "go.mod" || name == ".golangci.yml"
}

// check refuses what cannot be a module's path that others can require.
func check(path string) error {
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") || !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`).MatchString(path) ||
		strings.HasSuffix(path, ".") {
		return fmt.Errorf(
			"%q is not a module's path; use one that begins with a host, such as example.com/team/s3fanout",
			cmp.Or(path, "MODULE"),
		)
	}
	return nil
}

func modulePath(goMod []byte) string {
	m := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(goMod)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// renamer replaces the path where it is the module's and not a directory's, such
// as cmd/s3fanout, or the name of the program.
func renamer(old, path string) func([]byte) []byte {
	quoted := regexp.QuoteMeta(old)
	rules := []struct {
		where *regexp.Regexp
		with  string
	}{
		// A package: after a quotation mark, a bracket or white space.
		{regexp.MustCompile("(?m)(^|[\"`\\s\\[{,])" + quoted + `(/(?:cmd|infra|internal|lambda|tools)\b)`), "${1}" + path + "${2}"},
		// The module itself, in go.mod and in the rules of depguard.
		{regexp.MustCompile(`(?m)^(module |.*\{pkg: )` + quoted + `(,|$)`), "${1}" + path + "${2}"},
	}
	return func(text []byte) []byte {
		for _, r := range rules {
			text = r.where.ReplaceAll(text, []byte(r.with))
		}
		return text
	}
}
