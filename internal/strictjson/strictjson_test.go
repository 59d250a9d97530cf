package strictjson

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestMembersKeepsOrderAndValues(t *testing.T) {
	got, err := Members(json.RawMessage(` {"b": 1, "a": {"b": [2]}, "": null} `))
	if err != nil {
		t.Fatal(err)
	}
	var names, values []string
	for _, m := range got {
		names = append(names, m.Name)
		values = append(values, string(m.Value))
	}
	if want := []string{"b", "a", ""}; !slices.Equal(names, want) {
		t.Errorf("names = %q, want %q", names, want)
	}
	if want := []string{"1", `{"b": [2]}`, "null"}; !slices.Equal(values, want) {
		t.Errorf("values = %q, want %q", values, want)
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		read func(json.RawMessage) error
		text string
		want string
	}{
		{"duplicate", members, `{"a":1,"a":2}`, `"a" is there twice`},
		{"duplicate by escape", members, `{"a":1,"\u0061":2}`, `"a" is there twice`},
		{"array for object", members, `[]`, "not an object"},
		{"object for array", elements, `{}`, "not a list"},
		{"null", members, `null`, "not an object"},
		{"empty", members, ``, "not valid JSON"},
		{"cut off", members, `{"a":1`, "not valid JSON: unexpected EOF"},
		{"cut off after name", members, `{"a"`, "not valid JSON: unexpected EOF"},
		{"cut off list", elements, `[1,`, "not valid JSON: unexpected EOF"},
		{"two values", members, `{} {}`, "not valid JSON: something follows the end"},
		{"two lists", elements, `[] x`, "not valid JSON: something follows the end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.read(json.RawMessage(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func members(raw json.RawMessage) error  { _, err := Members(raw); return err }
func elements(raw json.RawMessage) error { _, err := Elements(raw); return err }

func TestKindOf(t *testing.T) {
	for text, want := range map[string]Kind{
		"\t{}": Object, "\n[1]": Array, `"x"`: String, "-1": Number, "0.5": Number,
		"true": Bool, "false": Bool, "null": Null, "": Invalid, "x": Invalid,
	} {
		if got := KindOf(json.RawMessage(text)); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", text, got, want)
		}
	}
}
