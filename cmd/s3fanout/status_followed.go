package main

import (
	"fmt"
	"strings"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/table"
)

// followedTable has what became of changes in the last hour, if any are followed.
func followedTable(d document.Status) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "FOLLOWED IN"}}}
	for _, title := range []string{"REPLACED", "DELETED", "RETAGGED", "SUPERSEDED", "WAITED"} {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	for _, r := range d.Regions {
		none, f := "-", r.Followed
		if r.MetricsUnavailable != "" {
			none = "n/a"
		}
		if f == nil {
			continue
		}
		t.Rows = append(t.Rows, table.Row{Cells: []string{
			r.Region, count(f.Replaced, none), count(f.Deleted, none), count(f.Retagged, none),
			count(f.Superseded, none), count(f.Waited, none),
		}})
	}
	return t
}

// manyDeletions is from when on a Region's deletions of the last hour lead to the
// command that brings them back, as the alarm many-deletions does.
const manyDeletions = 1000

// deletedLines names the Regions with so many deletions.
func deletedLines(regions []document.StatusRegion) []string {
	var where []string
	total := 0.0
	for _, r := range regions {
		if r.Followed != nil && r.Followed.Deleted != nil && *r.Followed.Deleted > manyDeletions {
			where = append(where, r.Region)
			total += *r.Followed.Deleted
		}
	}
	if len(where) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("deleted: %s: in the last hour %s deleted, "+
		"because they were deleted in another Region; all versions are still there",
		strings.Join(where, ", "), countOf(int64(total), "object was", "objects were"))}
}
