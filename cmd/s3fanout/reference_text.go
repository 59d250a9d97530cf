package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"s3fanout/internal/table"
)

// block is a part of a help text or of a reference page, which is written in Markdown.
type block struct {
	kind blockKind
	// text is one line of plain text, or of a verbatim block all its lines.
	text string
}

type blockKind int

const (
	paragraphBlock blockKind = iota
	headingBlock
	itemBlock // of a list
	verbatimBlock
)

// blocks takes the Markdown apart that references have: headings, paragraphs,
// lists and fenced blocks.
func blocks(markdown string) []block {
	var all []block
	fenced, open := false, false // whether the last block takes a further line
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; fenced {
				all = append(all, block{kind: verbatimBlock})
			}
			open = false
		case fenced:
			all[len(all)-1].text += line + "\n"
		case strings.TrimSpace(line) == "":
			open = false
		case strings.HasPrefix(line, "### "):
			all, open = append(all, block{headingBlock, strings.TrimPrefix(line, "### ")}), false
		case strings.HasPrefix(line, "- "):
			all, open = append(all, block{itemBlock, strings.TrimPrefix(line, "- ")}), true
		case open:
			all[len(all)-1].text += " " + strings.TrimSpace(line)
		default:
			all, open = append(all, block{paragraphBlock, line}), true
		}
	}
	for i, b := range all {
		if b.kind != verbatimBlock {
			all[i].text = plainLine(b.text)
		}
	}
	return all
}

// link is one of Markdown.
var link = regexp.MustCompile(`\[([^]]*)\]\(([^)#]*)[^)]*\)`)

// plainLine is a line of Markdown for who reads it as text: without quotes around
// code, and with the path of the page that a link leads to.
func plainLine(line string) string {
	return strings.ReplaceAll(link.ReplaceAllStringFunc(line, func(s string) string {
		m := link.FindStringSubmatch(s)
		page := path.Join("docs", m[2])
		if strings.Trim(m[1], "`") == m[2] && path.Ext(page) != "" {
			return page
		}
		return m[1] + " (" + page + ")"
	}), "`", "")
}

// referenceText is a command's reference as help shows it.
func referenceText(page string) string {
	var b strings.Builder
	all := blocks(page)
	for i, part := range all {
		follows := func(kinds ...blockKind) bool { return i == 0 || slices.Contains(kinds, all[i-1].kind) }
		if !follows(headingBlock) && (part.kind != itemBlock || !follows(itemBlock)) {
			b.WriteByte('\n')
		}
		switch part.kind {
		case headingBlock:
			fmt.Fprintf(&b, "%s:\n", part.text)
		case itemBlock:
			fmt.Fprintf(&b, "- %s\n", table.Wrap(part.text, helpWidth-2, "  "))
		case paragraphBlock:
			fmt.Fprintln(&b, table.Wrap(part.text, helpWidth, ""))
		case verbatimBlock:
			b.WriteString(part.text)
		}
	}
	return b.String()
}
