package buildinput

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// probe is a module whose tests build a program: one says so, the other does
// not. Both are in packages that do not import it.
var probe = map[string]string{
	"go.mod":          "module probe\n\ngo 1.26\n",
	"program/main.go": "package main\n\nimport \"probe/part\"\n\nfunc main() { part.Say() }\n",
	"part/part.go":    "package part\n\nfunc Say() { println(1) }\n",
	"declared/a.go":   "package declared\n",
	"declared/a_test.go": "package declared\n\nimport (\n\t\"testing\"\n\n\t\"probe/buildinput\"\n)\n\n" +
		"func TestBuilt(t *testing.T) {\n\tif err := buildinput.Declare(t.Context(), \"..\", \"./program\"); err != nil {\n" +
		"\t\tt.Fatal(err)\n\t}\n}\n",
	"silent/a.go":      "package silent\n",
	"silent/a_test.go": "package silent\n\nimport \"testing\"\n\nfunc TestBuilt(*testing.T) {}\n",
}

// A result of a test that declares what it builds is cached as long as that
// does not change, in the program's package and in those that it imports. One
// that does not is cached for ever: make test was green so.
func TestCachedResultsEndWithWhatIsBuilt(t *testing.T) {
	dir := t.TempDir()
	// Files that are new are not trusted by the cache.
	old := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		old = old.Add(time.Second)
		for _, changed := range []string{path, filepath.Dir(path)} {
			if err := os.Chtimes(changed, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range probe {
		write(name, text)
	}
	source, err := os.ReadFile("buildinput.go")
	if err != nil {
		t.Fatal(err)
	}
	write("buildinput/buildinput.go", string(source))

	wantCached := func(when string, declared, silent bool) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", "test", "./declared", "./silent")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", when, err, out)
		}
		cached := func(name string) bool {
			_, rest, _ := strings.Cut(string(out), "probe/"+name)
			line, _, _ := strings.Cut(rest, "\n")
			return strings.Contains(line, "(cached)")
		}
		if cached("declared") != declared || cached("silent") != silent {
			t.Errorf("%s:\n%swant cached: %v and %v", when, out, declared, silent)
		}
	}
	wantCached("first", false, false)
	wantCached("nothing changed", true, true)
	write("program/main.go", strings.Replace(probe["program/main.go"], "part.Say()", "part.Say(); part.Say()", 1))
	wantCached("the program changed", false, true)
	wantCached("nothing changed since", true, true)
	write("part/part.go", strings.Replace(probe["part/part.go"], "1", "2", 1))
	wantCached("what it imports changed", false, true)
	write("part/more.go", "package part\n")
	wantCached("a file came", false, true)
}
