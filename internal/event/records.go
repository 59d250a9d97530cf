package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// once is a document's list of records, not yet read. A document has it once:
// of two, encoding/json would forget the first, and with it what it asks for.
type once struct {
	raw   json.RawMessage // nil if it is missing, or null
	twice bool
}

// UnmarshalJSON is for encoding/json.
func (o *once) UnmarshalJSON(raw []byte) error {
	switch {
	case o.raw != nil:
		o.twice = true
	case string(raw) != "null":
		o.raw = bytes.Clone(raw)
	}
	return nil
}

// eachOf calls f for each record of a document, in order: with what the record
// says, or an error that wraps ErrMalformed. A document without any is an error
// itself, which wraps that too.
func eachOf[T any](records once, f func(index int, record T, err error)) error {
	switch {
	case records.twice:
		return fmt.Errorf("%w: it has Records twice", ErrMalformed)
	case records.raw == nil:
		return errNoRecords
	}
	// Nearly always all can be read, and then at one go.
	var all []T
	if json.Unmarshal(records.raw, &all) == nil {
		for i, r := range all {
			f(i, r, nil)
		}
		if len(all) == 0 {
			return errNoRecords
		}
		return nil
	}
	var raws []json.RawMessage
	if err := unmarshal(records.raw, &raws); err != nil {
		return err
	}
	for i, raw := range raws {
		var r T
		err := unmarshal(raw, &r)
		f(i, r, err)
	}
	return nil
}

var errNoRecords = fmt.Errorf("%w: Records is missing or empty", ErrMalformed)
