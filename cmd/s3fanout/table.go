package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// column describes one column of a table.
type column struct {
	title string
	// cut shortens a cell that has no room; nil keeps it whole always.
	cut func(s string, width int) string
}

// writeTable writes rows under titles, the columns aligned and two spaces
// apart. If width is not 0, the columns that can be cut are made narrower
// until a line fits, the widest first, though not narrower than 12
// characters. paint, if not nil, may add colours to a cell of the last column.
func writeTable(w io.Writer, columns []column, rows [][]string, width int, paint func(row int, cell string) string) error {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	if width > 0 {
		fit(widths, columns, width)
	}
	var b strings.Builder
	line := func(cells []string, last func(string) string) {
		for i, cell := range cells {
			if columns[i].cut != nil {
				cell = columns[i].cut(cell, widths[i])
			}
			if i == len(cells)-1 {
				b.WriteString(last(cell))
				break
			}
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		b.WriteByte('\n')
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	line(titles, func(s string) string { return s })
	for n, row := range rows {
		line(row, func(s string) string {
			if paint == nil {
				return s
			}
			return paint(n, s)
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func fit(widths []int, columns []column, width int) {
	const narrowest = 12
	over := 2*(len(columns)-1) - width
	for _, w := range widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := -1
		for i, c := range columns {
			if c.cut != nil && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// cutEnd keeps the beginning of s.
func cutEnd(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "…"
}

// cutStart keeps the end of s, where a key says most.
func cutStart(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return "…" + string(r[len(r)-max(width-1, 0):])
}

// printable quotes s if it holds anything that a terminal would act on.
func printable(s string) string {
	if utf8.ValidString(s) && !slices.ContainsFunc([]rune(s), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strconv.Quote(s)
}

// deadLetters is a number with its noun.
func deadLetters(n int) string {
	if n == 1 {
		return "1 dead letter"
	}
	return strconv.Itoa(n) + " dead letters"
}
