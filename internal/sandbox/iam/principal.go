package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"s3fanout/internal/iampolicy"
	"s3fanout/internal/strictjson"
)

// The forms of a principal. Role and user names may have a path.
var (
	identityARN      = regexp.MustCompile(`^arn:aws[a-z-]*:(iam::[0-9]{12}:(role|user)/|sts::[0-9]{12}:assumed-role/[^/]+/)[^*?]+$`)
	servicePrincipal = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)
)

func checkPrincipal(raw json.RawMessage) error {
	if s, ok := strictjson.Text(raw); ok {
		if s != "*" {
			return fmt.Errorf(`%q is not a principal; use "*" or an object as {"Service": …}`, s)
		}
		return nil
	}
	members, err := strictjson.Members(raw)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return errors.New("names nobody")
	}
	for _, m := range members {
		values, err := textList(m.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		for _, v := range values {
			if err := checkName(m.Name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkName checks the name of a principal of a kind
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func checkName(kind, value string) error {
	switch kind {
	case "AWS":
		if _, account := iampolicy.AccountOf(value); value != "*" && !account && !identityARN.MatchString(value) {
			return fmt.Errorf(
				"AWS: %q is not *, an account id, or the whole ARN of an account's root, a role, a user or a role session",
				value,
			)
		}
	case "Service":
		if !servicePrincipal.MatchString(value) {
			return fmt.Errorf("%s: %q is not a service principal, as sns.amazonaws.com", kind, value)
		}
	default:
		return fmt.Errorf("principals of kind %s are not supported; use AWS or Service", strings.TrimSpace(kind))
	}
	return nil
}
