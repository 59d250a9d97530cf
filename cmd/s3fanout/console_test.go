package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWriteTable(t *testing.T) {
	columns := []column{{title: "REGION"}, {title: "OBJECT", cut: cutStart}, {title: "REASON", cut: cutEnd}, {title: "RESULT"}}
	rows := [][]string{
		{"eu-west-1", "s3://media-111122223333-us-east-1/films/one.mp4", "copy: a reason that is long enough to be cut", "failed"},
		{"us-east-1", "-", "short", "replayed"},
	}
	var whole bytes.Buffer
	if err := writeTable(&whole, columns, rows, 0, nil); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"REGION     OBJECT                                           REASON                                        RESULT\n" +
		"eu-west-1  s3://media-111122223333-us-east-1/films/one.mp4  copy: a reason that is long enough to be cut  failed\n" +
		"us-east-1  -                                                short                                         replayed\n"
	if whole.String() != want {
		t.Errorf("got\n%swant\n%s", whole.String(), want)
	}
	for _, width := range []int{200, 80, 60, 10} {
		var b bytes.Buffer
		if err := writeTable(&b, columns, rows, width, nil); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			// Two columns of 12 and the others whole: no narrower than this.
			most := max(width, 9+2+12+2+12+2+8)
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > most {
				t.Errorf("width %d: %d characters: %q", width, n, line)
			}
		}
		if !strings.Contains(b.String(), "one.mp4 ") || !strings.Contains(b.String(), "  copy: ") {
			t.Errorf("width %d: the end of the key and the beginning of the reason are not there:\n%s", width, b.String())
		}
	}
}

func TestWriteTablePaints(t *testing.T) {
	var b bytes.Buffer
	paint := func(_ int, cell string) string { return red + cell + plain }
	if err := writeTable(&b, []column{{title: "A"}, {title: "B"}}, [][]string{{"x", "y"}}, 80, paint); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A  B\nx  "+red+"y"+plain+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct{ in, want string }{
		{"films/one €.mp4", "films/one €.mp4"},
		{"a\x1b[2Jb", `"a\x1b[2Jb"`},
		{"a\nb", `"a\nb"`},
		{"a\xffb", `"a\xffb"`},
		{"right\u202eto", `"right\u202eto"`},
	}
	for _, tt := range tests {
		if got := printable(tt.in); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestProgressOnTerminal(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, width: 10, now: time.Now}
	p.status("one of many letters")
	p.status("two")
	p.note("a note")
	p.done()
	if got, want := b.String(), "\r\x1b[Kone of m…"+"\r\x1b[Ktwo"+"\r\x1b[Ka note\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressElsewhere(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(1000, 0)
	p := &progress{w: &b, now: func() time.Time { return now }}
	p.status("one")
	p.status("dropped")
	now = now.Add(progressInterval)
	p.status("two")
	p.note("a note")
	p.done()
	if got, want := b.String(), "one\ntwo\na note\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoColoursElsewhere(t *testing.T) {
	a := &app{getenv: func(string) string { return "" }}
	if a.colours(&bytes.Buffer{}) || a.terminalWidth(&bytes.Buffer{}) != 0 {
		t.Error("a buffer is no terminal")
	}
}
