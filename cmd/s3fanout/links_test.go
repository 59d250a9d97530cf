package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
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

// What makes a link a dead one.
func TestDeadLinksAreSeen(t *testing.T) {
	page := "# One title: with `code`, and more\n[a](#one-title-with-code-and-more) [b](#two) [c](other.md) [d](gone.md) [e](other.md#here) [f](other.md#there)\n" +
		"`[g](gone)` [h](https://example.com/gone)\n```text\n[i](gone)\n# two\n```\n"
	dead, links := deadLinks("docs/page.md", page, func(path string) (string, bool) {
		return "## Here", path == "docs/other.md"
	})
	if got, want := strings.Join(dead, " "), "#two gone.md other.md#there"; got != want || links != 6 {
		t.Errorf("dead %q of %d links, want %q of 6", got, links, want)
	}
}
