package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the console's pages load is given away with its licence too.
func TestEveryVendoredFileHasALicence(t *testing.T) {
	t.Chdir("../..")
	packages, err := vendored(vendoredDir)
	if err != nil {
		t.Fatal(err)
	}
	notices, err := thirdPartyNotices()
	if err != nil {
		t.Fatal(err)
	}
	for path, licence := range map[string]string{"npm:uplot": "MIT", "npm:htmx.org": "0BSD"} {
		if packages[path].licence != licence || packages[path].version == "" {
			t.Errorf("%s: got %+v, want %s", path, packages[path], licence)
		}
		if !strings.Contains(string(notices), "\n"+path+"\n") {
			t.Errorf("the text of %s is not in the notices", path)
		}
	}
	if !strings.Contains(string(notices), "Leon Sorokin") {
		t.Error("the notices have not uPlot's copyright")
	}
}

// A file that somebody adds without its licence, or from a package that nothing
// pins, cannot be released.
func TestVendoredFileWithoutALicence(t *testing.T) {
	t.Chdir("../..")
	for _, name := range []string{"htmx.min.js", "other.min.js"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("code"), 0o600); err != nil {
			t.Fatal(err)
		}
		if packages, err := vendored(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, %v", name, packages, err)
		}
	}
}
