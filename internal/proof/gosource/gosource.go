// Package gosource gives tests the module's Go files to look through, as for calls
// that lack an option. Tests only.
package gosource

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Walk calls do for each Go file below root, tests included, with its path from
// root with slashes and its source. It leaves out what is not the module's own:
// test data, what was built or installed, and hidden directories.
func Walk(root string, do func(name string, source []byte) error) error {
	files := os.DirFS(root)
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		foreign := strings.HasPrefix(d.Name(), ".") ||
			slices.Contains([]string{"node_modules", "testdata", "build", "bin", "cdk.out"}, d.Name())
		switch {
		case d.IsDir() && foreign && name != ".":
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return do(name, source)
	})
}

// IsTest says whether a file is one of tests.
func IsTest(name string) bool { return strings.HasSuffix(name, "_test.go") }
