package replicaset

import (
	"slices"
	"testing"
)

func TestNarrow(t *testing.T) {
	filters := []Filter{{Prefix: "films/"}, {Prefix: "music/", Suffix: ".flac"}, {Suffix: ".txt"}}
	for _, tt := range []struct {
		name    string
		filters []Filter
		prefix  string
		want    []Filter
	}{
		{"no filters", nil, "a/", []Filter{{Prefix: "a/"}}},
		{"no filters, all keys", nil, "", []Filter{{}}},
		{"all keys", filters, "", filters},
		{"within a filter", filters, "films/2026/", []Filter{{Prefix: "films/2026/"}, {Prefix: "films/2026/", Suffix: ".txt"}}},
		{"around a filter", filters, "mu", []Filter{{Prefix: "music/", Suffix: ".flac"}, {Prefix: "mu", Suffix: ".txt"}}},
		{"elsewhere", filters[:2], "logs/", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{Filters: tt.filters}
			got := c.Narrow(tt.prefix)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for _, key := range []string{"films/a", "films/2026/a.txt", "music/a.flac", "mu.txt", "logs/a", "a/b"} {
				chosen := slices.ContainsFunc(got, func(f Filter) bool {
					return Config{Filters: []Filter{f}}.Matches(key) || f == Filter{}
				})
				if want := c.Matches(key) && len(key) >= len(tt.prefix) && key[:len(tt.prefix)] == tt.prefix; chosen != want {
					t.Errorf("%q: chosen %v, want %v", key, chosen, want)
				}
			}
		})
	}
}
