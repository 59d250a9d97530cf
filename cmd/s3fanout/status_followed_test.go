package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/operator/health"
)

// Where changes are followed status says what became of them, and leads from many
// deletions to the command that brings them back.
func TestStatusWhereChangesAreFollowed(t *testing.T) {
	three, many, few := 3.0, 1001.0, 1000.0
	for _, c := range []struct {
		followed *health.Followed
		row      string
		undelete bool
	}{
		{nil, "", false},
		{&health.Followed{Replaced: &three, Deleted: &few}, "us-east-1 3 1000 - - -", false},
		{&health.Followed{Deleted: &many, Waited: &three}, "us-east-1 - 1001 - - 3", true},
	} {
		facts, _ := troubled()
		d := newStatusView(facts, nil, map[string]health.Figures{"us-east-1": {Followed: c.followed}, "ap-northeast-1": {}}, nil)
		var b bytes.Buffer
		if err := writeStatusText(&b, d, 0, false); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for line := range strings.Lines(b.String()) {
			rows = append(rows, strings.Join(strings.Fields(line), " "))
		}
		header := slices.Contains(rows, "FOLLOWED IN REPLACED DELETED RETAGGED SUPERSEDED WAITED")
		if header != (c.followed != nil) || c.row != "" && !slices.Contains(rows, c.row) {
			t.Errorf("%+v: want the row %q in\n%s", c.followed, c.row, &b)
		}
		got := slices.Contains(d.Next, "s3fanout undelete --since 2h --dry-run")
		if got != c.undelete ||
			strings.Contains(b.String(), "deleted: us-east-1: in the last hour 1001 objects were deleted") != c.undelete {
			t.Errorf("%+v: leads to undelete: %v, want %v\n%s", c.followed, got, c.undelete, &b)
		}
	}
}
