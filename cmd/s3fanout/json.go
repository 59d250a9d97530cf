package main

import (
	"bytes"
	"encoding/json"
	"io"

	"s3fanout/internal/printable"
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
	_, err := w.Write(printable.JSON(b.Bytes()))
	return err
}
