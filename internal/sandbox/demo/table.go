package demo

import (
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/table"
)

// arrival says how an object stands in one Region.
type arrival struct {
	uploaded bool          // the Region of the upload
	arrived  bool          // a replica is there
	lag      time.Duration // from the upload's answer until the replica was seen
	checked  bool          // the object was read back
	same     bool          // and is as it was uploaded
}

func (a arrival) String() string {
	switch {
	case a.checked && a.same:
		return "same"
	case a.checked:
		return "DIFFERENT"
	case a.uploaded:
		return "uploaded"
	case !a.arrived:
		return "MISSING"
	case a.lag < time.Millisecond:
		return "< 1 ms"
	default:
		return fmt.Sprintf("%d ms", a.lag.Milliseconds())
	}
}

// columns is the width of a terminal that shows all of the story.
const columns = 80

// objectTable has a row an object and a column a Region.
func objectTable(regions []string, rows []row) table.Table {
	t := table.Table{Width: columns, Indent: "  ", Columns: []table.Column{{Title: "OBJECT", Cut: table.CutEnd}}}
	for _, region := range regions {
		t.Columns = append(t.Columns, table.Column{Title: region, Right: true})
	}
	for _, r := range rows {
		name := r.object.key
		if name == "" || strings.TrimSpace(name) != name {
			name = fmt.Sprintf("%q", name)
		}
		if r.object.note != "" {
			name += " (" + r.object.note + ")"
		}
		cells := []string{name}
		for _, region := range regions {
			cells = append(cells, r.arrivals[region].String())
		}
		t.Rows = append(t.Rows, table.Row{Cells: cells})
	}
	return t
}

// row is one object's line of the table.
type row struct {
	object   object
	arrivals map[string]arrival
}
