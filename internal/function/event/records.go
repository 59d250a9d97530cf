package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MaxRecords is how many records an invocation may have in all its messages
// together, how many messages, and how many tasks a batch. S3 writes one record
// into a message, SNS hands one message to an invocation, and a batch has one
// task; the limit bounds what a text of somebody else's can cost.
const MaxRecords = 1000

// tooMany is the error of whatever has more.
func tooMany(what string) error {
	return fmt.Errorf("%w: more than %d %s in one invocation", ErrMalformed, MaxRecords, what)
}

// longer reports whether a JSON array has more than so many elements, without
// keeping them.
func longer(array json.RawMessage, most int) bool {
	if bytes.Count(array, []byte(",")) < most {
		return false // as nearly always
	}
	d := json.NewDecoder(bytes.NewReader(array))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return false // not an array, as who reads it will say
	}
	n := 0
	for element := (json.RawMessage)(nil); n <= most && d.More() && d.Decode(&element) == nil; {
		n++
	}
	return n > most
}

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
// says, or an error that wraps ErrMalformed. A document without any, or with more
// than most, is an error itself, which wraps that too; what are the records'
// name in it.
func eachOf[T any](records once, most int, what string, f func(index int, record T, err error)) error {
	switch {
	case records.twice:
		return fmt.Errorf("%w: it has Records twice", ErrMalformed)
	case records.raw == nil:
		return errNoRecords
	case longer(records.raw, most):
		return tooMany(what)
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
