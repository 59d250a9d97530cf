package sandbox

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page about the sandbox names exactly the resource types that the code
// supports, and those without effect apart.
func TestPageNamesTheResourceTypes(t *testing.T) {
	page, err := os.ReadFile("../../docs/internals/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		heading string
		want    []string
	}{
		{"Supported: ", slices.Sorted(maps.Keys(kinds()))},
		{"Without effect: ", slices.Sorted(maps.Keys(inertTypes()))},
	} {
		_, text, ok := strings.Cut(string(page), c.heading)
		if !ok {
			t.Fatalf("the page has no %q", c.heading)
		}
		text, _, _ = strings.Cut(text, "\n\n")
		got := regexp.MustCompile(`AWS::\w+::\w+`).FindAllString(text, -1)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %v\nwant %v", c.heading, got, c.want)
		}
	}
}
