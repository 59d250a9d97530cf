package insights

import (
	"fmt"
	"strings"
)

// kind is what a token is.
type kind int

const (
	end        kind = iota
	name            // a word: a command, a function, an operator or a field
	quotedName      // a field in backticks
	quoted          // a text
	digits          // a number, or a period such as 1h
	pattern         // a regular expression between slashes
	sign            // all else
)

type token struct {
	kind kind
	text string
}

// String is for messages.
func (t token) String() string {
	if t.kind == end {
		return "the end of the query"
	}
	return fmt.Sprintf("%q", t.text)
}

// lex divides a query. Between quotation marks a backslash takes the next character as
// it is. A slash begins a pattern, as nothing here is divided.
func lex(query string) (tokens []token, err error) {
	for i := 0; i < len(query); {
		c := query[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"' || c == '\'' || c == '`' || c == '/':
			t := token{kind: map[byte]kind{'"': quoted, '\'': quoted, '`': quotedName, '/': pattern}[c]}
			if t.text, i, err = until(query, i+1, c); err != nil {
				return nil, err
			}
			tokens = append(tokens, t)
		case letter(c):
			from := i
			for i < len(query) && (letter(query[i]) || number09(query[i]) || query[i] == '.') {
				i++
			}
			tokens = append(tokens, token{name, query[from:i]})
		case number09(c):
			from := i
			for i < len(query) && (letter(query[i]) || number09(query[i]) || query[i] == '.') {
				i++
			}
			tokens = append(tokens, token{digits, query[from:i]})
		case strings.HasPrefix(query[i:], "!="):
			tokens = append(tokens, token{sign, "!="})
			i += 2
		case strings.ContainsRune("|,()[]=+-*", rune(c)):
			tokens = append(tokens, token{sign, string(c)})
			i++
		default:
			return nil, fmt.Errorf("%q at character %d is nothing that the sandbox's Logs Insights knows", c, i+1)
		}
	}
	return append(tokens, token{kind: end}), nil
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '@' || c == '_'
}

func number09(c byte) bool { return c >= '0' && c <= '9' }

// until reads up to the mark. In a pattern a backslash stays, for what it means there.
func until(query string, i int, mark byte) (read string, next int, err error) {
	var b strings.Builder
	for ; i < len(query); i++ {
		switch c := query[i]; {
		case c == mark:
			return b.String(), i + 1, nil
		case c == '\\' && i+1 < len(query):
			if mark == '/' && query[i+1] != '/' {
				b.WriteByte(c)
			}
			i++
			b.WriteByte(query[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", i, fmt.Errorf("a %c is not closed", mark)
}
