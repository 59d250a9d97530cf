package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"s3fanout/internal/iampolicy"
	"s3fanout/internal/strictjson"
)

// Document is a parsed policy document. It does not change and may be used
// concurrently.
type Document struct {
	statements []statement
	policy     *iampolicy.Document
	text       string
}

// Text returns the document's JSON as it was given, without white space
// between its elements.
func (d *Document) Text() string { return d.text }

// statement is which of the elements that depend on the kind of the policy a
// statement has.
type statement struct{ principal, resource bool }

// Kind is what a policy document is attached to.
type Kind string

// The kinds of policies. Which elements a document has to have depends on it.
const (
	IdentityPolicy Kind = "identity-based policy" // attached to a role
	ResourcePolicy Kind = "resource policy"       // attached to a bucket, topic, queue or function
	TrustPolicy    Kind = "trust policy"          // says who may assume a role
)

// ParseDocument parses a policy document (JSON), by the grammar of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
// An element, principal, condition operator or condition key that Authorize
// could not evaluate is an error that names it; so are the Not… elements and
// policy variables.
func ParseDocument(raw []byte) (*Document, error) {
	d, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("policy document: %w", err)
	}
	return d, nil
}

// ParseAs parses a policy document as ParseDocument does, and refuses one that
// lacks an element that a policy of its kind must have, or has one that it
// must not have.
func ParseAs(kind Kind, raw []byte) (*Document, error) {
	d, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	for i, s := range d.statements {
		var err error
		switch {
		case kind == IdentityPolicy && s.principal:
			err = errors.New("must not have a Principal: it is the role")
		case kind != IdentityPolicy && !s.principal:
			err = errors.New("has no Principal")
		case kind == TrustPolicy && s.resource:
			err = errors.New("must not have a Resource: it is the role")
		case kind != TrustPolicy && !s.resource:
			err = errors.New("has no Resource")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s %w", kind, statementName(i), err)
		}
	}
	return d, nil
}

func parseDocument(raw []byte) (*Document, error) {
	members, err := strictjson.Members(raw)
	if err != nil {
		return nil, err
	}
	d := &Document{}
	for _, m := range members {
		switch m.Name {
		case "Version":
			if v, _ := strictjson.Text(m.Value); v != "2012-10-17" && v != "2008-10-17" {
				err = fmt.Errorf("%s is not a version of the policy language; use \"2012-10-17\"", m.Value)
			}
		case "Id":
			if _, ok := strictjson.Text(m.Value); !ok {
				err = errors.New("not a string")
			}
		case "Statement":
			if d.statements, err = parseStatements(m.Value); err != nil {
				return nil, err // which names the statement
			}
		default:
			err = errors.New("not an element of a policy")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	if len(d.statements) == 0 {
		return nil, errors.New("has no Statement")
	}
	var text bytes.Buffer
	if err := json.Compact(&text, raw); err != nil {
		return nil, err
	}
	d.text = text.String()
	d.policy, err = iampolicy.Parse(raw)
	return d, err
}

func parseStatements(raw json.RawMessage) ([]statement, error) {
	items := []json.RawMessage{raw}
	if strictjson.KindOf(raw) == strictjson.Array {
		var err error
		if items, err = strictjson.Elements(raw); err != nil {
			return nil, fmt.Errorf("element Statement: %w", err)
		}
	}
	list := make([]statement, 0, len(items))
	sids := map[string]bool{}
	for i, item := range items {
		s, sid, err := parseStatement(item)
		if err == nil && sid != "" && sids[sid] {
			err = fmt.Errorf("the Sid %q is there twice", sid)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", statementName(i), err)
		}
		sids[sid] = true
		list = append(list, s)
	}
	return list, nil
}

// statementName names a statement in an error, by its place.
func statementName(i int) string { return "Statement[" + strconv.Itoa(i) + "]" }

func parseStatement(raw json.RawMessage) (s statement, sid string, err error) {
	members, err := strictjson.Members(raw)
	if err != nil {
		return s, "", err
	}
	effect, action := false, false
	for _, m := range members {
		var err error
		switch m.Name {
		case "Sid":
			var ok bool
			if sid, ok = strictjson.Text(m.Value); !ok {
				err = errors.New("not a string")
			}
		case "Effect":
			effect, err = true, checkEffect(m.Value)
		case "Principal":
			s.principal, err = true, checkPrincipal(m.Value)
		case "Action":
			action, err = true, checkActions(m.Value)
		case "Resource":
			s.resource, err = true, checkResources(m.Value)
		case "Condition":
			err = checkCondition(m.Value)
		case "NotPrincipal", "NotAction", "NotResource":
			err = errors.New("not supported by the sandbox")
		default:
			err = errors.New("not an element of a statement")
		}
		if err != nil {
			return s, "", fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	switch {
	case !effect:
		return s, "", errors.New("has no Effect")
	case !action:
		return s, "", errors.New("has no Action")
	}
	return s, sid, nil
}

func checkEffect(raw json.RawMessage) error {
	if v, _ := strictjson.Text(raw); v != "Allow" && v != "Deny" {
		return fmt.Errorf("%s is neither \"Allow\" nor \"Deny\"", raw)
	}
	return nil
}

// actionPattern is service:Name, with wildcards in the name.
var actionPattern = regexp.MustCompile(`^[a-z0-9-]+:[a-z0-9*?]+$`)

func checkActions(raw json.RawMessage) error {
	values, err := textList(raw)
	for _, v := range values {
		if v != "*" && !actionPattern.MatchString(strings.ToLower(v)) {
			return fmt.Errorf("%q is not * or service:Name, as sns:Publish", v)
		}
	}
	return err
}

func checkResources(raw json.RawMessage) error {
	values, err := textList(raw)
	for _, v := range values {
		if err := noVariable(v); err != nil {
			return err
		}
		if _, is := iampolicy.ParseARN(v); v != "*" && !is {
			return fmt.Errorf("%q is not * or an ARN", v)
		}
	}
	return err
}

// oneOrMore returns the values of a list, or the one value that stands without
// a list. An empty list is an error.
func oneOrMore(raw json.RawMessage) ([]json.RawMessage, error) {
	if strictjson.KindOf(raw) != strictjson.Array {
		return []json.RawMessage{raw}, nil
	}
	items, err := strictjson.Elements(raw)
	if err == nil && len(items) == 0 {
		err = errors.New("the list is empty")
	}
	return items, err
}

// textList reads a string or a list of strings; an empty list is an error.
func textList(raw json.RawMessage) ([]string, error) {
	items, err := oneOrMore(raw)
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := strictjson.Text(item)
		if !ok {
			return nil, fmt.Errorf("%s is not a string", item)
		}
		list = append(list, s)
	}
	return list, nil
}

// noVariable refuses policy variables, whose values nobody here knows.
func noVariable(v string) error {
	if strings.Contains(v, "${") {
		return fmt.Errorf("%q: policy variables are not supported by the sandbox", v)
	}
	return nil
}
