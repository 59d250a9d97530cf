package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// parsed is a template that has been taken apart but not resolved.
type parsed struct {
	parameters map[string]parameter
	conditions map[string]any
	resources  map[string]*Resource
	outputs    map[string]any
}

// Resource is one resource of a template.
type Resource struct {
	LogicalID string
	Type      string
	Retain    bool // it stays when it is no longer in the template, or its stack is deleted
	// RetainOnCreate says that it stays as well when what created it is rolled back.
	RetainOnCreate bool

	properties   any      // a tree; nil if there are none
	condition    string   // "" if the resource is always made
	dependencies []string // logical ids, sorted, each once
}

// parameter is a parameter's value: its default.
type parameter struct {
	value any
	inert bool // there is a value in a real account alone
}

// parseTemplate takes a template apart and checks what can be checked without
// values. (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html)
func parseTemplate(raw json.RawMessage) (*parsed, error) {
	root, err := parseTree(raw, "", 0)
	if err != nil {
		return nil, err
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, errors.New("the template is not an object")
	}
	p := &parsed{parameters: map[string]parameter{}, resources: map[string]*Resource{}}
	for _, section := range sortedKeys(object) {
		var err error
		switch section {
		case "AWSTemplateFormatVersion", "Description", "Metadata": // for people and tools
		case "Parameters":
			err = p.parseParameters(object[section])
		case "Rules":
			err = checkRules(object[section])
		case "Conditions":
			p.conditions, err = objectOf(object[section], section)
		case "Resources":
			err = p.parseResources(object[section])
		case "Outputs":
			p.outputs, err = objectOf(object[section], section)
		default:
			err = at(section, errors.New("this section of a template is not supported"))
		}
		if err != nil {
			return nil, err
		}
	}
	if len(p.resources) == 0 {
		return nil, errors.New("the template has no Resources")
	}
	if err := p.resolveDependencies(); err != nil {
		return nil, err
	}
	return p, p.checkOutputs()
}

// objectOf takes what has to be an object.
func objectOf(v any, path string) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, at(path, errors.New("not an object"))
	}
	return object, nil
}

// bootstrapVersion is the parameter by which the CDK checks an account before
// it deploys. There is nothing to check here, and nothing may refer to it.
const bootstrapVersion = "BootstrapVersion"

func (p *parsed) parseParameters(v any) error {
	list, err := objectOf(v, "Parameters")
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(list) {
		path := "Parameters." + name
		object, err := objectOf(list[name], path)
		if err != nil {
			return err
		}
		kind, _ := object["Type"].(string)
		value, hasDefault := object["Default"]
		switch {
		case name == bootstrapVersion && kind == "AWS::SSM::Parameter::Value<String>":
			p.parameters[name] = parameter{inert: true}
			continue
		case kind != "String" && kind != "Number":
			return at(path, fmt.Errorf("parameters of type %q are not supported", kind))
		case !hasDefault:
			return at(path, errors.New("has no Default, and values for parameters are not supported"))
		}
		for _, element := range sortedKeys(object) {
			if !slices.Contains([]string{
				"Type", "Default", "Description", "NoEcho", "ConstraintDescription",
				"AllowedPattern", "AllowedValues", "MinLength", "MaxLength", "MinValue", "MaxValue",
			}, element) {
				return at(join(path, element), errors.New("not an element of a parameter"))
			}
		}
		text, ok := scalarText(value)
		if !ok {
			return at(path, errors.New("the Default is not a string or number"))
		}
		p.parameters[name] = parameter{value: text}
	}
	return nil
}

// checkRules lets the CDK's own rule pass, which checks the bootstrap version.
func checkRules(v any) error {
	rules, err := objectOf(v, "Rules")
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(rules) {
		if name != "CheckBootstrapVersion" {
			return at("Rules."+name, errors.New("rules are not supported"))
		}
	}
	return nil
}

func (p *parsed) parseResources(v any) error {
	list, err := objectOf(v, "Resources")
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(list) {
		object, err := objectOf(list[id], "resource "+id)
		if err != nil {
			return err
		}
		r := &Resource{LogicalID: id}
		r.Type, _ = object["Type"].(string)
		if r.Type == "" {
			return fmt.Errorf("resource %s: has no Type", id)
		}
		for _, element := range sortedKeys(object) {
			if err := r.set(element, object[element]); err != nil {
				return fmt.Errorf("resource %s (%s): %s: %w", id, r.Type, element, err)
			}
		}
		p.resources[id] = r
	}
	return nil
}

// set takes one element of a resource.
func (r *Resource) set(element string, v any) error {
	switch element {
	case "Type", "Metadata":
	case "Properties":
		if _, err := objectOf(v, ""); err != nil {
			return err
		}
		r.properties = v
	case "Condition":
		r.condition, _ = v.(string)
		if r.condition == "" {
			return errors.New("not the name of a condition")
		}
	case "DependsOn":
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			id, ok := item.(string)
			if !ok {
				return errors.New("not a logical id or a list of them")
			}
			r.dependencies = append(r.dependencies, id)
		}
	case "DeletionPolicy", "UpdateReplacePolicy": // nothing is replaced
		policy, _ := v.(string)
		if !slices.Contains([]string{"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}, policy) {
			return fmt.Errorf("%v is not Delete, Retain, RetainExceptOnCreate or Snapshot", v)
		}
		if element == "DeletionPolicy" {
			r.Retain = policy == "Retain" || policy == "RetainExceptOnCreate"
			r.RetainOnCreate = policy == "Retain"
		}
	default:
		return errors.New("this element of a resource is not supported")
	}
	return nil
}

// resolveDependencies finds what each resource refers to, checks that it is
// there, and that there is an order.
func (p *parsed) resolveDependencies() error {
	for _, id := range sortedKeys(p.resources) {
		r := p.resources[id]
		for _, d := range r.dependencies {
			if p.resources[d] == nil {
				return fmt.Errorf("resource %s (%s): DependsOn: there is no resource %s", id, r.Type, d)
			}
		}
		names, err := references(r.properties, "Properties")
		if err != nil {
			return fmt.Errorf("resource %s (%s): %w", id, r.Type, err)
		}
		for _, ref := range names {
			if err := p.checkReference(ref); err != nil {
				return fmt.Errorf("resource %s (%s): %w", id, r.Type, err)
			}
			if p.resources[ref.name] != nil {
				r.dependencies = append(r.dependencies, ref.name)
			}
		}
		if r.condition != "" && p.conditions[r.condition] == nil {
			return fmt.Errorf("resource %s (%s): there is no condition %s", id, r.Type, r.condition)
		}
		slices.Sort(r.dependencies)
		r.dependencies = slices.Compact(r.dependencies)
	}
	if _, cycle := p.order(); cycle != nil {
		return fmt.Errorf("the resources depend on each other: %s", strings.Join(cycle, " -> "))
	}
	return nil
}

func (p *parsed) checkOutputs() error {
	for _, name := range sortedKeys(p.outputs) {
		output, err := objectOf(p.outputs[name], "Outputs."+name)
		if err != nil {
			return err
		}
		for _, element := range sortedKeys(output) {
			if !slices.Contains([]string{"Condition", "Description", "Export", "Value"}, element) {
				return at(join("Outputs."+name, element), errors.New("not an element of an output"))
			}
		}
		names, err := references(p.outputs[name], "Outputs."+name)
		if err != nil {
			return err
		}
		for _, ref := range names {
			if err := p.checkReference(ref); err != nil {
				return err
			}
		}
	}
	return nil
}
