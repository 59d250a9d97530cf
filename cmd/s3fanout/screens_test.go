package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/table"
)

// TestScreens holds what commands show when something is wrong, on terminals of two
// widths, with colours and without: go test ./cmd/s3fanout -run Screens -update
// writes it anew, to be looked at.
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
					Objects: []document.RedriveObject{
						{Bucket: "media-111122223333-ap-northeast-1", Key: "films/2026/a-long-name/one.mp4"},
					}},
				{Region: "us-east-1", Outcome: "not-understood", Reason: "not a known dead letter"},
			},
		},
		left: []document.RedriveReason{{Reason: reason, Count: 1, Next: "redrive again, with --rate if it was throttled"}},
	}
	screens := map[string]screenOf{
		"doctor":  func(w io.Writer, width int, colours bool) error { return writeDoctorText(w, doctor, width, colours) },
		"status":  func(w io.Writer, width int, colours bool) error { return writeStatusText(w, status, width, colours) },
		"redrive": func(w io.Writer, width int, colours bool) error { return writeRedriveText(w, letters, width, colours) },
	}
	maps.Copy(screens, moreScreens(t, document.NewAdoptCheck(facts, urgent)))
	maps.Copy(screens, resultScreens(t))
	for name, write := range screens {
		t.Run(name, func(t *testing.T) { checkScreens(t, name, write) })
	}
}

// screenOf writes what a command shows.
type screenOf func(w io.Writer, width int, colours bool) error

// checkScreens compares the screens of a command with the file that has them.
func checkScreens(t *testing.T, name string, write screenOf) {
	var got strings.Builder
	for _, width := range []int{80, 120} {
		for _, colours := range []bool{false, true} {
			var b bytes.Buffer
			if err := write(&b, width, colours); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				command := isCommand(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "fix")))
				if w := table.Width(strings.TrimSuffix(line, "\n")); !colours && w > width && !command {
					t.Errorf("at %d: %d columns: %q", width, w, line)
				}
			}
			title := fmt.Sprintf("%d columns", width)
			if colours {
				title += ", colours"
			}
			// Readable in a diff.
			fmt.Fprintf(&got, "-- %s --\n%s", title, strings.ReplaceAll(b.String(), "\x1b", "<ESC>"))
		}
	}
	path := filepath.Join("testdata", "screens", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got.String(), want)
	}
}
