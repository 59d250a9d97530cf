package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/proof/buildinput"
)

// testdata/packages.txt has a row for every package of ours, and no package imports
// one that its row does not name. Test files may import more.
func TestPackagesKnowOnlyWhatTheyMay(t *testing.T) {
	rows, err := os.ReadFile("testdata/packages.txt")
	if err != nil {
		t.Fatal(err)
	}
	mayKnow := map[string][]string{}
	for line := range strings.Lines(string(rows)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line+" ", " | ") // the last one may be empty
		if len(cells) != 3 || mayKnow[cells[0]] != nil {
			t.Errorf("%q: not package, what is in it and what it may import, or a second row", line)
			continue
		}
		mayKnow[cells[0]] = append([]string{}, strings.Fields(cells[2])...) // never nil
	}
	for pkg, known := range mayKnow {
		for _, other := range known {
			if _, ok := mayKnow[other]; !ok {
				t.Errorf("%s may import %s, which has no row", pkg, other)
			}
		}
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
			t.Errorf("package %s has no row in testdata/packages.txt", pkg)
			continue
		}
		seen[own] = true
		for _, path := range fields[2:] {
			imported, ours := strings.CutPrefix(path, module)
			if ours && row(imported) != own && !slices.Contains(mayKnow[own], row(imported)) {
				t.Errorf("package %s imports %s, which its row in testdata/packages.txt does not allow", pkg, imported)
			}
		}
	}
	for pkg := range mayKnow {
		if !seen[pkg] {
			t.Errorf("testdata/packages.txt has a row for %s, which does not exist", pkg)
		}
	}
}
