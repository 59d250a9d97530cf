package health

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// verdict is whether a policy allows a request.
type verdict int

const (
	no verdict = iota
	yes
	perhaps // it depends on what is not known here
)

// request is what a policy is asked about.
type request struct {
	service  string // the principal, as sns.amazonaws.com; empty: the policy's role itself
	action   string
	resource string              // an ARN; with a "*" all that match it
	context  map[string]string   // condition keys in lower case
	lists    map[string][]string // those that have several values
}

// decide evaluates a policy document as IAM does: a Deny that applies wins
// over an Allow that applies, and without one the answer is no
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
// Where a statement depends on something that it cannot evaluate, the answer
// is perhaps. A Deny of a part of the resource counts as one of the whole.
func decide(documents []string, r request) (verdict, error) {
	allowed := no
	denied := no
	for _, text := range documents {
		var d document
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return perhaps, errors.New("the policy is not readable: " + err.Error())
		}
		for _, s := range d.Statement {
			applies := s.applies(r)
			if s.Effect == "Allow" {
				allowed = either(allowed, applies)
			} else {
				denied = either(denied, applies)
			}
		}
	}
	switch {
	case denied == yes || allowed == no:
		return no, nil
	case denied == perhaps:
		return perhaps, nil
	default:
		return allowed, nil
	}
}

// either is the better of two verdicts.
func either(a, b verdict) verdict {
	if a == yes || b == yes {
		return yes
	}
	return max(a, b)
}

type document struct{ Statement oneOrMore[statement] }

type statement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       oneOrMore[string]
	NotAction    oneOrMore[string]
	Resource     oneOrMore[string]
	NotResource  oneOrMore[string]
	Condition    map[string]map[string]oneOrMore[json.RawMessage]
}

// oneOrMore is a list, which a policy may write as its only element.
type oneOrMore[T any] []T

// UnmarshalJSON reads both forms.
func (l *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if strings.HasPrefix(strings.TrimSpace(string(data)), "[") {
		return json.Unmarshal(data, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = []T{one}
	return nil
}

// applies says whether the statement is about the request.
func (s statement) applies(r request) verdict {
	if !s.hasAction(r.action) || !s.hasResource(r.resource) {
		return no
	}
	who := s.hasPrincipal(r.service)
	if who == no {
		return no
	}
	when := s.holds(r)
	if when == no {
		return no
	}
	if who == perhaps {
		return perhaps
	}
	return when
}

func (s statement) hasAction(action string) bool {
	covers := func(pattern string) bool { return glob(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.NotAction) > 0 {
		return !slices.ContainsFunc(s.NotAction, covers)
	}
	return slices.ContainsFunc(s.Action, covers)
}

func (s statement) hasResource(resource string) bool {
	if resource == "" { // a trust policy has none
		return true
	}
	covers := func(pattern string) bool {
		return glob(pattern, resource) || s.Effect == "Deny" && glob(resource, pattern)
	}
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, func(pattern string) bool { return glob(pattern, resource) })
	}
	return slices.ContainsFunc(s.Resource, covers)
}

func (s statement) hasPrincipal(service string) verdict {
	switch {
	case service == "":
		return yes
	case len(s.NotPrincipal) > 0:
		return perhaps
	}
	var anybody string
	if json.Unmarshal(s.Principal, &anybody) == nil {
		return truth(anybody == "*")
	}
	var kinds map[string]oneOrMore[string]
	if json.Unmarshal(s.Principal, &kinds) != nil {
		return perhaps
	}
	return truth(slices.Contains(kinds["Service"], service) || slices.Contains(kinds["AWS"], "*"))
}

// holds evaluates the conditions, all of which have to hold.
func (s statement) holds(r request) verdict {
	result := yes
	for operator, keys := range s.Condition {
		for key, values := range keys {
			switch condition(operator, values, strings.ToLower(key), r) {
			case no:
				return no
			case perhaps:
				result = perhaps
			case yes:
			}
		}
	}
	return result
}

// condition evaluates one condition key. ForAnyValue: and ForAllValues: are for
// keys that have several values in a request
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
func condition(operator string, values []json.RawMessage, key string, r request) verdict {
	quantifier, rest, several := strings.Cut(operator, ":")
	if several {
		operator = rest
	}
	got, known := r.lists[key]
	if one, single := r.context[key]; single {
		got, known = []string{one}, true
	} else if !several {
		return perhaps // it has several values, or is not known
	}
	operator = strings.TrimSuffix(operator, "IfExists")
	match, negated := strings.Replace(operator, "Not", "", 1), strings.Contains(operator, "Not")
	equal, understood := comparisons()[match]
	if !known || !understood {
		return perhaps
	}
	// One that stands for many is not equal to a text.
	if strings.HasPrefix(match, "StringEquals") && slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, "*") }) {
		return perhaps
	}
	holds := func(value string) bool {
		return slices.ContainsFunc(values, func(v json.RawMessage) bool { return equal(plainText(v), value) }) != negated
	}
	switch {
	case quantifier == "ForAnyValue", !several:
		return truth(slices.ContainsFunc(got, holds))
	case quantifier == "ForAllValues":
		return truth(!slices.ContainsFunc(got, func(value string) bool { return !holds(value) }))
	}
	return perhaps
}

// comparisons are the operators that are understood, without their negation.
func comparisons() map[string]func(pattern, value string) bool {
	return map[string]func(pattern, value string) bool{
		"StringEquals":           func(p, v string) bool { return p == v },
		"StringEqualsIgnoreCase": strings.EqualFold,
		"Bool":                   strings.EqualFold,
		"StringLike":             glob,
		"ArnEquals":              glob,
		"ArnLike":                glob,
	}
}

// plainText is a condition's value, which may be a string, a number or a bool.
func plainText(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

func truth(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// glob matches s with a pattern in which * stands for any text and ? for any
// one character.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
