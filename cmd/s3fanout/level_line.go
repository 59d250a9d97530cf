package main

import (
	"strings"
	"unicode"

	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// levelLine is a line about a Region or the like, with its level: on a terminal
// with the level's sign before it, and with colours in its colour up to the end of
// the name.
func levelLine(level ui.Level, name, text string, width int, colours bool) string {
	head := name
	if width > 0 {
		head = level.Sign() + " " + name
	}
	// Not wrapped with its sign: leading spaces are none to a paragraph.
	line := wrapped(name+": "+text, max(width-2, 0), "    ")
	if width > 0 {
		line = level.Sign() + " " + line
	}
	if rest, ok := strings.CutPrefix(line, head); ok && colours && level != ui.OK {
		line = level.Paint(head) + rest
	}
	return line
}

// endText is how the error that ends a command reads on a terminal. What does not
// fit in a line has a line for each of its clauses, so that commands among them can
// be copied. With colours the command's name is red, or yellow where work is left.
// hint has commands named as this one was called.
func endText(text string, width int, colours bool, code int, hint func(string) string) string {
	if width == 0 {
		return hint(text)
	}
	const indent = "  "
	var lines []string
	for i, clause := range clauses(text, width) {
		command := isCommand(clause)
		clause = hint(clause)
		switch {
		case i == 0:
			lines = append(lines, wrapped(clause, width, indent))
		case command: // whole, to be copied
			lines = append(lines, indent+clause)
		default:
			lines = append(lines, indent+wrapped(clause, width-len(indent), indent+indent))
		}
	}
	text = strings.Join(lines, "\n")
	name, rest, named := strings.Cut(text, ":")
	if !colours || !named {
		return text
	}
	level := ui.Failed
	if code == exitLeftOver || code == exitInterrupted {
		level = ui.Warning
	}
	return level.Paint(name+":") + rest
}

// clauses are the parts of a text that is too long for one line, as they end with
// semicolons, and the commands among them. A text with a semicolon in a quotation,
// such as a key's, is not taken apart.
func clauses(text string, width int) []string {
	if table.Width(text) <= width || quotesSemicolon(text) {
		return []string{text}
	}
	return stepsOf(text)
}

// quotesSemicolon says whether a semicolon is in a quotation. An apostrophe inside a
// word begins none.
func quotesSemicolon(text string) bool {
	var quote, before rune
	for _, r := range text {
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
			if r == ';' {
				return true
			}
		case r == '"', r == '\'' && !unicode.IsLetter(before):
			quote = r
		}
		before = r
	}
	return false
}
