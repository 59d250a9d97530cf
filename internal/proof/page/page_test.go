package page_test

import (
	"testing"

	"s3fanout/internal/proof/page"
)

func TestSection(t *testing.T) {
	const before = "# A\n<!-- one -->\nold\n<!-- end of one -->\ntext\n<!-- two -->\n<!-- end of two -->\n"
	const after = "# A\n<!-- one -->\nnew\n<!-- end of one -->\ntext\n<!-- two -->\n<!-- end of two -->\n"
	for range 2 { // the second time changes nothing
		got, err := page.Section(before, "one", "new\n")
		if err != nil || got != after {
			t.Fatalf("got %q, %v, want %q", got, err, after)
		}
	}
	for _, bad := range []string{"", "<!-- one -->\n", "<!-- end of one --><!-- one -->\n"} {
		if got, err := page.Section(bad, "one", "new\n"); err == nil {
			t.Errorf("%q: got %q, want an error", bad, got)
		}
	}
}
