// Package page puts what was measured or computed into Markdown pages that
// people write the rest of.
package page

import (
	"fmt"
	"strings"
)

// Section replaces what a page has between the lines <!-- name --> and
// <!-- end of name -->, and returns the page. Everything else stays as it is. It
// returns an error if the page has no such lines in this order.
func Section(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no %q before %q", strings.TrimSpace(begin), end)
	}
	return before + begin + text + end + after, nil
}
