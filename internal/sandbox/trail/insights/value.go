package insights

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is a text or a number; its zero value is none.
type value struct {
	is      bool
	text    string
	numeric bool
	n       float64
}

func text(s string) value    { return value{is: true, text: s} }
func number(n float64) value { return value{is: true, numeric: true, n: n} }
func truth(b bool) value {
	if b {
		return number(1)
	}
	return number(0)
}

// String is the value as a result has it.
func (v value) String() string {
	if v.numeric {
		return strconv.FormatFloat(v.n, 'f', -1, 64)
	}
	return v.text
}

func (v value) number() float64 {
	if v.numeric {
		return v.n
	}
	n, _ := strconv.ParseFloat(v.text, 64) // what is no number counts as nothing
	return n
}

func (v value) truth() bool { return v.is && (v.numeric && v.n != 0 || !v.numeric && v.text == "true") }

// same says that two values are equal: as numbers if one of them is one, else as text.
func same(a, b value) bool {
	if a.is && b.is && !a.numeric && !b.numeric {
		return a.text == b.text
	}
	return a.is == b.is && compare(a, b) == 0
}

// compare orders what reads as numbers as numbers and all else as text, and what has
// no value first.
func compare(a, b value) int {
	if !a.is || !b.is {
		return cmp.Compare(boolean(a.is), boolean(b.is))
	}
	if x, err := strconv.ParseFloat(a.String(), 64); err == nil {
		if y, err := strconv.ParseFloat(b.String(), 64); err == nil {
			return cmp.Compare(x, y)
		}
	}
	return strings.Compare(a.String(), b.String())
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// expression is a part of a query that has a value for each row.
type expression interface{ of(r row) value }

type field struct{ name string }

func (f field) of(r row) value {
	if v, ok := r.computed[f.name]; ok {
		return v
	}
	if v, ok := r.event.Fields[f.name]; ok {
		return text(v)
	}
	return value{}
}

type literal struct{ v value }

func (l literal) of(row) value { return l.v }

// call is an operator or a function.
type call struct {
	args []expression
	do   func(args []value) value
}

func (c call) of(r row) value {
	args := make([]value, len(c.args))
	for i, a := range c.args {
		args[i] = a.of(r)
	}
	return c.do(args)
}

// bin is the start of the period that an event is in.
type bin struct{ period time.Duration }

func (b bin) of(r row) value {
	return text(r.event.Time.UTC().Truncate(b.period).Format("2006-01-02 15:04:05.000"))
}

func equals(args []value) value {
	return truth(args[0].is && same(args[0], args[1]))
}

func differs(args []value) value {
	return truth(args[0].is && args[1].is && !same(args[0], args[1]))
}

func oneOf(args []value) value {
	return truth(args[0].is && slices.ContainsFunc(args[1:], func(v value) bool { return same(args[0], v) }))
}

func both(args []value) value   { return truth(args[0].truth() && args[1].truth()) }
func either(args []value) value { return truth(args[0].truth() || args[1].truth()) }
func not(args []value) value    { return truth(!args[0].truth()) }
func minus(args []value) value  { return number(args[0].number() - args[1].number()) }
func plus(args []value) value   { return number(args[0].number() + args[1].number()) }

func isPresent(args []value) value { return truth(args[0].is) }

func strContains(args []value) value {
	return truth(args[0].is && strings.Contains(args[0].String(), args[1].String()))
}

// concat joins texts; what has no value adds nothing.
func concat(args []value) value {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(a.String())
	}
	return text(b.String())
}

// like matches a pattern anywhere.
func like(pattern *regexp.Regexp, want bool) func(args []value) value {
	return func(args []value) value { return truth((args[0].is && pattern.MatchString(args[0].String())) == want) }
}
