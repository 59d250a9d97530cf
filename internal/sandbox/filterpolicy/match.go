package filterpolicy

import (
	"encoding/json"
	"slices"
)

// MatchBody reports whether a subscription with this policy, in the scope
// MessageBody, takes a message with this body. A body that is not a JSON
// object is not taken.
func (p *Policy) MatchBody(body []byte) bool {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil || object == nil {
		return false
	}
	return p.root.match(object)
}

// MatchAttributes reports whether a subscription with this policy, in the
// scope MessageAttributes, takes a message with these attributes. They are of
// type String: a policy's numbers do not match them. A message without any
// attribute is not taken, not even by "exists": false
// (https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html).
func (p *Policy) MatchAttributes(attributes map[string]string) bool {
	if len(attributes) == 0 {
		return false
	}
	object := make(map[string]any, len(attributes))
	for name, v := range attributes {
		object[name] = v
	}
	return p.root.match(object)
}

// match takes what a message has at the place of the node: an object, a list
// of them, or anything else.
func (n node) match(at any) bool {
	for _, k := range n.keys {
		if !k.match(children(at, k.name)) {
			return false
		}
	}
	for _, choice := range n.choices {
		if !slices.ContainsFunc(choice, func(c node) bool { return c.match(at) }) {
			return false
		}
	}
	return true
}

// match takes all that a message has under the key, one for each object of a list.
func (k key) match(found []any) bool {
	if k.nested != nil {
		return k.nested.match(found)
	}
	values := scalars(found, nil)
	return slices.ContainsFunc(k.rules, func(r rule) bool {
		if r.absent {
			return len(found) == 0
		}
		return slices.ContainsFunc(values, r.match)
	})
}

// children returns the members of that name of an object, or of every object of a list.
func children(at any, name string) []any {
	switch at := at.(type) {
	case map[string]any:
		if v, ok := at[name]; ok {
			return []any{v}
		}
	case []any:
		var list []any
		for _, element := range at {
			list = append(list, children(element, name)...)
		}
		return list
	}
	return nil
}

// scalars appends the scalars of a value, walking into lists but not into objects.
func scalars(v any, list []value) []value {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			list = scalars(element, list)
		}
	case map[string]any:
	default:
		list = append(list, v)
	}
	return list
}
