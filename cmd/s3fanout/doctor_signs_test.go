package main

import (
	"bytes"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/ui"
)

// What failed is seen at a glance on a terminal, with colours and without, and the
// most urgent finding comes first; in a file nothing is in the way of a search.
func TestFindingsHaveSignsAndUrgency(t *testing.T) {
	d := document.Doctor{
		ReplicaSet: "media", Account: "111122223333",
		Regions: []document.DoctorRegion{
			{Region: "us-east-1", Parts: map[string]string{"bucket": "ok", "queue": "failed", "topic": "warning"}},
			{Region: "eu-west-1", Parts: map[string]string{"bucket": "ok"}},
		},
		Findings: []document.Finding{{Check: "queue", Region: "us-east-1", Severity: "failed", What: "w", Means: "m",
			Fix: "npx cdk deploy --revert-drift media-us-east-1; then find what was missed: s3fanout verify"}},
	}
	write := func(width int, colours bool) string {
		var b bytes.Buffer
		if err := writeDoctorText(&b, d, width, colours); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	terminal, coloured, file := write(80, false), write(80, true), write(0, false)
	for _, want := range []string{"\n✗ us-east-1 ", "\n  eu-west-1 ", "\n✗ us-east-1: failed: queue\n"} {
		if !strings.Contains(terminal, want) {
			t.Errorf("no %q on a terminal:\n%s", want, terminal)
		}
	}
	steps := "  fix    npx cdk deploy --revert-drift media-us-east-1\n         then find what was missed:\n         s3fanout verify\n"
	for name, text := range map[string]string{"terminal": terminal, "colours": coloured, "file": file} {
		if !strings.HasSuffix(text, steps) {
			t.Errorf("%s: the steps are not in lines of their own:\n%s", name, text)
		}
	}
	if strings.Contains(terminal+file, "\x1b") || strings.Contains(file, "✗") {
		t.Errorf("colours or signs where there should be none:\n%s%s", terminal, file)
	}
	for _, want := range []string{
		ui.Failed.Paint("✗ us-east-1"), ui.OK.Paint("ok"), ui.Failed.Paint("failed"), ui.Warning.Paint("warning"),
	} {
		if !strings.Contains(coloured, want) {
			t.Errorf("no %q with colours:\n%q", want, coloured)
		}
	}
}
