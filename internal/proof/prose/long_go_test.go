package prose_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

// mostLongTestLines is how many lines of Go tests may be too long: most of them are in
// raw strings. Whoever breaks some lowers the number. All other Go has none.
const mostLongTestLines = 26

// TestLinesOfGo finds the lines of Go that do not fit beside another window: a tab is
// four columns.
func TestLinesOfGo(t *testing.T) {
	files := 0
	var ofTests []string
	for _, dir := range []string{"cmd", "infra", "internal", "lambda", "tools"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			content, err := os.ReadFile(path)
			files++
			for _, line := range prose.LongLines(strings.ReplaceAll(string(content), "\t", "    ")) {
				if strings.HasSuffix(path, "_test.go") {
					ofTests = append(ofTests, fmt.Sprintf("%s:%d", path, line))
				} else {
					t.Errorf("%s:%d has more than %d columns, with tabs of four: break it", path, line, prose.MaxColumns)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 1000 {
		t.Errorf("%d files, too few to be all", files)
	}
	if len(ofTests) > mostLongTestLines {
		t.Errorf("%d lines of tests have more than %d columns, at most %d are allowed; break those that you wrote:\n%s",
			len(ofTests), prose.MaxColumns, mostLongTestLines, strings.Join(ofTests, "\n"))
	}
}
