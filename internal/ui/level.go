// Package ui says how results look on a terminal: signs and colours of what is
// ok, a warning or failed, bars of progress, and the time that is left.
//
// It takes and returns text. Whether something is a terminal, how wide it is and
// whether it may have colours is the caller's to find out.
package ui

// Level is how good or bad something is, from good to bad.
type Level int

// The levels.
const (
	OK      Level = iota
	Note          // worth knowing
	Warning       // needs action some day
	Unknown       // could not be found out
	Failed        // needs action
)

// Plain ends a colour.
const Plain = "\x1b[0m"

// Sign is one character that says the level without a colour, a space for OK.
func (l Level) Sign() string {
	switch l {
	case OK:
		return " "
	case Note:
		return "i"
	case Warning:
		return "!"
	case Unknown:
		return "?"
	case Failed:
		return "✗"
	}
	return " "
}

// Colour is the control sequence that begins the level's colour, empty for a note.
func (l Level) Colour() string {
	switch l {
	case OK:
		return "\x1b[32m" // green
	case Warning, Unknown:
		return "\x1b[33m" // yellow
	case Failed:
		return "\x1b[31m" // red
	case Note:
	}
	return ""
}

// Paint gives text the level's colour.
func (l Level) Paint(text string) string {
	if colour := l.Colour(); colour != "" {
		return colour + text + Plain
	}
	return text
}
