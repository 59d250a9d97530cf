package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/proof/page"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		s    series
		want spread
		ok   bool
	}{
		{nil, spread{}, false},
		{series{3}, spread{3, 3, 3}, true},
		{series{9, 1, 4}, spread{1, 4, 9}, true},
		{series{4, 9, 1, 2}, spread{1, 3, 9}, true},
	} {
		if got, ok := tt.s.spread(); got != tt.want || ok != tt.ok {
			t.Errorf("%v: got %+v, %t, want %+v", tt.s, got, ok, tt.want)
		}
	}
	unsorted := series{2, 1}
	unsorted.spread()
	if unsorted[0] != 2 {
		t.Error("a series is reordered: its rounds no longer fit another's")
	}
}

// twoRounds is a contest that ours has run in 2 and 5, and theirs in 4 and 15.
func twoRounds(targets ...target) result {
	return result{
		contest: contest{
			name: "example", title: "Example", about: "What is done.", rounds: 2, targets: targets,
			metrics: []metric{
				{key: "time", name: "a copy", unit: "ms", ratio: theirsToOurs},
				{key: "memory", name: "memory", unit: "MiB", ratio: oursToTheirs},
			},
			contestants: []contestant{{name: "s3fanout"}, {name: "other", version: "1.2"}, {name: "absent", missing: "not installed"}},
		},
		samples: [][]sample{
			{{"time": 2, "memory": 8}, {"time": 5, "memory": 8}},
			{{"time": 4}, {"time": 15}},
			nil,
		},
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	r := twoRounds()
	m := r.contest.metrics[0]
	if got, want := r.ratios(1, m), (series{2, 3}); !slices.Equal(got, want) {
		t.Errorf("theirs to ours: got %v, want %v", got, want)
	}
	m.ratio = oursToTheirs
	if got, want := r.ratios(1, m), (series{0.5, 1.0 / 3}); !slices.Equal(got, want) {
		t.Errorf("ours to theirs: got %v, want %v", got, want)
	}
	for _, contestant := range []int{0, 2} {
		if got := r.ratios(contestant, m); got != nil {
			t.Errorf("contestant %d: got %v, want none", contestant, got)
		}
	}
	if got := r.ratios(1, r.contest.metrics[1]); got != nil {
		t.Errorf("a metric that the other lacks: got %v, want none", got)
	}
	r.samples[1][0]["time"], m.ratio = 0, oursToTheirs
	if got := r.ratios(1, m); got != nil {
		t.Errorf("of nothing: got %v, want none", got)
	}
}

func TestFiguresOfAllRoundsOrNone(t *testing.T) {
	r := twoRounds()
	delete(r.samples[0][1], "memory")
	if got := r.figures(0, "memory"); got != nil {
		t.Errorf("got %v of a metric that one round lacks, want none", got)
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name       string
		target     target
		contestant int
		want       string
	}{
		{"our own figure, met", target{metric: "time", atMost: 3.5}, 0, "≤ 3.50: met"}, // the median of 2 and 5
		{"our own figure, missed", target{metric: "time", atMost: 3.4}, 0, "≤ 3.40: missed"},
		{"a target of ours is not another's", target{metric: "time", atMost: 3.5}, 1, ""},
		{"a ratio, met", target{metric: "time", against: []string{"other"}, atLeast: 2.5}, 1, "≥ 2.50: met"},
		{"a ratio, missed", target{metric: "time", against: []string{"other"}, atLeast: 2.6}, 1, "≥ 2.60: missed"},
		{"a target against another is not ours", target{metric: "time", against: []string{"other"}, atLeast: 2.5}, 0, ""},
		{"both bounds", target{metric: "time", against: []string{"other"}, atLeast: 2, atMost: 2.4}, 1, "≥ 2: missed, ≤ 2.40: missed"},
		{"one that is not there", target{metric: "time", against: []string{"absent"}, atLeast: 2}, 2, "≥ 2: not measured"},
		{"of two, each has its own", target{metric: "time", against: []string{"absent", "other"}, atLeast: 2}, 1, "≥ 2: met"},
		{"another metric", target{metric: "memory", atMost: 1}, 0, ""},
	} {
		if got := twoRounds(tt.target).verdict("time", tt.contestant); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLines(t *testing.T) {
	got := twoRounds(target{metric: "time", against: []string{"other", "absent"}, atLeast: 2}).lines()
	want := []line{
		{"a copy, ms", "s3fanout", "2 / 3.50 / 5", "", ""},
		{"a copy, ms", "other 1.2", "4 / 9.50 / 15", "2 / 2.50 / 3 (theirs / ours)", "≥ 2: met"},
		{"a copy, ms", "absent", "not measured: not installed", "", "≥ 2: not measured"},
		{"memory, MiB", "s3fanout", "8", "", ""},
		{"memory, MiB", "absent", "not measured: not installed", "", ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func TestRows(t *testing.T) {
	got := twoRounds(target{metric: "time", against: []string{"other"}, atLeast: 2}, target{metric: "memory", atMost: 9}).rows()
	want := []row{
		{"a copy, ms", "3.50", "other 1.2: 9.50", "2.50", "≥ 2: met"},
		{"memory, MiB", "8", "", "", "≤ 9: met"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	if got, want := got[0].String(), "a copy, ms: 3.50; other 1.2: 9.50 (2.50); ≥ 2: met"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A row of who ran in one of two rounds has our figure of the same round, so that figures
// and ratio agree; parts of a figure share an item.
func TestRowsOfOneRoundAndOfParts(t *testing.T) {
	r := twoRounds(target{metric: "time", against: []string{"other"}, atLeast: 2})
	r.contest.contestants[1].once = true
	r.samples[1] = r.samples[1][:1]
	r.contest.parts.name, r.contest.parts.metrics = "its parts, ms", []string{"time", "memory"}
	want := []row{
		{"a copy, ms", "2", "other 1.2: 4", "2", "≥ 2: met"},
		{"its parts, ms", "a copy 3.50, memory 8", "", "", ""},
	}
	if got := r.rows(); !slices.Equal(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.123: "0.12", 1.005: "1.00", 12.34: "12.3", 123.4: "123", 20: "20", -1.5: "-1.50"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestContestantsTakeTurns(t *testing.T) {
	var order []string
	c := contest{rounds: 3}
	for _, name := range []string{"a", "b", "c"} {
		c.contestants = append(c.contestants, contestant{name: name, run: func(_ context.Context, round int) (sample, error) {
			order = append(order, name)
			return sample{"round": float64(round)}, nil
		}})
	}
	c.contestants[1].missing = "not here"
	r, err := c.run(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "c", "c", "a", "c", "a"}; !slices.Equal(order, want) {
		t.Errorf("got order %v, want %v", order, want)
	}
	if got, want := r.figures(2, "round"), (series{0, 1, 2}); !slices.Equal(got, want) || r.samples[1] != nil {
		t.Errorf("got samples %v", r.samples)
	}
	broken := errors.New("broken")
	c.contestants[2].run = func(context.Context, int) (sample, error) { return nil, broken }
	if _, err := c.run(t.Context(), io.Discard); !errors.Is(err, broken) {
		t.Errorf("got %v, want what one failed with", err)
	}
	r, _ = c.run(t.Context(), io.Discard)
	if got := r.figures(0, "round"); len(got) != 3 || c.contestants[2].missing == "" {
		t.Errorf("beside one that fails, the others have %v", got)
	}
}

func TestUpdatePage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before\n<!-- example -->\n<!-- end of example -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := machine{processor: "Z80", cores: 1, system: "cpm", goVersion: "go1", date: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	if err := updatePage(path, m, []result{twoRounds()}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	updated := string(page)
	for _, want := range []string{
		"before\n<!-- example -->\n## Example\nWhat is done.\n",
		"- a copy, ms: 3.50; other 1.2: 9.50 (2.50)\n- a copy, ms: 3.50; absent: not measured, not installed\n",
		"\n21 November 2026, 1 cores (Z80), go1; 2 rounds.\n<!-- end of example -->\nafter\n",
	} {
		if !strings.Contains(updated, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	// What the page says of all contests is not said again with each.
	common := "<!-- machine -->\nWhere nothing else is said: 21 November 2026, 1 cores (Z80), go1.\n<!-- end of machine -->\n"
	if err := os.WriteFile(path, []byte(common+updated), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := updatePage(path, m, []result{twoRounds()}); err != nil {
		t.Fatal(err)
	}
	if page, err = os.ReadFile(path); err != nil || !strings.HasPrefix(string(page), common) ||
		!strings.Contains(string(page), "\n\n2 rounds.\n") {
		t.Errorf("%v, of a contest on what the page names:\n%s", err, page)
	}
}

// A run of all contests says once what they ran on.
func TestPageOfAWholeRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	text := "<!-- machine -->\nold\n<!-- end of machine -->\n"
	var results []result
	for _, c := range all {
		text += "<!-- " + c.name + " -->\n<!-- end of " + c.name + " -->\n"
		r := twoRounds()
		r.contest.name = c.name
		results = append(results, r)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := machine{processor: "Z80", cores: 1, date: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	if err := updatePage(path, m, results); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil || strings.Count(string(page), m.short()) != 1 || strings.Contains(string(page), "old") {
		t.Errorf("%v, want %q once:\n%s", err, m.short(), page)
	}
}

// Every contest has a place on the page, in the order in which they run, and
// every place a contest.
func TestPageHasAllContests(t *testing.T) {
	text, err := os.ReadFile("../../../docs/internals/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	var marks, names []string
	for _, m := range regexp.MustCompile(`(?m)^<!-- (\w+) -->$`).FindAllStringSubmatch(string(text), -1) {
		if m[1] != "machine" {
			marks = append(marks, m[1])
		}
	}
	for _, c := range all {
		names = append(names, c.name)
		if _, err := page.Section(string(text), c.name, ""); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(marks, names) {
		t.Errorf("the page has places for %v, the contests are %v", marks, names)
	}
}

func TestUnknownContestIsNamed(t *testing.T) {
	err := bench(t.Context(), []string{"-only", "function,none"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `"none"`) || !strings.Contains(err.Error(), "function") {
		t.Errorf("got %v, want an error that names it and what there is", err)
	}
}
