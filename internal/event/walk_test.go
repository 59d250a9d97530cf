package event

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// walked is what eachMember or eachElement shows of a document.
type walked struct {
	Names  []string
	Values []string
}

func walk(document []byte) (w walked, object, list bool) {
	object = eachMember(document, func(name string, value []byte) {
		w.Names, w.Values = append(w.Names, name), append(w.Values, string(value))
	})
	list = eachElement(document, func(value []byte) { w.Values = append(w.Values, string(value)) })
	return w, object, list
}

// reference is the same by encoding/json.
func reference(t *testing.T, document []byte) (w walked, object, list bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	object, list = first == json.Delim('{'), first == json.Delim('[')
	for (object || list) && d.More() {
		if object {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			w.Names = append(w.Names, name.(string))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		w.Values = append(w.Values, string(value))
	}
	return w, object, list
}

// FuzzWalk checks that members and elements of every valid document are found
// as encoding/json finds them.
func FuzzWalk(f *testing.F) {
	for _, document := range []string{
		`{}`, ` [ ] `, `null`, `-1.5e3`, `"a"`, `{"a":1}`, "{\n \"a\" : [ 1 , {\"b\":\"]}\"} ] ,\t\"a\":null }\r\n", `{"\"":"\\","\u0041\\":"\\\"}"}`,
		`[1,true,"x",[],{},[[]],{"a":{}} ]`, `{"a":"\\\\","b":"\\\\\""}`, `[1 ,2]`, `{"a":12 }`, `["é\ud800",""]`, `{"":0}`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if !json.Valid(document) {
			t.Skip()
		}
		got, object, list := walk(document)
		want, wantObject, wantList := reference(t, document)
		for i, name := range got.Names {
			got.Names[i] = string([]rune(name)) // U+FFFD for what is no UTF-8, as encoding/json has it
		}
		if object != wantObject || list != wantList || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+q (%t, %t), want %+q (%t, %t)", document, got, object, list, want, wantObject, wantList)
		}
	})
}
