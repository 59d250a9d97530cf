package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/strictjson"
)

// A tree is a parsed JSON value: map[string]any, []any, string, json.Number,
// bool or nil. Numbers keep their spelling.

// maxDepth bounds how deeply a template may be nested.
const maxDepth = 100

// parseTree parses JSON and refuses an object that names a member twice.
func parseTree(raw json.RawMessage, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: nested more than %d levels deep", path, maxDepth)
	}
	switch strictjson.KindOf(raw) {
	case strictjson.Object:
		members, err := strictjson.Members(raw)
		if err != nil {
			return nil, at(path, err)
		}
		object := make(map[string]any, len(members))
		for _, m := range members {
			if object[m.Name], err = parseTree(m.Value, join(path, m.Name), depth+1); err != nil {
				return nil, err
			}
		}
		return object, nil
	case strictjson.Array:
		items, err := strictjson.Elements(raw)
		if err != nil {
			return nil, at(path, err)
		}
		list := make([]any, len(items))
		for i, item := range items {
			if list[i], err = parseTree(item, index(path, i), depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, at(path, fmt.Errorf("not valid JSON: %w", err))
	}
	return v, nil
}

// encodeTree writes a tree as JSON, with sorted members.
func encodeTree(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// at says where an error happened, if there is one; an empty path is the whole.
func at(path string, err error) error {
	if err == nil || path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// sortedKeys returns an object's names in order, so that errors do not depend on chance.
func sortedKeys[V any](object map[string]V) []string {
	return slices.Sorted(maps.Keys(object))
}

// intrinsic returns the intrinsic function that an object has as a member.
// Where it is not the only member, the template is wrong.
func intrinsic(object map[string]any) (name string, argument any, ok bool) {
	for _, k := range sortedKeys(object) {
		if k == "Ref" || strings.HasPrefix(k, "Fn::") {
			return k, object[k], true
		}
	}
	return "", nil, false
}
