package owner

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/proof/gosource"
)

// withoutOwner makes a client that is compared with, and is no part of the product.
var withoutOwner = map[string]bool{
	"internal/proof/bench/bare/main.go": true, // the least code that copies
	"internal/proof/put/main.go":        true, // what a user would write
}

// TestEveryClientExpectsAnOwner finds where clients of S3 are made, and wants
// Expect among their options, so that no request to come can forget it.
func TestEveryClientExpectsAnOwner(t *testing.T) {
	making := regexp.MustCompile(`\bs3\.(New|NewFromConfig)\(`)
	found := 0
	err := gosource.Walk(filepath.Join("..", "..", ".."), func(name string, source []byte) error {
		if gosource.IsTest(name) || withoutOwner[name] || !strings.Contains(string(source), `"github.com/aws/aws-sdk-go-v2/service/s3"`) {
			return nil
		}
		for _, at := range making.FindAllIndex(source, -1) {
			found++
			if call := callAt(string(source[at[0]:])); !strings.Contains(call, "owner.Expect(") {
				t.Errorf("%s: no owner.Expect among the options of\n%s", name, call)
			}
		}
		return nil
	})
	if err != nil || found < 4 {
		t.Errorf("found %d clients, %v; want at least those of command, function, demo and benchmarks", found, err)
	}
}

// callAt is the source of the call that begins the text.
func callAt(source string) string {
	depth := 0
	for i, r := range source {
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return source[:i+1]
			}
		}
	}
	return source
}
