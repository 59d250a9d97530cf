package policy

import (
	"testing"
	"time"
)

func TestMayHaveHidden(t *testing.T) {
	written := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	after := func(days float64) time.Time { return written.Add(time.Duration(days * float64(day))) }
	for _, tt := range []struct {
		name   string
		rules  Expiries
		size   int64
		hidden time.Time
		want   bool
	}{
		{"no rules", nil, 1, after(100), false},
		{"after its days", Expiries{{Days: 30}}, 1, after(30.5), true},
		{"before its days", Expiries{{Days: 30}}, 1, after(29.9), false},
		{"of another prefix", Expiries{{Prefix: "other/", Days: 1}}, 1, after(30), false},
		{"of its prefix", Expiries{{Prefix: "films/", Days: 1}}, 1, after(30), true},
		{"one of two", Expiries{{Prefix: "other/", Days: 1}, {Days: 10}}, 1, after(30), true},
		{"of larger objects", Expiries{{Least: 5, Days: 1}}, 4, after(30), false},
		{"of smaller objects", Expiries{{Under: 5, Days: 1}}, 6, after(30), false},
		{"of exactly the lower bound", Expiries{{Least: 5, Days: 1}}, 5, after(30), true},
		{"of exactly the upper bound", Expiries{{Under: 5, Days: 1}}, 5, after(30), false},
		{"just under it", Expiries{{Under: 5, Days: 1}}, 4, after(30), true},
		{"of no bytes", Expiries{{Days: 1}}, 0, after(30), true},
		{"of its size", Expiries{{Least: 5, Under: 9, Days: 1}}, 7, after(30), true},
		{"by tags that nobody knows", Expiries{{Tagged: true, Days: 1}}, 1, after(30), true},
		{"at a date", Expiries{{Date: after(5)}}, 1, after(6), true},
		{"before that date", Expiries{{Date: after(5)}}, 1, after(4), false},
		{"a rule that hides nothing", Expiries{{Noncurrent: 1, Markers: true}}, 1, after(30), false},
	} {
		if got := tt.rules.MayHaveHidden("films/a", tt.size, written, tt.hidden); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestMayHaveForgotten(t *testing.T) {
	written := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	old, fresh := written.Add(31*day), written.Add(5*day)
	for _, tt := range []struct {
		name  string
		rules Expiries
		now   time.Time
		want  bool
	}{
		{"no rules", nil, old, false},
		{"versions and markers go", Expiries{{Noncurrent: 30, Markers: true}}, old, true},
		{"by two rules", Expiries{{Noncurrent: 30}, {Markers: true}}, old, true},
		{"the expiry of objects clears markers too", Expiries{{Noncurrent: 30, Days: 300}}, old, true},
		{"not so soon", Expiries{{Noncurrent: 30, Markers: true}}, fresh, false},
		{"markers stay", Expiries{{Noncurrent: 30}}, old, false},
		{"versions stay", Expiries{{Markers: true}}, old, false},
		{"of another prefix", Expiries{{Prefix: "logs/", Noncurrent: 1, Markers: true}}, old, false},
	} {
		if got := tt.rules.MayHaveForgotten("films/a", 1, written, tt.now); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
