package requestbody_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/proof/gosource"
)

// usersOwn are no part of the product, or send no bodies.
var usersOwn = map[string]bool{
	"internal/proof/bench/bare/main.go": true, // the least code that copies: CopyObject alone
	"internal/proof/put/main.go":        true, // what a user would write
}

// TestEveryClientKeepsItsBodies finds where clients get their options: each
// aws.Config, s3.Options and the like that a file fills in, and each configuration that
// it loads, has Keep.
func TestEveryClientKeepsItsBodies(t *testing.T) {
	found := 0
	err := gosource.Walk(filepath.Join("..", "..", ".."), func(name string, source []byte) error {
		if gosource.IsTest(name) || usersOwn[name] {
			return nil
		}
		for _, where := range optionsIn(t, name, source) {
			found++
			if !strings.Contains(where, "requestbody.Keep") {
				t.Errorf("%s: no requestbody.Keep among the APIOptions of\n%s", name, where)
			}
		}
		return nil
	})
	if err != nil || found < 4 {
		t.Errorf("found %d places, %v; want at least those of command, function, demo and benchmarks", found, err)
	}
}

// optionsIn returns the source of each place in a file where a client gets its
// options.
func optionsIn(t *testing.T, path string, source []byte) []string {
	t.Helper()
	if !bytes.Contains(source, []byte("github.com/aws/aws-sdk-go-v2")) {
		return nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	add := func(n ast.Node) {
		var b strings.Builder
		if err := printer.Fprint(&b, files, n); err != nil {
			t.Fatal(err)
		}
		list = append(list, b.String())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			s, ok := n.Type.(*ast.SelectorExpr)
			if ok && len(n.Elts) > 0 && setsCredentials(n) && (s.Sel.Name == "Config" || s.Sel.Name == "Options") {
				add(n)
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "LoadDefaultConfig" {
				add(n)
			}
		}
		return true
	})
	return list
}

// setsCredentials tells the options of clients from other ones.
func setsCredentials(n *ast.CompositeLit) bool {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Credentials" {
				return true
			}
		}
	}
	return false
}
