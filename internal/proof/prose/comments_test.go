package prose_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

// otherLetters are those that are characters, and functions with such a name.
var otherLetters = regexp.MustCompile(`letters,\s+(marks|digits)|^letters? [a-z]+s `)

// TestWordsOfComments looks for replaced words in the comments of all Go but tests.
func TestWordsOfComments(t *testing.T) {
	set, comments := token.NewFileSet(), 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path == filepath.Join(root, "internal", "proof", "prose")):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			comments++
			for _, r := range prose.ReplacedWords(otherLetters.ReplaceAllString(group.Text(), "")) {
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
	if comments < 5000 {
		t.Errorf("%d comments, too few to be all", comments)
	}
}

// TestWordsOfMakefile looks for them in what make help shows, in two columns.
func TestWordsOfMakefile(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):.*? ## (.*)$`).FindAllStringSubmatch(string(content), -1)
	if len(targets) < 10 {
		t.Fatalf("%d targets, too few to be all", len(targets))
	}
	column := regexp.MustCompile(`printf "  %-(\d+)s `).FindSubmatch(content)
	if column == nil {
		t.Fatal("make help has no column of names")
	}
	width, err := strconv.Atoi(string(column[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if len(target[1]) > width {
			t.Errorf("make help: %s is wider than its column of %d", target[1], width)
		}
		for _, r := range prose.ReplacedWords(target[2]) {
			t.Errorf("make %s has %q: %s", target[1], r.Found, r.Instead)
		}
	}
}
