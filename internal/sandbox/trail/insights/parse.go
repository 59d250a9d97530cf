package insights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parser reads a query from left to right.
type parser struct {
	tokens []token
	at     int
	query  Query
}

// fault is the panic by which parser gives up.
type fault struct{ error }

// Parse reads a query. It knows the commands fields, filter, sort, stats (count and sum)
// and limit; the operators =, !=, in, like, not like, and, or, not, + and -; and the
// functions ispresent, strcontains, concat and bin.
func Parse(query string) (_ Query, err error) {
	tokens, err := lex(query)
	if err != nil {
		return Query{}, err
	}
	p := &parser{tokens: tokens}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fault:
			err = r.error
		default:
			panic(r)
		}
	}()
	for {
		p.command()
		if p.peek().kind == end {
			return p.query, nil
		}
		p.want("|")
	}
}

func (p *parser) fail(format string, args ...any) { panic(fault{fmt.Errorf(format, args...)}) }

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// take goes on if the next token is a certain word or sign.
func (p *parser) take(word string) bool {
	if t := p.peek(); (t.kind == name || t.kind == sign) && strings.EqualFold(t.text, word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(word string) {
	if !p.take(word) {
		p.fail("%s is where %q has to be", p.peek(), word)
	}
}

func (p *parser) command() {
	switch t := p.next(); {
	case t.kind != name:
		p.fail("%s is where a command has to be", t)
	case p.query.stats != nil && !strings.EqualFold(t.text, "limit"):
		p.fail("the sandbox has no command after stats but limit")
	case strings.EqualFold(t.text, "fields"):
		p.query.columns = append(p.query.columns, p.columns()...)
	case strings.EqualFold(t.text, "filter"):
		p.query.filters = append(p.query.filters, p.either())
	case strings.EqualFold(t.text, "sort"):
		p.query.sort = &sorting{by: p.sum()}
		if p.query.sort.descending = p.take("desc"); !p.query.sort.descending {
			p.take("asc")
		}
	case strings.EqualFold(t.text, "stats"):
		p.query.stats = p.statistics()
	case strings.EqualFold(t.text, "limit"):
		n, err := strconv.Atoi(p.next().text)
		if err != nil || n < 1 || n > maxRows {
			p.fail("limit takes a number from 1 to %d", maxRows)
		}
		p.query.limit = n
	default:
		p.fail("the sandbox's Logs Insights has no command %q; it has fields, filter, sort, stats and limit", t.text)
	}
}

// columns are expressions with names, of which those of fields may be left out.
func (p *parser) columns() (all []column) {
	for {
		from := p.at
		c := column{of: p.sum()}
		if c.name = p.text(from); p.take("as") {
			c.name = p.name()
		}
		all = append(all, c)
		if !p.take(",") {
			return all
		}
	}
}

// text is the query from a token on, as the name of a column that has none.
func (p *parser) text(from int) string {
	var b strings.Builder
	for _, t := range p.tokens[from:p.at] {
		b.WriteString(t.text)
	}
	return b.String()
}

func (p *parser) name() string {
	t := p.next()
	if t.kind != name && t.kind != quotedName {
		p.fail("%s is where a name has to be", t)
	}
	return t.text
}

func (p *parser) statistics() *statistics {
	s := &statistics{}
	for {
		from := p.at
		c := column{}
		switch f := strings.ToLower(p.name()); f {
		case "count":
			p.want("(")
			p.want("*")
		case "sum":
			p.want("(")
			c.of = p.sum()
		default:
			p.fail("the sandbox's stats has no %q; it has count and sum", f)
		}
		p.want(")")
		if c.name = p.text(from); p.take("as") {
			c.name = p.name()
		}
		if s.sums = append(s.sums, c); !p.take(",") {
			break
		}
	}
	if p.take("by") {
		s.by = p.columns()
	}
	return s
}

func (p *parser) either() expression {
	e := p.both()
	for p.take("or") {
		e = call{[]expression{e, p.both()}, either}
	}
	return e
}

func (p *parser) both() expression {
	e := p.not()
	for p.take("and") {
		e = call{[]expression{e, p.not()}, both}
	}
	return e
}

func (p *parser) not() expression {
	if p.take("not") {
		return call{[]expression{p.not()}, not}
	}
	return p.comparison()
}

func (p *parser) comparison() expression {
	left := p.sum()
	switch {
	case p.take("="):
		return call{[]expression{left, p.sum()}, equals}
	case p.take("!="):
		return call{[]expression{left, p.sum()}, differs}
	case p.take("like"):
		return call{[]expression{left}, like(p.pattern(), true)}
	case p.take("not"):
		p.want("like")
		return call{[]expression{left}, like(p.pattern(), false)}
	case p.take("in"):
		args := []expression{left}
		p.want("[")
		for {
			if args = append(args, p.sum()); !p.take(",") {
				break
			}
		}
		p.want("]")
		return call{args, oneOf}
	}
	return left
}

func (p *parser) pattern() *regexp.Regexp {
	switch t := p.next(); t.kind {
	case pattern:
		compiled, err := regexp.Compile(t.text)
		if err != nil {
			p.fail("the pattern %s: %w", t, err)
		}
		return compiled
	case quoted:
		return regexp.MustCompile(regexp.QuoteMeta(t.text))
	default:
		p.fail("%s is where a pattern has to be", t)
		return nil
	}
}

func (p *parser) sum() expression {
	e := p.primary()
	for {
		switch {
		case p.take("-"):
			e = call{[]expression{e, p.primary()}, minus}
		case p.take("+"):
			e = call{[]expression{e, p.primary()}, plus}
		default:
			return e
		}
	}
}

func (p *parser) primary() expression {
	if p.take("(") {
		e := p.either()
		p.want(")")
		return e
	}
	switch t := p.next(); t.kind {
	case quoted:
		return literal{text(t.text)}
	case digits:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.fail("%s is no number", t)
		}
		return literal{number(n)}
	case quotedName:
		return field{t.text}
	case name:
		if slices.Contains([]string{"and", "or", "not", "like", "in", "as", "by"}, strings.ToLower(t.text)) {
			p.fail("%s is where a field has to be", t)
		}
		if p.take("(") {
			return p.function(t.text)
		}
		return field{t.text}
	default:
		p.fail("%s is where a field, a text or a number has to be", t)
		return nil
	}
}

func (p *parser) function(called string) expression {
	if strings.EqualFold(called, "bin") {
		t := p.next()
		period, err := time.ParseDuration(t.text)
		if err != nil || period <= 0 {
			p.fail("bin takes a period such as 1h, not %s", t)
		}
		p.want(")")
		return bin{period}
	}
	known := map[string]struct {
		args int // 0 for any number
		do   func([]value) value
	}{"ispresent": {1, isPresent}, "strcontains": {2, strContains}, "concat": {0, concat}}
	f, ok := known[strings.ToLower(called)]
	if !ok {
		p.fail("the sandbox's Logs Insights has no function %q; it has ispresent, strcontains, concat and bin", called)
	}
	var args []expression
	for {
		if args = append(args, p.sum()); !p.take(",") {
			break
		}
	}
	p.want(")")
	if f.args > 0 && len(args) != f.args {
		p.fail("%s takes %d arguments, not %d", called, f.args, len(args))
	}
	return call{args, f.do}
}
