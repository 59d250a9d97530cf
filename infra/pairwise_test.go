package infra

import (
	"maps"
	"slices"
)

// pairwise returns choices of one level of each feature in which every pair
// of levels of two features occurs. The first choice is all defaults.
func pairwise(counts []int) [][]int {
	type pair struct{ f, a, g, b int }
	open := map[pair]bool{}
	for f := range counts {
		for g := range counts[:f] {
			for a := range counts[f] {
				for b := range counts[g] {
					open[pair{f, a, g, b}] = true
				}
			}
		}
	}
	// gain is how many open pairs the level of f makes with the chosen ones.
	gain := func(row []int, f, a int) (n int) {
		for g, b := range row {
			if b >= 0 && (open[pair{f, a, g, b}] || open[pair{g, b, f, a}]) {
				n++
			}
		}
		return n
	}
	rows := [][]int{make([]int, len(counts))}
	for {
		last := rows[len(rows)-1]
		for f, a := range last {
			for g, b := range last[:f] {
				delete(open, pair{f, a, g, b})
			}
		}
		if len(open) == 0 {
			return rows
		}
		// Begin with an open pair, the same one in each run.
		first := slices.MinFunc(slices.Collect(maps.Keys(open)), func(p, q pair) int {
			return slices.Compare([]int{p.f, p.g, p.a, p.b}, []int{q.f, q.g, q.a, q.b})
		})
		row := slices.Repeat([]int{-1}, len(counts))
		row[first.f], row[first.g] = first.a, first.b
		for f := range row {
			if row[f] >= 0 {
				continue
			}
			best, most := 0, -1
			for a := range counts[f] {
				if n := gain(row, f, a); n > most {
					best, most = a, n
				}
			}
			row[f] = best
		}
		rows = append(rows, row)
	}
}
