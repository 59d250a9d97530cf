package main

import (
	"strings"
	"testing"

	"s3fanout/internal/ui"
)

// A long error has its commands in lines of their own, whole, and a line for each
// clause; elsewhere than on a terminal it is one line.
func TestEndTextIsReadOnATerminal(t *testing.T) {
	const text = "s3fanout: 3 keys not the same everywhere; see why keys are missing: s3fanout doctor; " +
		"copy them: s3fanout backfill --key=films/one.mp4 --key=films/two.mp4 --key=films/three.mp4"
	hint := func(s string) string { return strings.ReplaceAll(s, "s3fanout backfill", "bin/s3fanout backfill") }
	for _, c := range []struct {
		name, text string
		width      int
		colours    bool
		code       int
		want       string
	}{
		{"a pipe", text, 0, false, exitLeftOver, hint(text)},
		{"a terminal", text, 60, false, exitLeftOver, `s3fanout: 3 keys not the same everywhere
  see why keys are missing:
  s3fanout doctor
  copy them:
  bin/s3fanout backfill --key=films/one.mp4 --key=films/two.mp4 --key=films/three.mp4`},
		{"a short one, work left", "s3fanout: a; b", 60, true, exitLeftOver, ui.Warning.Paint("s3fanout:") + " a; b"},
		{"a failure", "s3fanout: a; b", 60, true, exitFailed, ui.Failed.Paint("s3fanout:") + " a; b"},
		{"a quotation", `s3fanout: "one; two" is the Region's: it's no key of S3`, 30, false, exitUsage,
			"s3fanout: \"one; two\" is the\n  Region's: it's no key of S3"},
		{"apostrophes", "s3fanout: it is the Region's; look at the others' buckets", 40, false, exitUsage,
			"s3fanout: it is the Region's\n  look at the others' buckets"},
	} {
		if got := endText(c.text, c.width, c.colours, c.code, hint); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
