package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// arrival says how an object stands in one Region.
type arrival struct {
	uploaded bool          // the Region of the upload
	there    bool          // a replica is there
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
	case !a.there:
		return "MISSING"
	case a.lag < time.Millisecond:
		return "< 1 ms"
	default:
		return fmt.Sprintf("%d ms", a.lag.Milliseconds())
	}
}

const (
	// A table of three Regions fits into 80 columns.
	keyWidth  = 32
	cellWidth = 15
)

// writeTable prints a row an object and a column a Region.
func writeTable(w io.Writer, regions []string, rows []row) {
	_, _ = fmt.Fprintf(w, "  %s", pad("OBJECT", keyWidth))
	for _, r := range regions {
		_, _ = fmt.Fprintf(w, "%*s", cellWidth, r)
	}
	_, _ = fmt.Fprintln(w)
	for _, r := range rows {
		name := r.object.key
		if name == "" || strings.TrimSpace(name) != name {
			name = fmt.Sprintf("%q", name)
		}
		if r.object.note != "" {
			name += " (" + r.object.note + ")"
		}
		_, _ = fmt.Fprintf(w, "  %s", pad(name, keyWidth))
		for _, region := range regions {
			_, _ = fmt.Fprintf(w, "%*s", cellWidth, r.arrivals[region])
		}
		_, _ = fmt.Fprintln(w)
	}
}

// row is one object's line of the table.
type row struct {
	object   object
	arrivals map[string]arrival
}

// pad fills a text up to a number of terminal cells: wide characters take two.
func pad(s string, cells int) string {
	n := 0
	for i, r := range s {
		w := 1
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			w = 2
		}
		if n+w > cells-1 && i+utf8.RuneLen(r) < len(s) {
			s = s[:i] + "…"
			n++
			break
		}
		n += w
	}
	return s + strings.Repeat(" ", max(0, cells-n))
}
