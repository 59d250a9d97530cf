package strictjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzMembers checks that an object that is taken apart is valid JSON without
// a name twice, and can be put together again as it was.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"b":[{}]}`, `{"a":1,"a":2}`, `{"a":1}x`, `[1,2]`, `{"\ud800":1,"\ufffd":2}`, "\ufeff{}", `{"a":1,}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := Members(raw)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error %q", err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("%q is not JSON, and has %d members", raw, len(list))
		}
		names := map[string]bool{}
		for _, m := range list {
			if names[m.Name] || !json.Valid(m.Value) || !bytes.Contains(raw, m.Value) {
				t.Errorf("%q: member %q, %s", raw, m.Name, m.Value)
			}
			names[m.Name] = true
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil || len(all) != len(list) {
			t.Errorf("%q: %d members, encoding/json has %d (%v)", raw, len(list), len(all), err)
		}
	})
}
