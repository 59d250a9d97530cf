package template

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

type embedded struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

type sample struct {
	embedded
	Name     string
	Enabled  bool
	Days     int
	Rate     float64
	Optional *int
	Tags     []struct{ Key, Value string }
	Rules    []struct {
		Filter *struct{ Prefix string }
	}
	Variables map[string]string
	Renamed   string `json:"Other"`
	Hidden    string `json:"-"`
	hidden    string
}

func TestDecodeProperties(t *testing.T) {
	days := 3
	for _, tt := range []struct {
		name, text string
		want       sample
	}{
		{"empty", `{}`, sample{}},
		{"plain", `{"Name":"n","Enabled":true,"Days":14,"Rate":0.5}`, sample{Name: "n", Enabled: true, Days: 14, Rate: 0.5}},
		{"as text", `{"Enabled":"true","Days":"14","Rate":"0.5"}`, sample{Enabled: true, Days: 14, Rate: 0.5}},
		{"text from others", `{"Name":14,"Other":false}`, sample{Name: "14", Renamed: "false"}},
		{"pointer", `{"Optional":3}`, sample{Optional: &days}},
		{"lists", `{"Tags":[{"Key":"k","Value":"v"}],"Rules":[{"Filter":{"Prefix":"p"}},{}]}`, sample{
			Tags:  []struct{ Key, Value string }{{"k", "v"}},
			Rules: []struct{ Filter *struct{ Prefix string } }{{&struct{ Prefix string }{"p"}}, {}},
		}},
		{"map", `{"Variables":{"A":"1","b c":2}}`, sample{Variables: map[string]string{"A": "1", "b c": "2"}}},
		{"embedded", `{"PolicyName":"p","PolicyDocument":{"x":[1]}}`, sample{embedded: embedded{"p", json.RawMessage(`{"x":[1]}`)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got sample
			if err := DecodeProperties(json.RawMessage(tt.text), &got); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestDecodePropertiesRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"Unknown":1}`, "property Unknown is not supported by the sandbox"},
		{`{"name":"n"}`, "property name is not supported by the sandbox"},
		{`{"Rules":[{},{"Filter":{"Suffix":"x"}}]}`, "property Rules[1].Filter.Suffix is not supported by the sandbox"},
		{`{"embedded":{}}`, "property embedded is not supported by the sandbox"},
		{`{"Hidden":"x"}`, "property Hidden is not supported by the sandbox"},
		{`{"hidden":"x"}`, "property hidden is not supported by the sandbox"},
		{`{"Renamed":"x"}`, "property Renamed is not supported by the sandbox"},
		{`{"Enabled":"yes"}`, `property Enabled: "yes" is not a boolean`},
		{`{"Days":1.5}`, "property Days: 1.5 is not a whole number"},
		{`{"Days":"x"}`, `property Days: "x" is not a whole number`},
		{`{"Name":{}}`, "property Name: {} is not a string"},
		{`{"Name":null}`, "property Name: null is not a string"},
		{`{"Tags":{}}`, "property Tags: not a list"},
		{`{"Rules":[1]}`, "property Rules[0]: not an object"},
		{`{"Variables":[]}`, "property Variables: not an object"},
		{`{"Variables":{"A":[]}}`, "property Variables.A: [] is not a string"},
		{`[]`, "property Properties: not an object"},
	} {
		var got sample
		if err := DecodeProperties(json.RawMessage(tt.text), &got); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error = %v, want %q", tt.text, err, tt.want)
		}
	}
	for _, into := range []any{sample{}, (*sample)(nil), new(int), &struct{ C chan int }{}} {
		if err := DecodeProperties(json.RawMessage(`{"C":1}`), into); err == nil || !strings.HasPrefix(err.Error(), "decode properties: ") {
			t.Errorf("into %T: error = %v, want one that names the mistake", into, err)
		}
	}
	_ = sample{}.hidden // is there so that it can be seen not to be set
}
