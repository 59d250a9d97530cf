package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"s3fanout/internal/proof/gosource"
)

// mdLink is a link of a page, with its target.
var mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// anchorsOf are the anchors that GitHub gives a page's headings.
func anchorsOf(page string) map[string]bool {
	anchors, inside := map[string]bool{}, false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			inside = !inside
		}
		if title := strings.TrimLeft(line, "#"); !inside && title != line && strings.HasPrefix(title, " ") {
			anchors[anchorOf(title)] = true
		}
	}
	return anchors
}

// anchorOf is the anchor of one heading: its letters, digits, hyphens and
// underscores in lower case, with a hyphen for each space.
func anchorOf(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

// deadLinks are the links of a page to files and headings of ours that there
// are not. read returns a file below the root, by its path from there.
func deadLinks(path, page string, read func(path string) (string, bool)) (dead []string, links int) {
	for _, m := range mdLink.FindAllStringSubmatch(withoutCode(page), -1) {
		target := m[1]
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue // whether others' pages are there is not for a test
		}
		links++
		file, anchor, _ := strings.Cut(target, "#")
		content, ok := page, true
		if file != "" {
			content, ok = read(filepath.Join(filepath.Dir(path), file))
		}
		if !ok || anchor != "" && !anchorsOf(content)[anchor] {
			dead = append(dead, target)
		}
	}
	return dead, links
}

// withoutCode is a page without its blocks and spans of code.
func withoutCode(page string) string {
	page = regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(page, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(page, "")
}

// Every link of a page to a file or a heading of this repository leads there.
func TestLinksOfPages(t *testing.T) {
	all := 0
	for _, path := range pages(t) {
		page, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		dead, links := deadLinks(path, string(page), func(path string) (string, bool) {
			info, err := os.Stat(filepath.Join(root, path))
			if err != nil || info.IsDir() {
				return "", err == nil
			}
			content, err := os.ReadFile(filepath.Join(root, path))
			return string(content), err == nil
		})
		all += links
		for _, target := range dead {
			t.Errorf("%s: the link to %s leads nowhere", path, target)
		}
	}
	if all < 50 {
		t.Errorf("%d links: the test looks in the wrong place", all)
	}
}

// Whoever begins at README comes to every page by links.
func TestEveryPageIsReached(t *testing.T) {
	reached := map[string]bool{"README.md": true}
	for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
		page, err := os.ReadFile(filepath.Join(root, next[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mdLink.FindAllStringSubmatch(withoutCode(string(page)), -1) {
			file, _, _ := strings.Cut(m[1], "#")
			path := filepath.Join(filepath.Dir(next[0]), file)
			if filepath.Ext(file) == ".md" && !strings.Contains(file, "://") && !reached[path] {
				reached[path], next = true, append(next, path)
			}
		}
	}
	for _, path := range pages(t) {
		if !reached[path] && path != "SECURITY.md" { // which GitHub shows
			t.Errorf("no link leads from README to %s", path)
		}
	}
}

// What makes a link a dead one.
func TestDeadLinksAreSeen(t *testing.T) {
	page := "# One title: with `code`, and more\n[a](#one-title-with-code-and-more) [b](#two) [c](other.md) [d](gone.md)\n" +
		"[e](other.md#here) [f](other.md#there)\n" +
		"`[g](gone)` [h](https://example.com/gone)\n```text\n[i](gone)\n# two\n```\n"
	dead, links := deadLinks("pages/page.md", page, func(path string) (string, bool) {
		return "## Here", path == "pages/other.md"
	})
	if got, want := strings.Join(dead, " "), "#two gone.md other.md#there"; got != want || links != 6 {
		t.Errorf("dead %q of %d links, want %q of 6", got, links, want)
	}
}

// pageNamed is how sources, and the text of pages, name one of our pages: with an
// anchor, or with a heading in quotes.
var pageNamed = regexp.MustCompile(`\bdocs/[\w/-]+\.md(#[\w-]+|, \\?"[^"\\]+\\?")?`)

// deadNames are the pages and headings that a text names and that there are not.
func deadNames(text string, read func(path string) (string, bool)) (dead []string, names int) {
	for _, name := range pageNamed.FindAllString(text, -1) {
		names++
		path, anchor, _ := strings.Cut(name, "#")
		path, heading, quoted := strings.Cut(path, ", ")
		if quoted {
			anchor = anchorOf(strings.Trim(heading, `\"`))
		}
		if content, ok := read(path); !ok || anchor != "" && !anchorsOf(content)[anchor] {
			dead = append(dead, name)
		}
	}
	return dead, names
}

// Every page that an error, a comment, a script or a page names is there, with the
// heading that is named.
func TestNamedPagesAreThere(t *testing.T) {
	read := func(path string) (string, bool) {
		content, err := os.ReadFile(filepath.Join(root, path))
		return string(content), err == nil
	}
	all := 0
	check := func(name, text string) {
		dead, names := deadNames(text, read)
		all += names
		for _, page := range dead {
			t.Errorf("%s names %s, which is not there", name, page)
		}
	}
	err := gosource.Walk(root, func(name string, source []byte) error {
		check(name, string(source))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	others := []string{
		filepath.Join(root, "Makefile"), filepath.Join(root, ".golangci.yml"), filepath.Join(root, ".ci", "run"),
		filepath.Join(root, "cdk.json"),
	}
	for _, page := range pages(t) {
		others = append(others, filepath.Join(root, page))
	}
	for _, name := range append(others, scripts...) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		check(name, string(content))
	}
	if all < 60 {
		t.Errorf("%d names of pages: the test looks in the wrong place", all)
	}
}

// What makes the name of a page a dead one. The folder is put in here, so that the
// test above does not read it.
func TestDeadNamesAreSeen(t *testing.T) {
	text := strings.ReplaceAll("see DIR/a.md and DIR/b.md; DIR/a.md#here, DIR/a.md#there, DIR/a.md, \"Here\", "+
		"`DIR/a.md, \\\"Gone from it\\\"`, DIR/internals/c.md.", "DIR", "docs")
	dead, names := deadNames(text, func(path string) (string, bool) {
		return "## Here", path == "docs/"+"a.md"
	})
	want := strings.ReplaceAll(`DIR/b.md|DIR/a.md#there|DIR/a.md, \"Gone from it\"|DIR/internals/c.md`, "DIR", "docs")
	if got := strings.Join(dead, "|"); got != want || names != 7 {
		t.Errorf("dead of %d names:\n%s\nwant, of 7:\n%s", names, got, want)
	}
}
