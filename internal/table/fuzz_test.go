package table

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzPrintable checks that no text from outside reaches a terminal with more
// than what can be seen on one line.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"plain", "a\nb\x1b[31m", "\u202egpj.exe", "\xff\xfe", "日本語🐘", "e\u0301", "\u200b\ufeff", strings.Repeat("ü ", 400)} {
		f.Add(seed, 20)
	}
	f.Fuzz(func(t *testing.T, s string, cells int) {
		cells = max(1, cells%200)
		for name, got := range map[string]string{"Printable": Printable(s), "Short": Short(s)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s(%q): %q", name, s, got)
			}
		}
		if n := utf8.RuneCountInString(Short(s)); n > maxShort {
			t.Errorf("Short has %d characters", n)
		}
		p := Printable(s)
		for name, got := range map[string]string{"CutEnd": CutEnd(p, cells), "CutStart": CutStart(p, cells)} {
			if w := Width(got); w > cells {
				t.Errorf("%s(%q, %d) has %d cells", name, p, cells, w)
			}
		}
	})
}
