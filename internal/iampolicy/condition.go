package iampolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Operator is a condition operator, taken apart
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
type Operator struct {
	Quantifier string // ForAnyValue, ForAllValues, or none
	IfExists   bool   // it holds where the key is absent
	Null       bool   // it asks whether the key is absent

	negate bool // none of the values may match
	one    comparison
}

// comparison is how one value of a policy and one of a request are compared.
type comparison struct {
	match func(pattern, value string) bool
	check func(pattern string) error // of the values in a policy; may be nil
	glob  bool                       // the pattern may have wildcards
}

// ParseOperator takes an operator apart; one that is not understood here, as
// those about dates, addresses and binary values, is not ok.
func ParseOperator(name string) (o Operator, ok bool) {
	if quantifier, rest, several := strings.Cut(name, ":"); several {
		if quantifier != "ForAnyValue" && quantifier != "ForAllValues" {
			return o, false
		}
		o.Quantifier, name = quantifier, rest
	}
	name, o.IfExists = strings.CutSuffix(name, "IfExists")
	if name == "Null" {
		o.Null, o.one.check = true, checkBool
		return o, !o.IfExists
	}
	positive, negated := negations()[name]
	if negated {
		name, o.negate = positive, true
	}
	o.one, ok = comparisons()[name]
	return o, ok
}

// negations are the operators that negate another one.
func negations() map[string]string {
	return map[string]string{
		"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase", "StringNotLike": "StringLike",
		"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike", "NumericNotEquals": "NumericEquals",
	}
}

// Check says what is wrong with a value that a policy gives the operator.
func (o Operator) Check(value string) error {
	if o.one.check == nil {
		return nil
	}
	return o.one.check(value)
}

// comparisons are those of the operators that are understood.
func comparisons() map[string]comparison {
	arn := comparison{match: matchARN, check: checkARN, glob: true} // the two are one: both take wildcards
	return map[string]comparison{
		"StringEquals":             {match: func(p, v string) bool { return p == v }},
		"StringEqualsIgnoreCase":   {match: strings.EqualFold},
		"StringLike":               {match: match, glob: true},
		"ArnEquals":                arn,
		"ArnLike":                  arn,
		"Bool":                     {match: strings.EqualFold, check: checkBool},
		"NumericEquals":            number(func(v, p float64) bool { return v == p }),
		"NumericLessThan":          number(func(v, p float64) bool { return v < p }),
		"NumericLessThanEquals":    number(func(v, p float64) bool { return v <= p }),
		"NumericGreaterThan":       number(func(v, p float64) bool { return v > p }),
		"NumericGreaterThanEquals": number(func(v, p float64) bool { return v >= p }),
	}
}

func number(compare func(v, p float64) bool) comparison {
	return comparison{match: func(p, v string) bool {
		pf, perr := strconv.ParseFloat(p, 64)
		vf, verr := strconv.ParseFloat(v, 64)
		return perr == nil && verr == nil && compare(vf, pf)
	}, check: checkNumber}
}

func checkARN(v string) error {
	if strings.Count(v, ":") < arnParts-1 {
		return fmt.Errorf("%q is not an ARN", v)
	}
	return nil
}

func checkBool(v string) error {
	if !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
		return fmt.Errorf("%q is neither true nor false", v)
	}
	return nil
}

func checkNumber(v string) error {
	if _, err := strconv.ParseFloat(v, 64); err != nil {
		return fmt.Errorf("%q is not a number", v)
	}
	return nil
}

// condition is one operator on one key: one of the values has to match or, for
// a negated operator, none of them.
type condition struct {
	key        string // lower case
	operator   Operator
	understood bool // operator and values are
	values     []string
}

func (s *statement) addCondition(operator, key string, values []json.RawMessage) {
	c := condition{key: strings.ToLower(key)}
	c.operator, c.understood = ParseOperator(operator)
	for _, v := range values {
		c.values = append(c.values, plainText(v))
	}
	c.understood = c.understood && !slices.ContainsFunc(c.values, s.hasVariable)
	s.conditions = append(s.conditions, c)
}

// plainText is a condition's value, which may be a string, a number or a bool.
func plainText(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(v))
}

func (c condition) holds(r Request) Answer {
	o := c.operator
	got, several := r.Lists[c.key]
	one, single := r.Context[c.key]
	if single {
		got = []string{one}
	}
	present := single || several
	switch {
	case !c.understood, !present && !r.Whole && !slices.Contains(r.Absent, c.key),
		several && !single && o.Quantifier == "" && !o.Null: // several values, asked for as if they were one
		return Perhaps
	case o.Null:
		return answer(slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, strconv.FormatBool(!present)) }))
	case !present:
		return answer(o.IfExists || o.Quantifier == "ForAllValues" || o.Quantifier == "" && o.negate)
	// A value that stands for many is not equal to one text.
	case !r.Whole && !o.one.glob && slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, "*") }):
		return Perhaps
	}
	holds := func(value string) bool {
		return slices.ContainsFunc(c.values, func(p string) bool { return o.one.match(p, value) }) != o.negate
	}
	if o.Quantifier == "ForAllValues" {
		return answer(!slices.ContainsFunc(got, func(v string) bool { return !holds(v) }))
	}
	return answer(slices.ContainsFunc(got, holds))
}
