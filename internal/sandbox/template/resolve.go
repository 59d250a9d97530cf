package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// removed is the value of AWS::NoValue: the member or element goes away.
type removed struct{}

// scope is what the intrinsic functions of one stack know.
type scope struct {
	template *parsed
	pseudo   map[string]string
	created  map[string]Created
	skipped  map[string]bool   // resources whose condition is false
	exports  map[string]string // of the Region, so far
	known    map[string]bool   // conditions, as far as they are decided
}

// isPseudoParameter knows the pseudo parameters that have a value here.
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html)
func isPseudoParameter(name string) bool {
	switch name {
	case "AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix", "AWS::StackName", "AWS::StackId", "AWS::NoValue":
		return true
	}
	return false
}

// resolve replaces the intrinsic functions of a tree by their values. What is
// AWS::NoValue is left out of objects and lists.
func (s *scope) resolve(v any, path string) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for i, item := range v {
			r, err := s.resolve(item, index(path, i))
			if err != nil {
				return nil, err
			}
			if r != (removed{}) {
				list = append(list, r)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			if len(v) > 1 {
				return nil, at(path, fmt.Errorf("%s stands among other members of an object", name))
			}
			return s.call(name, argument, join(path, name))
		}
		object := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			r, err := s.resolve(v[k], join(path, k))
			if err != nil {
				return nil, err
			}
			if r != (removed{}) {
				object[k] = r
			}
		}
		return object, nil
	}
	return v, nil
}

// call evaluates one intrinsic function.
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html)
func (s *scope) call(function string, argument any, path string) (any, error) {
	var v any
	var err error
	switch function {
	case "Ref":
		name, _ := argument.(string)
		v, err = s.ref(name)
	case "Fn::GetAtt":
		v, err = s.attribute(argument)
	case "Fn::Sub":
		v, err = s.sub(argument, path)
		return v, err
	case "Fn::If":
		return s.branch(argument, path)
	case "Fn::ImportValue":
		return s.importValue(argument, path)
	case "Fn::Join", "Fn::Select", "Fn::Split":
		return s.listFunction(function, argument, path)
	default:
		err = errors.New("this intrinsic function is not supported")
	}
	return v, at(path, err)
}

func (s *scope) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return removed{}, nil
	}
	if v, ok := s.pseudo[name]; ok {
		return v, nil
	}
	if p, ok := s.template.parameters[name]; ok && !p.inert {
		return p.value, nil
	}
	c, err := s.resource(name)
	return c.Ref, err
}

func (s *scope) resource(id string) (Created, error) {
	c, ok := s.created[id]
	switch {
	case ok:
		return c, nil
	case s.skipped[id]:
		return c, fmt.Errorf("resource %s is not made, because its condition is false", id)
	case s.template.resources[id] != nil:
		return c, fmt.Errorf("resource %s is not made yet", id)
	}
	return c, fmt.Errorf("there is no resource or parameter %s", id)
}

func (s *scope) attribute(argument any) (any, error) {
	id, attribute, err := attributeArgument(argument)
	if err != nil {
		return nil, err
	}
	c, err := s.resource(id)
	if err != nil {
		return nil, err
	}
	v, ok := c.attribute(id, attribute)
	if !ok {
		return nil, fmt.Errorf("resource %s (%s) has no attribute %s", id, s.template.resources[id].Type, attribute)
	}
	return v, nil
}

func (s *scope) sub(argument any, path string) (any, error) {
	text, variables, err := subArgument(argument)
	if err != nil {
		return nil, at(path, err)
	}
	return substitute(text, func(name string) (string, error) {
		var v any
		var err error
		own, isOwn := variables[name]
		switch _, attribute, dotted := strings.Cut(name, "."); {
		case isOwn:
			v, err = s.resolve(own, join(index(path, 1), name))
			if err != nil {
				return "", err
			}
		case dotted && attribute != "":
			v, err = s.attribute(name)
		default:
			v, err = s.ref(name)
		}
		if err != nil {
			return "", at(path, err)
		}
		result, ok := scalarText(v)
		if !ok {
			return "", at(path, fmt.Errorf("${%s} is not a string", name))
		}
		return result, nil
	})
}

