// Package table writes tables and paragraphs for a terminal, or for a file
// that people read.
//
// It measures text in terminal cells: wide characters take two, combining ones
// none. Columns are aligned and two spaces apart; where a line has to fit,
// only the columns that say how they may be shortened are shortened.
//
// It adds no colour, knows no terminal, and makes nothing harmless that a
// terminal would act on: that is internal/printable's.
package table

import (
	"io"
	"strings"
)

// Column describes one column.
type Column struct {
	Title string
	// Cut shortens a cell that has no room to a number of cells; nil keeps it
	// whole always.
	Cut func(s string, cells int) string
	// Right aligns to the right.
	Right bool
}

// Row is one line of the table.
type Row struct {
	Cells []string // one for each column
	// Below, if not empty, is written under the line as a paragraph that is
	// indented, and wrapped to the table's width.
	Below string
}

// Table is what to write. Its zero values are usable.
type Table struct {
	Columns []Column
	Rows    []Row
	// Width is how many cells a line may take; 0 means any number. The columns
	// that can be cut are made narrower until a line fits, the widest first,
	// though not narrower than 12 cells.
	Width int
	// Indent goes before each line and counts for Width.
	Indent string
	// Paint, if not nil, may add colours to a cell.
	Paint func(row, column int, cell string) string
}

const (
	gap       = "  "
	narrowest = 12
	// below is how far a row's paragraph is indented.
	below = "    "
	// noWidth is for paragraphs where lines may have any length.
	noWidth = 1 << 30
)

// WriteTo writes the titles and rows in one write.
func (t Table) WriteTo(w io.Writer) (int64, error) {
	widths := t.widths()
	var b strings.Builder
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	t.line(&b, widths, titles, func(_ int, s string) string { return s })
	for n, row := range t.Rows {
		t.line(&b, widths, row.Cells, func(column int, s string) string {
			if t.Paint == nil {
				return s
			}
			return t.Paint(n, column, s)
		})
		if row.Below == "" {
			continue
		}
		indent := t.Indent + below
		room := noWidth
		if t.Width > 0 {
			room = max(t.Width-Width(indent), narrowest)
		}
		b.WriteString(indent + Wrap(row.Below, room, indent) + "\n")
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// line writes one line; paint treats each cell once it has its form.
func (t Table) line(b *strings.Builder, widths []int, cells []string, paint func(column int, cell string) string) {
	b.WriteString(t.Indent)
	for i, cell := range cells {
		if cut := t.Columns[i].Cut; cut != nil {
			cell = cut(cell, widths[i])
		}
		room := strings.Repeat(" ", max(0, widths[i]-Width(cell)))
		end := i == len(cells)-1
		cell = paint(i, cell)
		if t.Columns[i].Right {
			b.WriteString(room)
		}
		b.WriteString(cell)
		if end {
			break
		}
		if !t.Columns[i].Right {
			b.WriteString(room)
		}
		b.WriteString(gap)
	}
	b.WriteByte('\n')
}

// widths are those of the columns, fitted into the table's.
func (t Table) widths() []int {
	widths := make([]int, len(t.Columns))
	over := Width(t.Indent) + len(gap)*(len(t.Columns)-1) - t.Width
	for i, c := range t.Columns {
		widths[i] = Width(c.Title)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], Width(row.Cells[i]))
		}
		over += widths[i]
	}
	if t.Width == 0 {
		return widths
	}
	for ; over > 0; over-- {
		widest := -1
		for i, c := range t.Columns {
			if c.Cut != nil && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}
