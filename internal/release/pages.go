package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// pageFiles are what a user reads, besides docs: hints and pages lead to them.
var pageFiles = []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "packaging/Dockerfile"}

// writePages copies what a user reads into a directory, each file where it is in
// the source, so that links between pages lead to the same ones.
func writePages(to string) error {
	files := slices.Clone(pageFiles)
	err := filepath.WalkDir("docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(to, path), content); err != nil {
			return err
		}
	}
	return nil
}
