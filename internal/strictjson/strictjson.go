// Package strictjson reads JSON the way AWS reads policies and templates, and
// people their configuration: nothing is lost on the way.
//
// encoding/json keeps the last of two members with one name and forgets the
// first, and it does not keep their order. Members and Elements give all
// members in order and refuse a duplicate. They look at one level only: call
// them again on the values.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// TwiceError is an object that names a member twice.
type TwiceError struct{ Name string }

func (e *TwiceError) Error() string { return fmt.Sprintf("%q is there twice", e.Name) }

// Kind is the kind of a JSON value.
type Kind byte

// The kinds of JSON values. Invalid is what is no JSON value at all.
const (
	Invalid Kind = 0
	Object  Kind = '{'
	Array   Kind = '['
	String  Kind = '"'
	Number  Kind = '0'
	Bool    Kind = 't'
	Null    Kind = 'n'
)

// KindOf tells a value's kind by its first character. It does not check that
// the rest of the value is valid.
func KindOf(raw json.RawMessage) Kind {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return Invalid
	}
	switch c := raw[0]; {
	case c == '{' || c == '[' || c == '"' || c == 'n' || c == 't':
		return Kind(c)
	case c == 'f':
		return Bool
	case c == '-' || (c >= '0' && c <= '9'):
		return Number
	}
	return Invalid
}

// Members returns the members of an object in the order of the text. What is
// not one JSON object, or names a member twice, is an error; the latter is a
// TwiceError.
func Members(raw json.RawMessage) ([]Member, error) {
	d, err := open(raw, Object, "an object")
	if err != nil {
		return nil, err
	}
	var list []Member
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, syntax(err)
		}
		name, _ := t.(string) // the decoder returns nothing else here
		if seen[name] {
			return nil, &TwiceError{name}
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, syntax(err)
		}
		list = append(list, Member{Name: name, Value: value})
	}
	return list, closeValue(d)
}

// Elements returns the elements of an array. What is not one JSON array is an error.
func Elements(raw json.RawMessage) ([]json.RawMessage, error) {
	d, err := open(raw, Array, "a list")
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	for d.More() {
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, syntax(err)
		}
		list = append(list, value)
	}
	return list, closeValue(d)
}

// Text returns the value of a JSON string; ok is false for any other value.
func Text(raw json.RawMessage) (s string, ok bool) {
	if KindOf(raw) != String || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

func open(raw json.RawMessage, want Kind, name string) (*json.Decoder, error) {
	if KindOf(raw) != want {
		if !json.Valid(raw) {
			return nil, errors.New("not valid JSON")
		}
		return nil, fmt.Errorf("not %s", name)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, syntax(err)
	}
	return d, nil
}

func closeValue(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return syntax(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not valid JSON: something follows the end")
	}
	return nil
}

func syntax(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("not valid JSON: %w", err)
}
