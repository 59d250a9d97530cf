package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/history"
	"s3fanout/internal/policy"
)

func TestHistoryFitsTheTerminal(t *testing.T) {
	stack := []policy.Version{
		{ID: "m\x1b[31m", Modified: 1_790_000_100, Marker: true},
		{ID: "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo", Modified: 1_790_000_000,
			Figures: policy.Figures{Size: 5 << 30, ETag: "841a2d689ad86bd1611447453c22c6fc"}},
	}
	replica := stack[1]
	replica.ID, replica.Modified = "r1", 1_790_000_005
	d := document.NewHistory("media", history.Facts{Key: "k", Regions: []history.Region{
		{Region: "us-east-1", Stack: stack, More: true}, {Region: "ap-southeast-3", Stack: []policy.Version{replica}},
		{Region: "eu-west-1"}, {Region: "eu-north-1", Err: errors.New("region eu-north-1: \x1b[2J denied")},
	}})
	var b bytes.Buffer
	if err := writeHistoryText(&b, d, 80, false); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(text, "\x1b") {
		t.Errorf("the terminal gets an escape sequence: %q", text)
	}
	for _, want := range []string{
		"2026-09-21 14:13:20Z  us-east-1       write ", "    current · likely of us-east-1, version\n",
		"us-east-1       deletion        -", "5.0 GiB",
		"us-east-1: there are older versions than these 2; for more, add --versions", "eu-west-1: no version\n", "eu-north-1: not known: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len([]rune(line)) > 81 && !strings.HasPrefix(line, "eu-north-1") {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
}
