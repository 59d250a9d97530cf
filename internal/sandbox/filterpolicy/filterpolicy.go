// Package filterpolicy decides which messages an SNS subscription takes.
//
// Parse accepts what SNS accepts (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html)
// and refuses everything else by name; a policy is never taken in part. Every
// key of a policy has to be there in the message and match, with one of the
// key's values; "exists": false alone matches a key that is missing, so
// anything-but does not.
//
// A list in a body is a set of alternatives, and so is a list of objects: one
// element that matches is enough, for anything-but too. AWS's page has said so
// for bodies (string-value-matching.html: ["rugby","baseball"] "contains a value
// that isn't rugby or tennis"); a later wording for String.Array attributes asks
// that none of the elements is listed. Nobody should build on either.
package filterpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"s3fanout/internal/strictjson"
)

// The scopes of a filter policy: what it is matched with.
const (
	MessageAttributes = "MessageAttributes"
	MessageBody       = "MessageBody"
)

// The limits of https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html.
const (
	maxKeys         = 5
	maxCombinations = 150
	maxSize         = 256 << 10
)

// Policy is a parsed filter policy. It does not change and may be used concurrently.
type Policy struct {
	root node
}

// node is an object of a policy: all keys and all choices have to match.
type node struct {
	keys    []key
	choices [][]node // of each $or, one node has to match
}

// key is a name with either the rules for its value or a nested object.
type key struct {
	name   string
	rules  []rule
	nested *node
}

// Parse parses a filter policy. The scope is MessageAttributes, which is also
// the default for "", or MessageBody. Errors begin as those of SNS,
// "FilterPolicy: ", and name what is wrong.
func Parse(policy []byte, scope string) (*Policy, error) {
	if scope == "" {
		scope = MessageAttributes
	}
	if scope != MessageAttributes && scope != MessageBody {
		return nil, fmt.Errorf("FilterPolicyScope: %q is neither %s nor %s", scope, MessageAttributes, MessageBody)
	}
	p, err := parse(policy, scope)
	if err != nil {
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	}
	return p, nil
}

func parse(policy []byte, scope string) (*Policy, error) {
	if len(policy) > maxSize {
		return nil, fmt.Errorf("has %d bytes; %d are allowed", len(policy), maxSize)
	}
	root, err := parseNode(policy, scope, 1)
	if err != nil {
		return nil, err
	}
	// AWS's pages disagree on which keys of a nested policy count. This is the
	// stricter reading: those that have values.
	if n := root.countKeys(); n > maxKeys {
		return nil, fmt.Errorf("has %d keys; %d are allowed", n, maxKeys)
	}
	if n := root.combinations(1, 1); n > maxCombinations {
		return nil, fmt.Errorf("is too complex: it has %d combinations of values; %d are allowed", n, maxCombinations)
	}
	return &Policy{root: root}, nil
}

func parseNode(raw json.RawMessage, scope string, depth int) (node, error) {
	members, err := strictjson.Members(raw)
	if err != nil {
		return node{}, err
	}
	if len(members) == 0 {
		return node{}, errors.New("an empty object is not allowed")
	}
	var n node
	for _, m := range members {
		var err error
		switch kind := strictjson.KindOf(m.Value); {
		case m.Name == "$or" && isChoice(m.Value):
			var choice []node
			if choice, err = parseChoice(m.Value, scope, depth); err == nil {
				n.choices = append(n.choices, choice)
			}
		case kind == strictjson.Object && scope != MessageBody:
			err = errors.New("filter policy scope MessageAttributes does not support nested filter policy")
		case kind == strictjson.Object:
			var nested node
			if nested, err = parseNode(m.Value, scope, depth+1); err == nil {
				n.keys = append(n.keys, key{name: m.Name, nested: &nested})
			}
		case kind == strictjson.Array:
			var rules []rule
			if rules, err = parseRules(m.Value); err == nil {
				n.keys = append(n.keys, key{name: m.Name, rules: rules})
			}
		default:
			return node{}, fmt.Errorf("%q must be an object or an array", m.Name)
		}
		if err != nil {
			return node{}, fmt.Errorf("%q: %w", m.Name, err)
		}
	}
	return n, nil
}

// isChoice tells the operator $or from a key of that name: it is a list of at
// least two objects, of which none uses an operator's name as a key
// (https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html#or-operator).
func isChoice(raw json.RawMessage) bool {
	items, err := strictjson.Elements(raw)
	if err != nil || len(items) < 2 {
		return false
	}
	for _, item := range items {
		members, err := strictjson.Members(item)
		if err != nil {
			return false
		}
		if slices.ContainsFunc(members, func(m strictjson.Member) bool { return isOperator(m.Name) }) {
			return false
		}
	}
	return true
}

func parseChoice(raw json.RawMessage, scope string, depth int) ([]node, error) {
	items, err := strictjson.Elements(raw)
	if err != nil {
		return nil, err
	}
	list := make([]node, 0, len(items))
	for _, item := range items {
		n, err := parseNode(item, scope, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func (n node) countKeys() int {
	count := 0
	for _, k := range n.keys {
		if k.nested != nil {
			count += k.nested.countKeys()
		} else {
			count++
		}
	}
	for _, choice := range n.choices {
		for _, c := range choice {
			count += c.countKeys()
		}
	}
	return count
}

// combinations multiplies the numbers of values of all keys, each times the
// depth of its key; the choices of $or are added. It stops growing a little
// above the limit, so that it cannot overflow.
func (n node) combinations(depth, product int) int {
	for _, k := range n.keys {
		if k.nested != nil {
			product = k.nested.combinations(depth+1, product)
		} else {
			product = bounded(product * len(k.rules) * depth)
		}
	}
	for _, choice := range n.choices {
		total := 0
		for _, c := range choice {
			total = bounded(total + c.combinations(depth, product))
		}
		product = total
	}
	return product
}

// bounded keeps the number exact up to far more than the limit.
func bounded(n int) int { return min(n, 1_000_000) }
