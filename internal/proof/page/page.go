// Package page finds the Markdown pages that readers get, and puts what was measured or
// computed into those that people write the rest of.
package page

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Section replaces what a page has between the lines <!-- name --> and
// <!-- end of name -->, and returns the page. Everything else stays as it is. It
// returns an error if the page has no such lines in this order.
func Section(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no %q before %q", strings.TrimSpace(begin), end)
	}
	return before + begin + text + end + after, nil
}

// All are the pages that readers get: those of the repository's root and of docs below
// it, by their paths from there.
func All(root string) ([]string, error) {
	list := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		relative, err := filepath.Rel(root, path)
		list = append(list, relative)
		return err
	})
	if err == nil && len(list) < 10 {
		err = fmt.Errorf("%d pages below %s, too few to be all", len(list), root)
	}
	return list, err
}
