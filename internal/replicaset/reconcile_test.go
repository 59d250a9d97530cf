package replicaset

import (
	"reflect"
	"testing"
	"time"
)

func TestReconcileIsRead(t *testing.T) {
	const day = 24 * time.Hour
	for raw, want := range map[string]*Reconcile{
		`{}`:                                    nil,
		`{"reconcile": {}}`:                     {Every: day},
		`{"reconcile": {"copy": true}}`:         {Every: day, Copy: true},
		`{"reconcile": {"every": "6 hours"}}`:   {Every: 6 * time.Hour},
		`{"reconcile": {"every": "1 day"}}`:     {Every: day},
		`{"reconcile": {"every": "1 week"}}`:    {Every: 7 * day},
		`{"reconcile": {"every": "30 days"}}`:   {Every: 30 * day},
		`{"reconcile": {"keyRanges": 40}}`:      {Every: day, KeyRanges: 40},
		`{"reconcile": {"every": "720 hours"}}`: {Every: 30 * day},
	} {
		got, err := Parse([]byte(raw))
		if err != nil || !reflect.DeepEqual(got.Reconcile, want) {
			t.Errorf("%s: got %v, %v, want %v", raw, got.Reconcile, err, want)
		}
	}
}

func TestValidateReconcile(t *testing.T) {
	const hour = time.Hour
	for _, tt := range []struct {
		reconcile Reconcile
		want      string // the whole message, "" for none
	}{
		{Reconcile{Every: 6 * hour}, ""},
		{Reconcile{Every: 30 * 24 * hour, Copy: true, KeyRanges: 100}, ""},
		{Reconcile{Every: 5 * hour}, "s3fanout.reconcile.every: 5 hours is not possible; use 6 hours to 30 days"},
		{Reconcile{Every: 31 * 24 * hour}, "s3fanout.reconcile.every: 31 days is not possible; use 6 hours to 30 days"},
		{Reconcile{}, "s3fanout.reconcile.every: 0 hours is not possible; use 6 hours to 30 days"},
		{Reconcile{Every: hour + time.Minute}, "s3fanout.reconcile.every: 61 minutes is not possible; use 6 hours to 30 days"},
		{Reconcile{Every: 24 * hour, KeyRanges: 2}, ""},
		{Reconcile{Every: 24 * hour, KeyRanges: 1},
			"s3fanout.reconcile.keyRanges: 1 is not possible; use 2 to 100, or leave it out to compare with one function"},
		{Reconcile{Every: 24 * hour, KeyRanges: 101},
			"s3fanout.reconcile.keyRanges: 101 is not possible; use 2 to 100, or leave it out to compare with one function"},
	} {
		got := ""
		if err := set(func(c *Config) { c.Reconcile = &tt.reconcile }).Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", tt.reconcile, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1 hour", 6 * time.Hour: "6 hours", 24 * time.Hour: "1 day", 36 * time.Hour: "36 hours", 72 * time.Hour: "3 days",
		0: "0 hours",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
		if back, err := ParseSpan(want); d != 0 && (err != nil || back != d) {
			t.Errorf("%q is read as %v, %v", want, back, err)
		}
	}
}
