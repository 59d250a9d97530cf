package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// vendoredDir has what the console's pages load, which the command contains.
const vendoredDir = "internal/console/static/vendor"

// vendoredNPM are the npm packages that the vendored files come from, by the word
// with which the files' names begin.
var vendoredNPM = map[string]string{"htmx": "htmx.org", "uPlot": "uplot"}

// vendored are the packages whose files a directory has, each with the licence
// beside them, in WORD.LICENSE for WORD.min.js. It is an error if one has none, or
// if package.json does not pin one.
func vendored(dir string) (map[string]linkedModule, error) {
	var pinned struct {
		DevDependencies map[string]string `json:"devDependencies"`
	}
	content, err := os.ReadFile("package.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &pinned); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	packages := map[string]linkedModule{}
	for _, entry := range entries {
		word, _, _ := strings.Cut(entry.Name(), ".")
		name := vendoredNPM[word]
		version := pinned.DevDependencies[name]
		if version == "" {
			return nil, fmt.Errorf("%s: no package of package.json is known to have it; add %q to vendoredNPM", entry.Name(), word)
		}
		file := filepath.Join(dir, word+".LICENSE")
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: its licence has to be beside it: %w", entry.Name(), err)
		}
		m := linkedModule{path: "npm:" + name, version: version, licence: licenceOf(string(text)), files: []string{file}}
		if m.licence == "" {
			return nil, fmt.Errorf("no licence is known in %s; look at it, and let licenceOf know it if it permits what is done", file)
		}
		packages[m.path] = m
	}
	return packages, nil
}
