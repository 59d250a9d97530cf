package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Document is a parsed policy document. It does not change and may be used
// concurrently.
type Document struct{ statements []statement }

type statement struct {
	allow                   bool
	principal               principal
	actions, notActions     []string
	resources, notResources []string // patterns; both nil: neither element is there
	conditions              []condition
	variables               bool // a text with ${…} is not meant literally
}

// principal is whom a statement names.
type principal struct {
	nobody   bool // the element is absent
	unclear  bool // in a way that is not understood here
	everyone bool
	services []string
	arns     []string
	accounts []string
	// canonical says that an account is named by its canonical ID, which is not
	// known here.
	canonical bool
}

// Parse reads a policy document (JSON), by the grammar of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
// It takes what AWS has taken, whether it is understood here or not.
func Parse(raw []byte) (*Document, error) {
	var text struct {
		Version   string
		Statement OneOrMore[rawStatement]
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("the policy is not readable: %w", err)
	}
	d := &Document{}
	for _, r := range text.Statement {
		s, err := r.parse(text.Version == "2012-10-17") // the first version that has variables
		if err != nil {
			return nil, fmt.Errorf("the policy is not readable: %w", err)
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

type rawStatement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       OneOrMore[string]
	NotAction    OneOrMore[string]
	Resource     OneOrMore[string]
	NotResource  OneOrMore[string]
	Condition    map[string]map[string]OneOrMore[json.RawMessage]
}

func (r rawStatement) parse(variables bool) (statement, error) {
	if r.Effect != "Allow" && r.Effect != "Deny" {
		return statement{}, errors.New("a statement's Effect is neither Allow nor Deny")
	}
	s := statement{
		allow: r.Effect == "Allow", principal: parsePrincipal(r.Principal, r.NotPrincipal),
		actions: r.Action, notActions: r.NotAction, resources: r.Resource, notResources: r.NotResource,
		variables: variables,
	}
	for operator, keys := range r.Condition {
		for key, values := range keys {
			s.addCondition(operator, key, values)
		}
	}
	return s, nil
}

// rootARN is an account's, which stands for all of its identities.
var rootARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):root$`)

// AccountOf is the account that a principal of the kind AWS names, by its
// number or its root's ARN.
func AccountOf(principal string) (account string, is bool) {
	if root := rootARN.FindStringSubmatch(principal); root != nil {
		return root[1], true
	}
	return principal, len(principal) == 12 && strings.Trim(principal, "0123456789") == ""
}

// parsePrincipal reads the element and its negation
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func parsePrincipal(is, isNot json.RawMessage) principal {
	if isNot != nil {
		return principal{unclear: true}
	}
	if is == nil {
		return principal{nobody: true}
	}
	var anybody string
	if json.Unmarshal(is, &anybody) == nil {
		return principal{everyone: anybody == "*"}
	}
	var kinds map[string]OneOrMore[string]
	if json.Unmarshal(is, &kinds) != nil {
		return principal{unclear: true}
	}
	p := principal{services: kinds["Service"], canonical: len(kinds["CanonicalUser"]) > 0}
	for _, name := range kinds["AWS"] {
		account, isAccount := AccountOf(name)
		switch {
		case name == "*":
			p.everyone = true
		case isAccount:
			p.accounts = append(p.accounts, account)
		default:
			p.arns = append(p.arns, name)
		}
	}
	return p
}

// hasVariable says whether a text of the statement has a policy variable, whose
// value is not known here.
func (s *statement) hasVariable(text string) bool {
	return s.variables && strings.Contains(text, "${")
}

// isTrust says whether an action is one that a role's trust policy allows.
func isTrust(action string) bool {
	action = strings.ToLower(action)
	return strings.HasPrefix(action, "sts:assumerole") || action == "sts:setsourceidentity" || action == "sts:tagsession"
}

// OneOrMore is a list, which a policy may write as its only element.
type OneOrMore[T any] []T

// UnmarshalJSON reads both forms.
func (l *OneOrMore[T]) UnmarshalJSON(data []byte) error {
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
