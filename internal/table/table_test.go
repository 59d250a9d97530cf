package table_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3fanout/internal/table"
)

func write(t *testing.T, tab table.Table) string {
	t.Helper()
	var b strings.Builder
	if _, err := tab.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	tab := table.Table{
		Columns: []table.Column{
			{Title: "REGION"}, {Title: "OBJECT", Cut: table.CutStart}, {Title: "REASON", Cut: table.CutEnd}, {Title: "RESULT"},
		},
		Rows: []table.Row{
			{
				Cells: []string{
					"eu-west-1", "s3://media-111122223333-us-east-1/films/one.mp4",
					"copy: a reason that is long enough to be cut", "failed",
				},
			},
			{Cells: []string{"us-east-1", "-", "short", "replayed"}},
		},
	}
	want := "" +
		"REGION     OBJECT                                           REASON                                        RESULT\n" +
		"eu-west-1  s3://media-111122223333-us-east-1/films/one.mp4  copy: a reason that is long enough to be cut  failed\n" +
		"us-east-1  -                                                short                                         replayed\n"
	if got := write(t, tab); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, width := range []int{200, 80, 60, 10} {
		tab.Width = width
		got := write(t, tab)
		for line := range strings.Lines(got) {
			// Two columns of 12 and the others whole: no narrower than this.
			most := max(width, 9+2+12+2+12+2+8)
			if n := table.Width(strings.TrimSuffix(line, "\n")); n > most {
				t.Errorf("width %d: %d cells: %q", width, n, line)
			}
		}
		if !strings.Contains(got, "one.mp4 ") || !strings.Contains(got, "  copy: ") {
			t.Errorf("width %d: the end of the key and the beginning of the reason are not there:\n%s", width, got)
		}
	}
}

func TestParagraphBelowARow(t *testing.T) {
	got := write(t, table.Table{
		Columns: []table.Column{{Title: "A"}, {Title: "B"}},
		Rows:    []table.Row{{Cells: []string{"x", "y"}, Below: "one two three four five"}, {Cells: []string{"z", "w"}}},
		Width:   20,
	})
	want := "A  B\nx  y\n    one two three\n    four five\nz  w\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWideCharactersAlign(t *testing.T) {
	got := write(t, table.Table{
		Columns: []table.Column{{Title: "KEY"}, {Title: "LAG", Right: true}, {Title: "END"}},
		Rows:    []table.Row{{Cells: []string{"日本", "9 ms", "a"}}, {Cells: []string{"e\u0301tc", "123 ms", "b"}}},
		Indent:  "  ",
	})
	want := "  KEY      LAG  END\n  日本    9 ms  a\n  e\u0301tc   123 ms  b\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPaint(t *testing.T) {
	got := write(t, table.Table{
		Columns: []table.Column{{Title: "A"}, {Title: "B"}},
		Rows:    []table.Row{{Cells: []string{"x", "y"}}},
		Width:   80,
		Paint:   func(row, column int, cell string) string { return strings.Repeat("!", row+column) + cell },
	})
	if want := "A  B\nx  !y\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		s          string
		cells      int
		start, end string
	}{
		{"abcdef", 6, "abcdef", "abcdef"},
		{"abcdef", 4, "…def", "abc…"},
		{"日本語", 6, "日本語", "日本語"},
		{"日本語", 5, "…本語", "日本…"},
		{"日本語", 4, "…語", "日…"},
		{"abc", 1, "…", "…"},
	}
	for _, tt := range tests {
		if got := table.CutStart(tt.s, tt.cells); got != tt.start {
			t.Errorf("CutStart(%q, %d): got %q, want %q", tt.s, tt.cells, got, tt.start)
		}
		if got := table.CutEnd(tt.s, tt.cells); got != tt.end {
			t.Errorf("CutEnd(%q, %d): got %q, want %q", tt.s, tt.cells, got, tt.end)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		s     string
		cells int
		want  string
	}{
		{"one two  three four", 9, "one two\n  three\n  four"},
		{"see s3://bucket/a/long/key now", 10, "see\n  s3://bucke\n  t/a/long/k\n  ey now"},
		{"日本語 日本語", 7, "日本語\n  日本語"},
		{"", 5, ""},
	}
	for _, tt := range tests {
		if got := table.Wrap(tt.s, tt.cells, "  "); got != tt.want {
			t.Errorf("Wrap(%q, %d): got %q, want %q", tt.s, tt.cells, got, tt.want)
		}
	}
}

// TestWrapKeepsEverything shows that no character is lost and no line is too
// long, whatever the text.
func TestWrapKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, cells := rapid.String().Draw(t, "text"), rapid.IntRange(2, 40).Draw(t, "cells")
		got := table.Wrap(s, cells, "")
		for line := range strings.SplitSeq(got, "\n") {
			if table.Width(line) > cells {
				t.Errorf("%d cells: %q", table.Width(line), line)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(string([]rune(s))), "") }
		if squeeze(got) != squeeze(s) {
			t.Errorf("got %q, want the characters of %q", got, s)
		}
	})
}
