package prose_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

// mostReplacedLiterals is how many texts of the product may have a replaced word.
// Whoever finds fewer lowers the number.
const mostReplacedLiterals = 0

// heading is a column's of a table.
var heading = regexp.MustCompile(`^[A-Z]{2,}$`)

// TestWordsOfTheProduct looks for words that this project replaced by plainer ones in
// what its programs say: the texts of more than one word in their sources, and the
// headings of tables.
func TestWordsOfTheProduct(t *testing.T) {
	texts, found := 0, 0
	set := token.NewFileSet()
	for _, dir := range []string{
		"cmd", "internal/aws", "internal/console", "internal/copier", "internal/follow", "internal/function", "internal/iampolicy",
		"internal/marker", "internal/operator", "internal/policy", "internal/printable", "internal/replicaset", "internal/sandbox",
		"internal/strictjson", "internal/table", "internal/ui", "infra", "lambda",
	} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil || !strings.Contains(strings.TrimSpace(text), " ") && !heading.MatchString(text) {
					return true
				}
				texts++
				for _, r := range prose.ReplacedWords(text) {
					if r.Found == "letter" || r.Found == "letters" { // of a name
						continue
					}
					found++
					t.Logf("%s: %q has %q: %s", set.Position(literal.Pos()), text, r.Found, r.Instead)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if texts < 1000 {
		t.Errorf("%d texts, too few to be all", texts)
	}
	if found > mostReplacedLiterals {
		t.Errorf("%d texts with replaced words, at most %d are allowed", found, mostReplacedLiterals)
	}
}
