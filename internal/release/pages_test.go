package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	namedPage  = regexp.MustCompile(`docs/[a-z/-]+\.md`)
	linkedPage = regexp.MustCompile(`\]\(([^)#:]+)[)#]`)
)

// Who has installed a release can open each page that the command or another page
// leads to.
func TestReleaseHasThePagesThatItNames(t *testing.T) {
	t.Chdir("../..")
	to := t.TempDir()
	if err := writePages(to); err != nil {
		t.Fatal(err)
	}
	has := func(page string) bool { _, err := os.Stat(filepath.Join(to, page)); return err == nil }
	sources, err := filepath.Glob("cmd/s3fanout/*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range namedPage.FindAllString(string(content), -1) {
			if named++; !has(page) {
				t.Errorf("%s names %s, which a release has not", source, page)
			}
		}
	}
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(to, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	linked := 0
	for _, page := range pages {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range linkedPage.FindAllStringSubmatch(string(content), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s, which a release has not", page, link[1])
			}
			linked++
		}
	}
	if named < 5 || linked < 30 {
		t.Errorf("%d pages are named, %d linked; the test does not find them", named, linked)
	}
}
