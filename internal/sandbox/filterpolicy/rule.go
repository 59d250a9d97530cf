package filterpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/strictjson"
)

// rule is one value of a key. It says whether a value of the message matches;
// absent is for keys that the message does not have.
type rule struct {
	match  func(value) bool
	absent bool
}

// value is a scalar of a message: string, float64, bool or nil.
type value any

// maxNumber bounds the numbers of a policy (subscription-filter-policy-constraints.html).
const maxNumber = 1e9

// operators lists the names that may stand in an object of a key's values.
func operators() []string {
	return []string{"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"}
}

// isOperator also knows the operators of EventBridge that SNS does not have:
// they are as little a key's name inside $or.
func isOperator(name string) bool {
	return slices.Contains(operators(), name) || name == "wildcard"
}

func parseRules(raw json.RawMessage) ([]rule, error) {
	items, err := strictjson.Elements(raw)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, errors.New("empty arrays are not allowed")
	}
	rules := make([]rule, 0, len(items))
	for _, item := range items {
		r, err := parseRule(item)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func parseRule(raw json.RawMessage) (rule, error) {
	if strictjson.KindOf(raw) != strictjson.Object {
		want, err := scalar(raw)
		return rule{match: func(v value) bool { return equal(v, want) }}, err
	}
	members, err := strictjson.Members(raw)
	if err != nil {
		return rule{}, err
	}
	if len(members) != 1 {
		return rule{}, errors.New("only one key allowed in match expression")
	}
	operator, operand := members[0].Name, members[0].Value
	r, err := parseOperator(operator, operand)
	if err != nil {
		return rule{}, fmt.Errorf("%s: %w", operator, err)
	}
	return r, nil
}

func parseOperator(operator string, operand json.RawMessage) (rule, error) {
	switch operator {
	case "prefix", "suffix", "equals-ignore-case":
		compare := map[string]func(s, pattern string) bool{
			"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold,
		}[operator]
		pattern, err := pattern(operand)
		return rule{match: func(v value) bool { s, ok := v.(string); return ok && compare(s, pattern) }}, err
	case "anything-but":
		return parseAnythingBut(operand)
	case "exists":
		switch strings.TrimSpace(string(operand)) {
		case "true": // "The key must have a non-null and non-empty value."
			return rule{match: func(v value) bool { return v != nil && v != "" }}, nil
		case "false":
			return rule{match: func(value) bool { return false }, absent: true}, nil
		}
		return rule{}, errors.New("match pattern must be either true or false")
	case "numeric":
		return parseNumeric(operand)
	case "cidr":
		return parseCIDR(operand)
	}
	return rule{}, fmt.Errorf("unrecognized match type; SNS has %s", strings.Join(operators(), ", "))
}

// parseAnythingBut takes a string, a number, a list of them, or a prefix.
// {"prefix": …} takes one string; with suffix, SNS refuses the policy
// (string-value-matching.html#string-anything-but-matching-prefix).
func parseAnythingBut(operand json.RawMessage) (rule, error) {
	if strictjson.KindOf(operand) == strictjson.Object {
		members, err := strictjson.Members(operand)
		if err != nil {
			return rule{}, err
		}
		if len(members) != 1 || members[0].Name != "prefix" {
			names := make([]string, 0, len(members))
			for _, m := range members {
				names = append(names, m.Name)
			}
			return rule{}, fmt.Errorf("unsupported anything-but pattern: %s; use one prefix", strings.Join(names, ", "))
		}
		prefix, err := pattern(members[0].Value)
		if err != nil {
			return rule{}, fmt.Errorf("prefix: %w", err)
		}
		return rule{match: func(v value) bool {
			s, isText := v.(string)
			return v != nil && (!isText || !strings.HasPrefix(s, prefix))
		}}, nil
	}
	items := []json.RawMessage{operand}
	if strictjson.KindOf(operand) == strictjson.Array {
		var err error
		if items, err = strictjson.Elements(operand); err != nil {
			return rule{}, err
		}
	}
	if len(items) == 0 {
		return rule{}, errors.New("empty arrays are not allowed")
	}
	var but []value
	for _, item := range items {
		v, err := scalar(item)
		if err != nil {
			return rule{}, err
		}
		switch v.(type) {
		case string, float64:
		default:
			return rule{}, fmt.Errorf("%s is neither a string nor a number", item)
		}
		but = append(but, v)
	}
	return rule{match: func(v value) bool {
		return v != nil && !slices.ContainsFunc(but, func(b value) bool { return equal(v, b) })
	}}, nil
}

// parseNumeric takes [operator, number], or a range as [">", low, "<=", high].
func parseNumeric(operand json.RawMessage) (rule, error) {
	items, err := strictjson.Elements(operand)
	if err != nil {
		return rule{}, err
	}
	if len(items) != 2 && len(items) != 4 {
		return rule{}, fmt.Errorf("%s is not an operator and a number, or two of each", operand)
	}
	type bound struct {
		operator string
		number   float64
	}
	var bounds []bound
	for i := 0; i < len(items); i += 2 {
		operator, _ := strictjson.Text(items[i])
		if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
			return rule{}, fmt.Errorf("unrecognized numeric range operator: %s", items[i])
		}
		v, err := scalar(items[i+1])
		if err != nil {
			return rule{}, err
		}
		number, ok := v.(float64)
		if !ok {
			return rule{}, fmt.Errorf("value of %s must be numeric", operator)
		}
		bounds = append(bounds, bound{operator, number})
	}
	if len(bounds) == 2 {
		switch low, high := bounds[0], bounds[1]; {
		case low.operator[0] != '>' || high.operator[0] != '<':
			return rule{}, fmt.Errorf("bad numeric range %s: it goes from > or >= to < or <=", operand)
		case low.number >= high.number:
			return rule{}, errors.New("bottom must be less than top")
		}
	}
	return rule{match: func(v value) bool {
		n, ok := number(v)
		return ok && !slices.ContainsFunc(bounds, func(b bound) bool { return !compare(n, b.operator, b.number) })
	}}, nil
}

