package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/proof/buildinput"
)

// The page about the architecture has a row for every package of ours, and no
// package imports one that its row does not name. Test files may import more.
func TestPackagesKnowOnlyWhatThePageSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(build.root, "docs", "internals", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	mayKnow := map[string][]string{}
	name := regexp.MustCompile("`([a-z0-9/]+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !name.MatchString(cells[1]) {
			continue
		}
		var known []string
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			known = append(known, m[1])
		}
		mayKnow[name.FindStringSubmatch(cells[1])[1]] = known
	}

	if err := buildinput.Declare(t.Context(), build.root, "./..."); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.Module.Path}}/ {{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = build.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	// row finds the row of a package: its own, or that of the package above it.
	row := func(pkg string) string {
		for ; pkg != "."; pkg = filepath.Dir(pkg) {
			if _, ok := mayKnow[pkg]; ok {
				break
			}
		}
		return pkg
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		module := fields[0]
		pkg := strings.TrimPrefix(fields[1], module)
		own := row(pkg)
		if own == "." {
			t.Errorf("package %s has no row on the page", pkg)
			continue
		}
		seen[own] = true
		for _, path := range fields[2:] {
			imported, ours := strings.CutPrefix(path, module)
			if ours && row(imported) != own && !slices.Contains(mayKnow[own], row(imported)) {
				t.Errorf("package %s imports %s, which the page does not allow", pkg, imported)
			}
		}
	}
	for pkg := range mayKnow {
		if !seen[pkg] {
			t.Errorf("the page has a row for %s, which does not exist", pkg)
		}
	}
}
