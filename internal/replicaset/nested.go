package replicaset

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"s3fanout/internal/strictjson"
)

// readObject reads an object whose members are known, as Parse does those of the
// whole. Its errors are of type saidError and continue the field's name, but for
// what is no object.
func readObject(raw []byte, known []configField) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	for _, m := range members {
		i := slices.IndexFunc(known, func(k configField) bool { return k.name == m.Name })
		if i < 0 {
			return saidError{fmt.Sprintf(".%s: %s", excerpt([]byte(m.Name)), unknownField(m.Name, known))}
		}
		err := json.Unmarshal(m.Value, known[i].into)
		var said saidError
		switch {
		case errors.As(err, &said):
			return saidError{"." + m.Name + said.rest}
		case err != nil || string(m.Value) == "null":
			return saidError{fmt.Sprintf(".%s: %s is not %s", m.Name, excerpt(m.Value), known[i].want)}
		}
	}
	return nil
}

// membersOf splits an object in JSON. Its error is of type saidError if a member is
// given twice.
func membersOf(raw []byte) ([]strictjson.Member, error) {
	members, err := object(raw)
	var twice saidError
	if errors.As(err, &twice) {
		return nil, saidError{": " + twice.rest}
	}
	return members, err
}

// elements splits a list in JSON. empty says what to do about one without any.
func elements(raw []byte, empty string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, saidError{": the list is empty; " + empty}
	}
	return items, nil
}

// inMember is the error of a member of an object, given that of readObject.
func inMember(m strictjson.Member, want string, err error) error {
	name := excerpt([]byte(m.Name))
	var said saidError
	if errors.As(err, &said) {
		return saidError{"." + name + said.rest}
	}
	return saidError{fmt.Sprintf(".%s: %s is not %s", name, excerpt(m.Value), want)}
}

// inElement is the error of an element of a list, given that of readObject.
func inElement(i int, item json.RawMessage, want string, err error) error {
	var said saidError
	if errors.As(err, &said) {
		return saidError{fmt.Sprintf("[%d]%s", i, said.rest)}
	}
	return saidError{fmt.Sprintf("[%d]: %s is not an object; use %s", i, excerpt(item), want)}
}
