package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// reference is a place that names a resource, parameter or pseudo parameter.
type reference struct {
	name      string
	attribute bool // names an attribute of a resource
	path      string
}

// references lists what a tree refers to, in order. It looks into all branches,
// those of Fn::If that are not taken included, as CloudFormation does.
func references(v any, path string) ([]reference, error) {
	switch v := v.(type) {
	case []any:
		var list []reference
		for i, item := range v {
			found, err := references(item, index(path, i))
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
		}
		return list, nil
	case map[string]any:
		name, argument, ok := intrinsic(v)
		if ok && len(v) > 1 {
			return nil, at(path, fmt.Errorf("%s stands among other members of an object", name))
		}
		if ok {
			own, err := ownReferences(name, argument, join(path, name))
			if err != nil || name == "Ref" || name == "Fn::GetAtt" {
				return own, err
			}
			inner, err := references(argument, join(path, name))
			return append(own, inner...), err
		}
		var list []reference
		for _, k := range sortedKeys(v) {
			found, err := references(v[k], join(path, k))
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
		}
		return list, nil
	}
	return nil, nil
}

// ownReferences lists what an intrinsic function refers to by itself, not in
// its arguments.
func ownReferences(function string, argument any, path string) ([]reference, error) {
	switch function {
	case "Ref":
		name, ok := argument.(string)
		if !ok {
			return nil, at(path, errors.New("not a name"))
		}
		return []reference{{name: name, path: path}}, nil
	case "Fn::GetAtt":
		id, _, err := attributeArgument(argument)
		if err != nil {
			return nil, at(path, err)
		}
		return []reference{{name: id, attribute: true, path: path}}, nil
	case "Fn::Sub":
		text, variables, err := subArgument(argument)
		if err != nil {
			return nil, at(path, err)
		}
		var list []reference
		_, err = substitute(text, func(name string) (string, error) {
			if _, ok := variables[name]; !ok {
				id, _, attribute := strings.Cut(name, ".")
				list = append(list, reference{name: id, attribute: attribute, path: path})
			}
			return "", nil
		})
		return list, at(path, err)
	}
	return nil, nil
}

func (p *parsed) checkReference(r reference) error {
	_, isParameter := p.parameters[r.name]
	switch {
	case p.resources[r.name] != nil:
		return nil
	case r.attribute:
		return at(r.path, fmt.Errorf("there is no resource %s", r.name))
	case isParameter && p.parameters[r.name].inert:
		return at(r.path, fmt.Errorf("parameter %s has a value in a real account alone", r.name))
	case isParameter || isPseudoParameter(r.name):
		return nil
	case strings.HasPrefix(r.name, "AWS::"):
		return at(r.path, fmt.Errorf("pseudo parameter %s is not supported", r.name))
	}
	return at(r.path, fmt.Errorf("there is no resource or parameter %s", r.name))
}

// attributeArgument reads what Fn::GetAtt is given: a list of two names, or "name.attribute".
func attributeArgument(argument any) (id, attribute string, err error) {
	switch a := argument.(type) {
	case string:
		id, attribute, _ = strings.Cut(a, ".")
	case []any:
		if len(a) == 2 {
			id, _ = a[0].(string)
			attribute, _ = a[1].(string)
		}
	}
	if id == "" || attribute == "" {
		return "", "", errors.New("not a logical id and the name of an attribute")
	}
	return id, attribute, nil
}

// subArgument reads what Fn::Sub is given: a text, or a list of a text and an
// object of values.
func subArgument(argument any) (text string, variables map[string]any, err error) {
	switch a := argument.(type) {
	case string:
		return a, nil, nil
	case []any:
		if len(a) == 2 {
			text, isText := a[0].(string)
			variables, isObject := a[1].(map[string]any)
			if isText && isObject {
				return text, variables, nil
			}
		}
	}
	return "", nil, errors.New("not a string, or a list of a string and an object")
}

// variable is ${Name}, ${Name.Attribute} or, to stand for itself, ${!Literal}.
var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// variableName is what may stand in a variable.
var variableName = regexp.MustCompile(`^[A-Za-z0-9]+(::[A-Za-z0-9]+|(\.[A-Za-z0-9]+)+)?$`)

// substitute replaces the variables of a text by their values.
func substitute(text string, value func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		m := variable.FindStringSubmatchIndex(text)
		if m == nil {
			b.WriteString(text)
			return b.String(), nil
		}
		name := text[m[2]:m[3]]
		b.WriteString(text[:m[0]])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
		} else {
			name = strings.TrimSpace(name)
			if !variableName.MatchString(name) {
				return "", fmt.Errorf("${%s} is not a variable", name)
			}
			v, err := value(name)
			if err != nil {
				return "", err
			}
			b.WriteString(v)
		}
		text = text[m[1]:]
	}
}
