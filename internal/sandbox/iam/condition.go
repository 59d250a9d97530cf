package iam

import (
	"encoding/json"
	"fmt"
	"strings"

	"s3fanout/internal/iampolicy"
	"s3fanout/internal/strictjson"
)

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
		"events:source":             true,
		"s3:dataaccesspointaccount": true,
		"s3:dataaccesspointarn":     true,
		"s3:x-amz-acl":              true,
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

func checkCondition(raw json.RawMessage) error {
	blocks, err := strictjson.Members(raw)
	if err != nil {
		return err
	}
	keys, several := conditionKeys(), severalValues()
	for _, block := range blocks {
		op, ok := iampolicy.ParseOperator(block.Name)
		if !ok || op.Quantifier == "ForAllValues" {
			return fmt.Errorf("%s: not a condition operator that the sandbox supports", block.Name)
		}
		tests, err := strictjson.Members(block.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", block.Name, err)
		}
		if len(tests) == 0 {
			return fmt.Errorf("%s: names no condition key", block.Name)
		}
		for _, t := range tests {
			key := strings.ToLower(t.Name)
			switch {
			case several[key] != (op.Quantifier != ""):
				return fmt.Errorf("%s: %s: a key with several values is asked for with ForAnyValue:, and no other", block.Name, t.Name)
			case !keys[key] && !several[key] && !strings.HasPrefix(key, encryptionContext):
				return fmt.Errorf("%s: %s: not a condition key that the sandbox supports", block.Name, t.Name)
			}
			if err := checkValues(op, t.Value); err != nil {
				return fmt.Errorf("%s: %s: %w", block.Name, t.Name, err)
			}
		}
	}
	return nil
}

// checkValues reads one value or a list of them; booleans and numbers may
// stand without quotes.
func checkValues(op iampolicy.Operator, raw json.RawMessage) error {
	items, err := oneOrMore(raw)
	for _, item := range items {
		var v string
		switch strictjson.KindOf(item) {
		case strictjson.String:
			v, _ = strictjson.Text(item)
		case strictjson.Bool, strictjson.Number:
			v = strings.TrimSpace(string(item))
		default:
			return fmt.Errorf("%s is not a string, number or boolean", item)
		}
		if err := noVariable(v); err != nil {
			return err
		}
		if err := op.Check(v); err != nil {
			return err
		}
	}
	return err
}
