package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// writeJSONDocument writes a result as --output json has it, for people to
// read too.
func writeJSONDocument(w io.Writer, v any) error { return writeJSON(w, v, "  ") }

// writeJSONLine writes one of many results as one line.
func writeJSONLine(w io.Writer, v any) error { return writeJSON(w, v, "") }

// writeJSON is how every command writes JSON. Text from outside is not put on a
// terminal as it is: what a terminal could act on is escaped, which says the
// same.
func writeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeUnprintable(b.Bytes()))
	return err
}

// escapeUnprintable escapes what encoding/json leaves as it is: DEL, the C1
// controls, marks that change the direction of text, and the like. They stand
// in strings alone. Line breaks, which stand between them, are left alone.
func escapeUnprintable(document []byte) []byte {
	escapes := func(r rune) bool { return r >= unicode.MaxASCII && !unicode.IsPrint(r) }
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
