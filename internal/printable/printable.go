// Package printable makes text from outside harmless where people read it, on
// a terminal, in a log or in an error: nothing that is left in it moves a
// cursor, breaks a line, changes the direction of text or cannot be seen.
//
// Keys of S3 may hold any of that, and so may answers of servers. The functions
// differ in what becomes of it: Quote and Escape show it, so that one text
// cannot be taken for another, Line and Replace do not, and JSON and Shell write it so
// that a program reads the same text again.
package printable

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Is says whether a text can be shown as it is.
func Is(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// Quote is the text, or the text as Go quotes it if it cannot be shown as it is.
func Quote(s string) string {
	if Is(s) {
		return s
	}
	return strconv.Quote(s)
}

// Escape is the text with what cannot be shown as Go escapes it, without quotes
// around it: for a part of a longer text, as an address.
func Escape(s string) string {
	if Is(s) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// maxExcerpt is the most bytes that Excerpt quotes.
const maxExcerpt = 200

// Excerpt is the text in Go's quotes. Of one over 200 bytes it is the beginning,
// and the length.
func Excerpt(s string) string {
	if len(s) <= maxExcerpt {
		return strconv.Quote(s)
	}
	end := maxExcerpt
	for end > maxExcerpt-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%q (%d bytes)", s[:end], len(s))
}

// maxShort is the most characters that a text has where others stand beside
// it.
const maxShort = 300

// Short is Line for a table's cell or an error: at most 300 characters.
func Short(s string) string { return Line(s, maxShort) }

// Line makes one line of a text: it puts a space for every run of white space,
// drops control and other non-printing characters, and cuts the rest to at most
// so many characters, with an ellipsis where it cuts.
func Line(s string, most int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case unprintable(r) || r == unicode.ReplacementChar:
			continue
		}
		// Room for a space, this character and the mark of the cut.
		if n > most-3 {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// Replace puts another character for each that cannot be shown.
func Replace(s string, with rune) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return with
		}
		return r
	}, strings.ToValidUTF8(s, string(with)))
}

// JSON escapes in a JSON document what encoding/json leaves as it is: DEL, the
// C1 controls, marks that change the direction of text, and the like. They stand
// in strings alone. Line breaks, which stand between them, are left alone.
func JSON(document []byte) []byte {
	escapes := func(r rune) bool { return r >= unicode.MaxASCII && unprintable(r) }
	if !bytes.ContainsFunc(document, escapes) {
		return document
	}
	var b bytes.Buffer
	for _, r := range string(document) {
		switch {
		case !escapes(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// Shell makes one word of a POSIX shell of any text. Line breaks and other
// characters that a terminal would act on are written as $'…' has them, which
// bash and zsh know too, and POSIX since 2024.
func Shell(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
	}
	b.WriteString("'")
	return b.String()
}

// OneLine puts the lines of a text on one, separated by semicolons, without
// control characters.
func OneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return Replace(strings.Join(lines, "; "), ' ')
}
