// Package insights evaluates queries of CloudWatch Logs Insights over events in JSON,
// as far as the saved queries of the audit trail and the command use them: fields,
// filter, sort, stats and limit, with the operators and functions that Parse names. All
// else is refused with a message that says what there is; nothing is skipped
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html).
package insights

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Event is an event with its fields, flattened as Logs Insights does: the members of
// objects by a dot, the elements of lists by their places.
type Event struct {
	Time   time.Time
	Fields map[string]string
}

// Cell is a field of a row of the result.
type Cell struct{ Field, Value string }

// maxRows is how many rows a query without limit has.
const maxRows = 10000

// Query is one that has been parsed.
type Query struct {
	columns []column // of fields, in order, those without an expression of their own too
	filters []expression
	sort    *sorting
	stats   *statistics
	limit   int
}

type column struct {
	name string
	of   expression
}

type sorting struct {
	by         expression
	descending bool
}

type statistics struct {
	sums []column // of each group; of is what is added up, nil to count
	by   []column
}

// row is an event, or a group of them, with the columns that were computed.
type row struct {
	event    Event
	computed map[string]value
}

// Run answers the query of events. Cells without a value are left out, as on AWS.
func (q Query) Run(events []Event) [][]Cell {
	var rows []row
	for _, e := range events {
		r := row{event: e, computed: map[string]value{}}
		for _, c := range q.columns {
			if plain, ok := c.of.(field); !ok || c.name != plain.name {
				r.computed[c.name] = c.of.of(r)
			}
		}
		if !slices.ContainsFunc(q.filters, func(f expression) bool { return !f.of(r).truth() }) {
			rows = append(rows, r)
		}
	}
	if q.stats != nil {
		return q.cut(q.stats.run(rows))
	}
	if q.sort != nil {
		slices.SortStableFunc(rows, func(a, b row) int {
			order := compare(q.sort.by.of(a), q.sort.by.of(b))
			if q.sort.descending {
				return -order
			}
			return order
		})
	}
	var out [][]Cell
	for i, r := range rows {
		var cells []Cell
		for _, c := range q.columns {
			if v := r.get(c); v.is {
				cells = append(cells, Cell{c.name, v.String()})
			}
		}
		out = append(out, append(cells, Cell{"@ptr", strconv.Itoa(i)}))
	}
	return q.cut(out)
}

func (r row) get(c column) value {
	if v, ok := r.computed[c.name]; ok {
		return v
	}
	return c.of.of(r)
}

func (q Query) cut(rows [][]Cell) [][]Cell {
	return rows[:min(len(rows), cmp.Or(q.limit, maxRows))]
}

// run makes a row of each group, in the order of the groups' values.
func (s *statistics) run(rows []row) [][]Cell {
	type group struct {
		by   []value
		sums []float64
	}
	var groups []group
	for _, r := range rows {
		g := group{sums: make([]float64, len(s.sums))}
		for _, by := range s.by {
			g.by = append(g.by, by.of.of(r))
		}
		at := slices.IndexFunc(groups, func(o group) bool {
			return slices.EqualFunc(o.by, g.by, same)
		})
		if at < 0 {
			at = len(groups)
			groups = append(groups, g)
		}
		for i, sum := range s.sums {
			add := 1.0
			if sum.of != nil {
				add = sum.of.of(r).number()
			}
			groups[at].sums[i] += add
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return slices.CompareFunc(a.by, b.by, compare) })
	var out [][]Cell
	for _, g := range groups {
		var cells []Cell
		for i, by := range s.by {
			if g.by[i].is {
				cells = append(cells, Cell{by.name, g.by[i].String()})
			}
		}
		for i, sum := range s.sums {
			cells = append(cells, Cell{sum.name, number(g.sums[i]).String()})
		}
		out = append(out, cells)
	}
	return out
}
