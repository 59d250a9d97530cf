package main

import (
	"errors"
	"time"
)

// moment is the value of a flag: a time, or how long ago it was.
type moment struct {
	time time.Time // in UTC; settled where it was long ago
	ago  age
	text string
}

// String is the flag's value as it was typed, for cobra.
func (m *moment) String() string { return m.text }

// Type names the flag's value in help.
func (m *moment) Type() string { return "time" }

// zoneless are times that say no time zone.
var zoneless = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// Set accepts a time of RFC 3339, also without seconds, and what age accepts. It
// does not guess a time zone.
func (m *moment) Set(s string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			*m = moment{time: t.UTC(), text: s}
			return nil
		}
	}
	for _, layout := range zoneless {
		if t, err := time.Parse(layout, s); err == nil {
			return errors.New(
				"it has no time zone; write it as " + t.Format("2006-01-02T15:04:05Z") + " for UTC, or with +01:00 instead of Z",
			)
		}
	}
	var ago age
	if ago.Set(s) != nil {
		return errors.New("it has to be a time such as 2026-11-29T08:30:00Z, or how long ago, such as 90m, 12h or 2d")
	}
	*m = moment{ago: ago, text: s}
	return nil
}

// settle makes a time of what was long ago. A flag that was not given is now.
func (m *moment) settle(now time.Time) {
	if m.time.IsZero() {
		m.time = now.UTC().Add(-m.ago.Duration).Truncate(time.Second)
	}
	if m.text == "" {
		m.text = m.time.Format(time.RFC3339)
	}
}
