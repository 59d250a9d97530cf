package replicaset

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzParseFile checks that a whole cdk.json is a configuration with valid
// names, or one printable line that says why not.
func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{
		`{"context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}}`,
		`{"context": {"s3fanout": {"name": "a", "name": "b"}}}`,
		`{"context": 5}`, `{"context": {}, "context": {"s3fanout": null}}`, "\xef\xbb\xbf{}", "{\n", "\x1f\x8b\x08", `[]`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseFile(raw)
		if err != nil {
			m := err.Error()
			if m == "" || len(m) > 4096 || strings.ContainsFunc(m, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("parseFile(%q): message %q is not one bounded printable line", raw, m)
			}
			return
		}
		checkNames(t, c)
	})
}
