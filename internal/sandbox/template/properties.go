package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"s3fanout/internal/strictjson"
)

// DecodeProperties reads a resource's properties into a struct that names all
// the properties that are supported, by field name or `json` tag. A property
// that the struct does not have is an error that names its path. Fields are
// strings, booleans, numbers, slices, maps by string, structs, pointers to
// them, or json.RawMessage, which takes any value as it is. Like
// CloudFormation, it takes "true" for true, "14" for 14, and the other way
// round. A property that is null is an error.
//
// into has to be a pointer to a struct; anything else is a mistake in the
// calling code, and so is a field of another kind.
func DecodeProperties(raw json.RawMessage, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode properties: %T is not a pointer to a struct", into)
	}
	return decodeValue(raw, v.Elem(), "")
}

// wrong says that a property's value is not what it should be.
func wrong(path, what string) error {
	if path == "" {
		path = "Properties"
	}
	return fmt.Errorf("property %s: %s", path, what)
}

func decodeValue(raw json.RawMessage, v reflect.Value, path string) error {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes(bytes.Clone(raw))
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return decodeValue(raw, v.Elem(), path)
	case reflect.Struct:
		return decodeStruct(raw, v, path)
	case reflect.Slice:
		items, err := strictjson.Elements(raw)
		if err != nil {
			return wrong(path, err.Error())
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			if err := decodeValue(item, v.Index(i), index(path, i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return decodeMap(raw, v, path)
	}
	return decodeScalar(raw, v, path)
}

func decodeMap(raw json.RawMessage, v reflect.Value, path string) error {
	members, err := strictjson.Members(raw)
	if err != nil {
		return wrong(path, err.Error())
	}
	if v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("decode properties: %s: maps by %s are not supported", path, v.Type().Key())
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(members)))
	for _, m := range members {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(m.Value, element, join(path, m.Name)); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(m.Name).Convert(v.Type().Key()), element)
	}
	return nil
}

func decodeStruct(raw json.RawMessage, v reflect.Value, path string) error {
	members, err := strictjson.Members(raw)
	if err != nil {
		return wrong(path, err.Error())
	}
	fields := map[string]reflect.Value{}
	collectFields(v, fields)
	for _, m := range members {
		field, ok := fields[m.Name]
		if !ok {
			return fmt.Errorf("property %s is not supported by the sandbox", join(path, m.Name))
		}
		if err := decodeValue(m.Value, field, join(path, m.Name)); err != nil {
			return err
		}
	}
	return nil
}

// collectFields finds the fields of a struct and of those embedded in it.
func collectFields(v reflect.Value, fields map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			collectFields(v.Field(i), fields)
		case !f.IsExported() || name == "-":
		case name != "":
			fields[name] = v.Field(i)
		default:
			fields[f.Name] = v.Field(i)
		}
	}
}

func decodeScalar(raw json.RawMessage, v reflect.Value, path string) error {
	var text string
	switch strictjson.KindOf(raw) {
	case strictjson.String:
		text, _ = strictjson.Text(raw)
	case strictjson.Number, strictjson.Bool:
		text = string(bytes.TrimSpace(raw))
	default:
		return wrong(path, fmt.Sprintf("%s is not a %s", raw, kindName(v)))
	}
	err := errors.New("not supported")
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		if text == "true" || text == "false" {
			v.SetBool(text == "true")
			return nil
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		var n int64
		if n, err = strconv.ParseInt(text, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
			return nil
		}
	case reflect.Float64:
		var n float64
		if n, err = strconv.ParseFloat(text, 64); err == nil {
			v.SetFloat(n)
			return nil
		}
	default:
		return fmt.Errorf("decode properties: %s: fields of type %s are %w", path, v.Type(), err)
	}
	return wrong(path, fmt.Sprintf("%s is not a %s", raw, kindName(v)))
}

// kindName names what a field takes, for people who know CloudFormation.
func kindName(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	}
	return "string"
}