func (s *scope) branch(argument any, path string) (any, error) {
	a, _ := argument.([]any)
	if len(a) != 3 {
		return nil, at(path, errors.New("not a list of a condition and two values"))
	}
	name, _ := a[0].(string)
	holds, err := s.condition(name)
	if err != nil {
		return nil, at(path, err)
	}
	if holds {
		return s.resolve(a[1], index(path, 1))
	}
	return s.resolve(a[2], index(path, 2))
}

func (s *scope) importValue(argument any, path string) (any, error) {
	name, err := s.text(argument, path)
	if err != nil {
		return nil, err
	}
	v, ok := s.exports[name]
	if !ok {
		return nil, at(path, fmt.Errorf("no stack deployed before this one exports %s in %s", name, s.pseudo["AWS::Region"]))
	}
	return v, nil
}

func (s *scope) listFunction(function string, argument any, path string) (any, error) {
	a, _ := argument.([]any)
	if len(a) != 2 {
		return nil, at(path, errors.New("not a list of two"))
	}
	first, err := s.text(a[0], index(path, 0))
	if err != nil {
		return nil, err
	}
	if function == "Fn::Split" {
		text, err := s.text(a[1], index(path, 1))
		if err != nil {
			return nil, err
		}
		if first == "" {
			return nil, at(path, errors.New("the delimiter is empty"))
		}
		var list []any
		for part := range strings.SplitSeq(text, first) {
			list = append(list, part)
		}
		return list, nil
	}
	second, err := s.resolve(a[1], index(path, 1))
	if err != nil {
		return nil, err
	}
	list, ok := second.([]any)
	if !ok {
		return nil, at(index(path, 1), errors.New("not a list"))
	}
	if function == "Fn::Select" {
		i, err := strconv.Atoi(first)
		if err != nil || i < 0 || i >= len(list) {
			return nil, at(path, fmt.Errorf("index %s is not in a list of %d", first, len(list)))
		}
		return list[i], nil
	}
	parts := make([]string, len(list))
	for i, item := range list {
		if parts[i], ok = scalarText(item); !ok {
			return nil, at(index(index(path, 1), i), errors.New("not a string"))
		}
	}
	return strings.Join(parts, first), nil
}

// text resolves a tree that has to be a string or number.
func (s *scope) text(v any, path string) (string, error) {
	r, err := s.resolve(v, path)
	if err != nil {
		return "", err
	}
	t, ok := scalarText(r)
	if !ok {
		return "", at(path, errors.New("not a string"))
	}
	return t, nil
}

// scalarText gives a string, number or boolean as text, as CloudFormation does
// where it wants a string.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// condition decides a condition by its name.
func (s *scope) condition(name string) (bool, error) {
	if holds, ok := s.known[name]; ok {
		return holds, nil
	}
	expression, ok := s.template.conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	// While it is being decided, the condition is hidden, so that one that
	// refers to itself ends in an error instead of going round for ever.
	inner := *s
	template := *s.template
	template.conditions = maps.Clone(s.template.conditions)
	delete(template.conditions, name)
	inner.template = &template
	holds, err := inner.decide(expression, "Conditions."+name)
	if err == nil {
		s.known[name] = holds
	}
	return holds, err
}

// decide evaluates a condition function.
func (s *scope) decide(v any, path string) (bool, error) {
	object, _ := v.(map[string]any)
	if len(object) != 1 {
		return false, at(path, errors.New("not a condition function"))
	}
	function := sortedKeys(object)[0]
	path = join(path, function)
	if function == "Condition" {
		name, _ := object[function].(string)
		holds, err := s.condition(name)
		return holds, at(path, err)
	}
	arguments, _ := object[function].([]any)
	switch n := len(arguments); {
	case function == "Fn::Equals" && n == 2:
		a, err := s.text(arguments[0], index(path, 0))
		if err != nil {
			return false, err
		}
		b, err := s.text(arguments[1], index(path, 1))
		return a == b, err
	case function == "Fn::Not" && n == 1:
		holds, err := s.decide(arguments[0], index(path, 0))
		return !holds, err
	case (function == "Fn::And" || function == "Fn::Or") && n >= 2 && n <= 10:
		any, all := false, true
		for i, argument := range arguments {
			holds, err := s.decide(argument, index(path, i))
			if err != nil {
				return false, err
			}
			any, all = any || holds, all && holds
		}
		return (function == "Fn::Or" && any) || (function == "Fn::And" && all), nil
	}
	return false, at(path, errors.New("not a condition function with as many arguments as it takes"))
}
