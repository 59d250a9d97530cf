// Package buildinput tells Go's test cache of what a test builds by itself.
//
// The cache knows the packages that a test imports and the files that the
// test's process opens. A binary that a test builds with "go build" is neither:
// without this, a test of the real function passes from the cache although the
// function was changed.
package buildinput

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Declare opens the directories of all packages of the module in root that go
// into the packages given, such as ./lambda, and go.mod and go.sum. A cached
// result then holds as long as no file in them changes. It has to be called
// within a test: what TestMain opens before it runs the tests is not noted.
func Declare(ctx context.Context, root string, packages ...string) error {
	args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the packages are a test's own
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list what goes into %s: %w: %s", strings.Join(packages, " "), err, stderr.String())
	}
	for dir := range strings.FieldsSeq(string(out)) {
		// The cache notes the names, sizes and times of a directory's files.
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
