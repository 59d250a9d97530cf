package event

import (
	"bytes"
	"encoding/json"
	"strings"
)

// What is read here is read again and again by encoding/json: it scans a
// document once to validate it, and once for each level at which a part is left
// as it is. So the two outer levels, which only say where records begin and
// end, are walked through by hand. Documents have to be valid JSON, see
// json.Valid; then no step can leave them.

// eachMember calls f with name and value of each member of a JSON object, in
// order, those with equal names too. It reports whether it is an object.
func eachMember(document []byte, f func(name string, value []byte)) bool {
	return eachItem(document, '{', func(item []byte) []byte {
		end := stringEnd(item)
		name := plainText(item[:end])
		value := item[end+bytes.IndexByte(item[end:], ':')+1:]
		value = value[skipSpace(value):]
		end = valueEnd(value)
		f(name, value[:end])
		return value[end:]
	})
}

// eachElement calls f with each element of a JSON array and reports whether it
// is one.
func eachElement(document []byte, f func(value []byte)) bool {
	return eachItem(document, '[', func(item []byte) []byte {
		end := valueEnd(item)
		f(item[:end])
		return item[end:]
	})
}

// eachItem calls take at the begin of each item between brackets; it returns
// what follows the item.
func eachItem(document []byte, open byte, take func(rest []byte) []byte) bool {
	rest := document[skipSpace(document):]
	if rest[0] != open {
		return false
	}
	for {
		rest = rest[1:] // the bracket or a comma
		rest = rest[skipSpace(rest):]
		if rest[0] == '}' || rest[0] == ']' {
			return true // of an empty one
		}
		rest = take(rest)
		rest = rest[skipSpace(rest):]
		if rest[0] != ',' {
			return true
		}
	}
}

func skipSpace(s []byte) int {
	for i, c := range s {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return i
		}
	}
	return len(s)
}

// stringEnd is the length of the string that s begins with.
func stringEnd(s []byte) int {
	for i := 1; ; {
		i += bytes.IndexByte(s[i:], '"')
		escapes := 0
		for s[i-1-escapes] == '\\' {
			escapes++
		}
		i++
		if escapes%2 == 0 {
			return i
		}
	}
}

// valueEnd is the length of the value that s begins with.
func valueEnd(s []byte) int {
	switch s[0] {
	case '"':
		return stringEnd(s)
	case '{', '[':
	default: // a number or a word
		if n := bytes.IndexAny(s, ",]} \n\t\r"); n >= 0 {
			return n
		}
		return len(s)
	}
	for depth, i := 0, 0; ; {
		switch s[i] {
		case '"':
			i += stringEnd(s[i:])
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// plainText is what a JSON string says.
func plainText(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // it is valid
	return name
}

// isNamed tells whether encoding/json would take a name for a field's.
func isNamed(name, field string) bool { return strings.EqualFold(name, field) }
