package prose_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

// TestWordsOfExportedComments looks for replaced words in what go doc shows of the
// product: comments of packages and of exported names.
func TestWordsOfExportedComments(t *testing.T) {
	set, comments := token.NewFileSet(), 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path == filepath.Join(root, "internal", "proof")):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, group := range exportedComments(file) {
			comments++
			for _, r := range prose.ReplacedWords(group.Text()) {
				if r.Found == "Letter" || r.Found == "Letters" { // names
					continue
				}
				t.Errorf("%s: the comment has %q: %s", set.Position(group.Pos()), r.Found, r.Instead)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if comments < 1000 {
		t.Errorf("%d comments, too few to be all", comments)
	}
}

// exportedComments are those of the package and of its exported types, functions,
// methods, values and fields.
func exportedComments(file *ast.File) (list []*ast.CommentGroup) {
	add := func(exported bool, groups ...*ast.CommentGroup) {
		for _, group := range groups {
			if exported && group != nil {
				list = append(list, group)
			}
		}
	}
	add(true, file.Doc)
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			add(d.Name.IsExported(), d.Doc)
		case *ast.GenDecl:
			any := false
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					any = any || s.Name.IsExported()
					add(s.Name.IsExported(), s.Doc, s.Comment)
					if s.Name.IsExported() {
						for _, field := range fieldsOf(s.Type) {
							add(len(field.Names) == 0 || field.Names[0].IsExported(), field.Doc, field.Comment)
						}
					}
				case *ast.ValueSpec:
					any = any || s.Names[0].IsExported()
					add(s.Names[0].IsExported(), s.Doc, s.Comment)
				}
			}
			add(any, d.Doc)
		}
	}
	return list
}

func fieldsOf(e ast.Expr) []*ast.Field {
	switch e := e.(type) {
	case *ast.StructType:
		return e.Fields.List
	case *ast.InterfaceType:
		return e.Methods.List
	}
	return nil
}

// TestWordsOfMakefile looks for them in what make help shows.
func TestWordsOfMakefile(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):.*? ## (.*)$`).FindAllStringSubmatch(string(content), -1)
	if len(targets) < 10 {
		t.Fatalf("%d targets, too few to be all", len(targets))
	}
	for _, target := range targets {
		for _, r := range prose.ReplacedWords(target[2]) {
			t.Errorf("make %s has %q: %s", target[1], r.Found, r.Instead)
		}
	}
}