func compare(n float64, operator string, bound float64) bool {
	switch operator {
	case "=":
		return n == bound
	case "<":
		return n < bound
	case "<=":
		return n <= bound
	case ">":
		return n > bound
	}
	return n >= bound
}

func parseCIDR(operand json.RawMessage) (rule, error) {
	text, err := pattern(operand)
	if err != nil {
		return rule{}, err
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return rule{}, fmt.Errorf("%q is not a network, as 10.0.0.0/24", text)
	}
	return rule{match: func(v value) bool {
		s, ok := v.(string)
		address, err := netip.ParseAddr(s)
		return ok && err == nil && network.Contains(address)
	}}, nil
}

// pattern reads a string that is not empty: an empty prefix would match
// everything, which is never meant.
func pattern(raw json.RawMessage) (string, error) {
	s, ok := strictjson.Text(raw)
	switch {
	case !ok:
		return "", errors.New("match pattern must be a string")
	case s == "":
		return "", errors.New("match pattern must not be empty")
	}
	return s, nil
}

// scalar reads a string, number, boolean or null of a policy.
func scalar(raw json.RawMessage) (value, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("%s is not a value: %w", raw, err)
	}
	switch v := v.(type) {
	case float64:
		if math.Abs(v) > maxNumber {
			return nil, fmt.Errorf("%s is not between -10^9 and 10^9", raw)
		}
		return round(v), nil
	case string, bool, nil:
		return v, nil
	}
	return nil, errors.New("match value must be String, number, true, false, or null")
}

func equal(v, want value) bool {
	if n, ok := want.(float64); ok {
		got, ok := number(v)
		return ok && got == n
	}
	return v == want
}

// number reads a value as a number: SNS keeps five digits after the point.
func number(v value) (float64, bool) {
	n, ok := v.(float64)
	return round(n), ok
}

func round(n float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(n, 'f', 5, 64), 64)
	if err != nil { // it was formatted just now
		return n
	}
	return r
}
