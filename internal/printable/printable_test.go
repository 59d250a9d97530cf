package printable_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"s3fanout/internal/printable"
)

func TestQuoteAndEscape(t *testing.T) {
	for _, tt := range []struct{ in, quote, escape string }{
		{"films/one €.mp4", "films/one €.mp4", "films/one €.mp4"},
		{"a\x1b[2Jb", `"a\x1b[2Jb"`, `a\x1b[2Jb`},
		{"a\nb", `"a\nb"`, `a\nb`},
		{`a\nb`, `a\nb`, `a\nb`},
		{"a\xffb", `"a\xffb"`, `a\xffb`},
		{"right\u202eto", `"right\u202eto"`, `right\u202eto`},
		{"", "", ""},
	} {
		if got := printable.Quote(tt.in); got != tt.quote {
			t.Errorf("Quote: got %s, want %s", got, tt.quote)
		}
		if got := printable.Escape(tt.in); got != tt.escape {
			t.Errorf("Escape: got %s, want %s", got, tt.escape)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", `""`},
		{"a\nb", `"a\nb"`},
		{strings.Repeat("k", 200), `"` + strings.Repeat("k", 200) + `"`},
		{strings.Repeat("k", 201), `"` + strings.Repeat("k", 200) + `" (201 bytes)`},
		{strings.Repeat("k", 198) + "€x", `"` + strings.Repeat("k", 198) + `" (202 bytes)`},
		{strings.Repeat("\xbf", 201), `"` + strings.Repeat(`\xbf`, 196) + `" (201 bytes)`},
	} {
		if got := printable.Excerpt(tt.in); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestShell(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"a b+c%20€", "'a b+c%20€'"},
		{"it's", `'it'\''s'`},
		{"two\nlines", `$'two\012lines'`},
		{"a'b\\c\x1b[31m", `$'a\'b\\c\033[31m'`},
		{"bidi\u202e", `$'bidi\342\200\256'`},
	} {
		if got := printable.Shell(tc.in); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestReplace(t *testing.T) {
	if got, want := printable.Replace("a  b\x1b[31m\nc\xff", '?'), "a  b?[31m?c?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Fuzz checks that no text from outside reaches people with more than what can
// be seen on one line, and that programs read the same text again.
func Fuzz(f *testing.F) {
	for _, seed := range []string{
		"plain", "a\nb\x1b[31m", "\u202egpj.exe", "\xff\xfe", "日本語🐘", "e\u0301", "\u200b\ufeff\U000e0001", strings.Repeat("ü ", 400),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		document, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		escaped := printable.JSON(document)
		var again string
		if err := json.Unmarshal(escaped, &again); err != nil || again != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("JSON(%s): %s, %v", document, escaped, err)
		}
		for name, got := range map[string]string{
			"Quote": printable.Quote(s), "Escape": printable.Escape(s), "Excerpt": printable.Excerpt(s), "Short": printable.Short(s),
			"Replace": printable.Replace(s, ' '), "JSON": string(escaped), "Shell": printable.Shell(s),
		} {
			if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || name != "Shell" && !utf8.ValidString(got) {
				t.Errorf("%s(%q): %q", name, s, got)
			}
		}
		if n := utf8.RuneCountInString(printable.Short(s)); n > 300 {
			t.Errorf("Short has %d characters", n)
		}
	})
}
