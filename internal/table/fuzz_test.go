package table

import (
	"strings"
	"testing"

	"s3fanout/internal/printable"
)

// FuzzCut checks that what is cut fits, whatever the text was.
func FuzzCut(f *testing.F) {
	for _, seed := range []string{
		"plain", "a\nb\x1b[31m", "\u202egpj.exe", "\xff\xfe", "日本語🐘", "e\u0301", "\u200b\ufeff", strings.Repeat("ü ", 400),
	} {
		f.Add(seed, 20)
	}
	f.Fuzz(func(t *testing.T, s string, cells int) {
		cells = max(1, cells%200)
		p := printable.Quote(s)
		for name, got := range map[string]string{"CutEnd": CutEnd(p, cells), "CutStart": CutStart(p, cells)} {
			if w := Width(got); w > cells {
				t.Errorf("%s(%q, %d) has %d cells", name, p, cells, w)
			}
		}
	})
}
