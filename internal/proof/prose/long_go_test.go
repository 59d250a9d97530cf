package prose_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

// mostLongGoLines is how many lines of the product's Go may be too long. Most of
// them are texts. Whoever breaks some lowers the number.
const mostLongGoLines = 111

// TestLinesOfGo counts the lines of Go, but for tests, that do not fit beside
// another window: a tab is four columns.
func TestLinesOfGo(t *testing.T) {
	long, files := 0, 0
	for _, dir := range []string{"cmd", "infra", "internal", "lambda"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			files++
			for _, line := range prose.LongLines(strings.ReplaceAll(string(content), "\t", "    ")) {
				long++
				t.Logf("%s:%d", path, line)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 500 || long > mostLongGoLines {
		t.Errorf("%d lines of more than %d columns in %d files, at most %d are allowed", long, prose.MaxColumns, files, mostLongGoLines)
	}
}
