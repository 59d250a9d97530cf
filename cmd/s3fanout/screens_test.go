package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/table"
)

// TestScreens holds what doctor, status and redrive show when something is wrong, on
// terminals of two widths, with colours and without: go test ./cmd/s3fanout -run
// Screens -update writes it anew, to be looked at.
func TestScreens(t *testing.T) {
	facts, findings := troubled()
	urgent := health.ByUrgency(health.Merge(findings, facts.Caller))
	doctor := document.NewDoctor(facts, urgent)
	hour := time.Hour
	status := newStatusView(facts, findings, map[string]health.Figures{"us-east-1": {Oldest: &hour}}, nil)
	reason := "retryable: SlowDown: reduce your request rate"
	letters := redriveView{
		Redrive: document.Redrive{
			ReplicaSet: "media", Left: 2,
			Regions: []document.RedriveRegion{{Region: "us-east-1", Found: 3, Replayed: 1, Left: 2}, {Region: "ap-northeast-1"}},
			Letters: []document.RedriveLetter{
				{Region: "us-east-1", Kind: "on-failure", Outcome: "failed", Reason: reason,
					Objects: []document.RedriveObject{{Bucket: "media-111122223333-ap-northeast-1", Key: "films/2026/a-long-name/one.mp4"}}},
				{Region: "us-east-1", Outcome: "not-understood", Reason: "not a known dead letter"},
			},
		},
		left: []document.RedriveReason{{Reason: reason, Count: 1, Next: "redrive again, with --rate if it was throttled"}},
	}
	for name, write := range map[string]func(b *bytes.Buffer, width int, colours bool) error{
		"doctor": func(b *bytes.Buffer, width int, colours bool) error {
			return writeDoctorText(b, doctor, width, colours)
		},
		"status": func(b *bytes.Buffer, width int, colours bool) error {
			return writeStatusText(b, status, width, colours)
		},
		"redrive": func(b *bytes.Buffer, width int, colours bool) error {
			return writeRedriveText(b, letters, width, colours)
		},
	} {
		for _, width := range []int{80, 120} {
			for _, colours := range []bool{false, true} {
				var b bytes.Buffer
				if err := write(&b, width, colours); err != nil {
					t.Fatal(err)
				}
				got := b.String()
				for line := range strings.Lines(got) {
					command := isCommand(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "fix")))
					if w := table.Width(strings.TrimSuffix(line, "\n")); !colours && w > width && !command {
						t.Errorf("%s at %d: %d columns: %q", name, width, w, line)
					}
				}
				got = strings.ReplaceAll(got, "\x1b", "<ESC>") // readable in a diff
				path := filepath.Join("testdata", "screens", fmt.Sprintf("%s-%d.txt", name, width))
				if colours {
					path = strings.Replace(path, ".txt", "-colours.txt", 1)
				}
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
				}
			}
		}
	}
}
