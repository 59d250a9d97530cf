package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/proof/gosource"
)

// rowID is how a row of testdata/bad-input.txt is called, by whom it concerns.
const rowID = `(?:ad|fn|cp|fo|ls|cf|cm|dl|rd|sb)-\d\d`

// backing is a test that claims a row: package and name, and its source.
type backing struct{ name, source string }

// TestBadInputRows holds testdata/bad-input.txt against the tests. A test claims a
// row by its ID, in a string of its own ("fn-NN", the name of a subtest), or in
// a comment (bad input: fn-NN). Each row is claimed by one test; each claim has a
// row; and what the row quotes of the answer is in the test.
func TestBadInputRows(t *testing.T) {
	rows, err := os.ReadFile("testdata/bad-input.txt")
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string][]backing{}
	claimsOfGo(t, claims)
	claimsOfScripts(t, claims)

	seen, quoted := map[string]bool{}, regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(rows)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		cells := strings.Split(line, " | ")
		id := cells[0]
		if !regexp.MustCompile("^"+rowID+"$").MatchString(id) || len(cells) != 3 || seen[id] {
			t.Errorf("%q: no ID, not three cells, or a second row", line)
			continue
		}
		seen[id] = true
		by := claims[id]
		if len(by) != 1 {
			t.Errorf("%s is claimed by %q, want one test", id, namesOf(by))
			continue
		}
		t.Logf("%s | %s", line, by[0].name)
		quotes := quoted.FindAllStringSubmatch(cells[2], -1)
		if len(quotes) == 0 {
			t.Errorf("%s: quotes nothing of what happens", id)
		}
		for _, q := range quotes {
			if !strings.Contains(unquote(by[0].source), unquote(q[1])) {
				t.Errorf("%s: %s has nothing of %q", id, by[0].name, q[1])
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(claims)) {
		if !seen[id] {
			t.Errorf("%s is claimed by %q and has no row in testdata/bad-input.txt", id, namesOf(claims[id]))
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d rows", len(seen))
	}
}

func namesOf(list []backing) (names []string) {
	for _, b := range list {
		names = append(names, b.name)
	}
	return names
}

// unquote takes away how sources and patterns write what is quoted.
func unquote(s string) string {
	return strings.NewReplacer(`\`, "", `"`, "", "“", "", "”", "").Replace(s)
}

// claimsOfGo collects the claims of test functions.
func claimsOfGo(t *testing.T, claims map[string][]backing) {
	t.Helper()
	root, claim := filepath.Join("..", ".."), regexp.MustCompile(`"(`+rowID+`)"|bad input: (`+rowID+`)`)
	err := gosource.Walk(root, func(name string, source []byte) error {
		if !gosource.IsTest(name) || !claim.Match(source) {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, source, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			begin := f.Pos()
			if f.Doc != nil {
				begin = f.Doc.Pos()
			}
			text := string(source[files.Position(begin).Offset:files.Position(f.End()).Offset])
			for _, m := range claim.FindAllStringSubmatch(text, -1) {
				id := m[1] + m[2]
				claims[id] = append(claims[id], backing{path.Dir(name) + " " + f.Name.Name, text})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claimsOfScripts collects the claims of the command's scripts. A claim is
// backed by what follows it, up to the next one.
func claimsOfScripts(t *testing.T, claims map[string][]backing) {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	claim := regexp.MustCompile(`(?m)^# bad input: (` + rowID + `)$`)
	for _, path := range scripts {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, name := string(source), "cmd/s3fanout TestScripts/"+strings.TrimSuffix(filepath.Base(path), ".txtar")
		matches := claim.FindAllStringSubmatchIndex(text, -1)
		for i, p := range matches {
			end := len(text)
			if i+1 < len(matches) {
				end = matches[i+1][0]
			}
			id := text[p[2]:p[3]]
			claims[id] = append(claims[id], backing{name, text[p[0]:end]})
		}
	}
}
