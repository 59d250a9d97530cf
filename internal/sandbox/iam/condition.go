package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/strictjson"
)

// condition is a Condition element: every test has to hold.
type condition []test

// test is one operator on one key: one of the values has to match or, for a
// negated operator, none of them.
type test struct {
	key      string // lower case
	operator operator
	ifExists bool
	anyValue bool // one of the key's several values is enough
	values   []string
}

// operator is a condition operator without IfExists.
type operator struct {
	match  func(pattern, value string) bool
	check  func(pattern string) error // of the values in a policy; may be nil
	negate bool
	null   bool // asks whether the key is absent
}

// operators are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// without dates, binary values and IP addresses, for which the sandbox has no keys.
func operators() map[string]operator {
	equal := func(p, v string) bool { return p == v }
	not := func(o operator) operator { o.negate = true; return o }
	arn := operator{match: matchARN, check: checkARN}
	number := func(compare func(v, p float64) bool) operator {
		return operator{match: func(p, v string) bool {
			pf, perr := strconv.ParseFloat(p, 64)
			vf, verr := strconv.ParseFloat(v, 64)
			return perr == nil && verr == nil && compare(vf, pf)
		}, check: checkNumber}
	}
	numberEquals := number(func(v, p float64) bool { return v == p })
	return map[string]operator{
		"StringEquals":              {match: equal},
		"StringNotEquals":           not(operator{match: equal}),
		"StringEqualsIgnoreCase":    {match: strings.EqualFold},
		"StringNotEqualsIgnoreCase": not(operator{match: strings.EqualFold}),
		"StringLike":                {match: wildcard},
		"StringNotLike":             not(operator{match: wildcard}),
		"ArnEquals":                 arn, // the two are one: both take wildcards
		"ArnLike":                   arn,
		"ArnNotEquals":              not(arn),
		"ArnNotLike":                not(arn),
		"Bool":                      {match: strings.EqualFold, check: checkBool},
		"Null":                      {check: checkBool, null: true},
		"NumericEquals":             numberEquals,
		"NumericNotEquals":          not(numberEquals),
		"NumericLessThan":           number(func(v, p float64) bool { return v < p }),
		"NumericLessThanEquals":     number(func(v, p float64) bool { return v <= p }),
		"NumericGreaterThan":        number(func(v, p float64) bool { return v > p }),
		"NumericGreaterThanEquals":  number(func(v, p float64) bool { return v >= p }),
	}
}

// conditionKeys are the keys, in lower case, that a condition may ask for:
// those that follow from the caller, and those that services put into a
// Request's Context. A key that nobody ever sets would be taken as absent in
// silence, so it is refused.
func conditionKeys() map[string]bool {
	return map[string]bool{
		"kms:viaservice":            true,
		"aws:principalaccount":      true,
		"aws:principalarn":          true,
		"aws:principalisawsservice": true,
		"aws:principalservicename":  true,
		"aws:resourceaccount":       true,
		"aws:securetransport":       true,
		"aws:sourceaccount":         true,
		"aws:sourcearn":             true,
		"aws:userid":                true,
		"aws:sourceidentity":        true,
		"sts:externalid":            true,
		"sts:rolesessionname":       true,
		"sts:sourceidentity":        true,
	}
}

// severalValues are the keys, in lower case, that can have several values. They
// have to be asked for with a set operator, and others must not be
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
func severalValues() map[string]bool { return map[string]bool{"kms:resourcealiases": true} }

// encryptionContext is what begins the keys that ask for a member of the
// encryption context of a request to KMS.
const encryptionContext = "kms:encryptioncontext:"

func parseCondition(raw json.RawMessage) (condition, error) {
	blocks, err := strictjson.Members(raw)
	if err != nil {
		return nil, err
	}
	known, keys, several := operators(), conditionKeys(), severalValues()
	var c condition
	for _, block := range blocks {
		name, anyValue := strings.CutPrefix(block.Name, "ForAnyValue:")
		name, ifExists := strings.CutSuffix(name, "IfExists")
		op, ok := known[name]
		if !ok || (ifExists && op.null) {
			return nil, fmt.Errorf("%s: not a condition operator that the sandbox supports", block.Name)
		}
		tests, err := strictjson.Members(block.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", block.Name, err)
		}
		if len(tests) == 0 {
			return nil, fmt.Errorf("%s: names no condition key", block.Name)
		}
		for _, t := range tests {
			key := strings.ToLower(t.Name)
			switch {
			case several[key] != anyValue:
				return nil, fmt.Errorf("%s: %s: a key with several values is asked for with ForAnyValue:, and no other", block.Name, t.Name)
			case !keys[key] && !several[key] && !strings.HasPrefix(key, encryptionContext):
				return nil, fmt.Errorf("%s: %s: not a condition key that the sandbox supports", block.Name, t.Name)
			}
			values, err := conditionValues(op, t.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", block.Name, t.Name, err)
			}
			c = append(c, test{key: key, operator: op, ifExists: ifExists, anyValue: anyValue, values: values})
		}
	}
	return c, nil
}

// conditionValues reads one value or a list of them; booleans and numbers may
// stand without quotes.
func conditionValues(op operator, raw json.RawMessage) ([]string, error) {
	items, err := oneOrMore(raw)
	if err != nil {
		return nil, err
	}
	values := make([]string, 0, len(items))
	for _, item := range items {
		var v string
		switch strictjson.KindOf(item) {
		case strictjson.String:
			v, _ = strictjson.Text(item)
		case strictjson.Bool, strictjson.Number:
			v = strings.TrimSpace(string(item))
		default:
			return nil, fmt.Errorf("%s is not a string, number or boolean", item)
		}
		if err := noVariable(v); err != nil {
			return nil, err
		}
		if op.check != nil {
			if err := op.check(v); err != nil {
				return nil, err
			}
		}
		values = append(values, v)
	}
	return values, nil
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

// holds reports whether every test of the condition holds.
func (c condition) holds(context map[string]string) bool {
	for _, t := range c {
		if !t.holds(context) {
			return false
		}
	}
	return true
}

// holds decides one test. An absent key matches nothing: a positive operator
// fails, a negated one holds, and with IfExists both hold.
func (t test) holds(context map[string]string) bool {
	value, present := context[t.key]
	if t.operator.null {
		return anyOf(t.values, func(v string) bool { return strings.EqualFold(v, strconv.FormatBool(!present)) })
	}
	if !present {
		return t.ifExists || t.operator.negate
	}
	one := func(value string) bool {
		return anyOf(t.values, func(p string) bool { return t.operator.match(p, value) }) != t.operator.negate
	}
	if t.anyValue {
		return slices.ContainsFunc(strings.Split(value, ValueSeparator), one)
	}
	return one(value)
}
