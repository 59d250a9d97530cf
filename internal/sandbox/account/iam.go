package account

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

func iamAPI() api {
	page := []string{"RoleName", "Marker", "MaxItems"}
	return api{
		name: "IAM", namespace: "https://iam.amazonaws.com/doc/2010-05-08/", version: "2010-05-08",
		operations: map[string]operation{
			"GetRole":                  {[]string{"RoleName"}, (*Service).getRole},
			"GetRolePolicy":            {[]string{"RoleName", "PolicyName"}, (*Service).getRolePolicy},
			"ListAttachedRolePolicies": {append(page, "PathPrefix"), (*Service).listAttachedRolePolicies},
			"ListRolePolicies":         {page, (*Service).listRolePolicies},
		},
	}
}

// role finds the role that a request names and authorizes the action on it. A
// caller without permission does not learn whether the role exists.
func (s *Service) role(caller iam.Caller, form url.Values, action string) (*iam.Role, error) {
	name := form.Get("RoleName")
	if name == "" {
		return nil, invalid("1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must not be null")
	}
	err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: s.store.RoleARN(name)})
	if err != nil {
		return nil, denied(err)
	}
	r, ok := s.store.Role(name)
	if !ok || r.Name != name {
		return nil, noSuchEntity("The role with name " + name + " cannot be found.")
	}
	return r, nil
}

func noSuchEntity(message string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "NoSuchEntity", Message: message}
}

// refuse authorizes an operation that changes a role, which only templates do
// here: without the permission it is denied first, as on AWS.
func (s *Service) refuse(caller iam.Caller, a api, action string, form url.Values) error {
	changes := []string{"AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy"}
	if a.name != "IAM" || !slices.Contains(changes, action) {
		return nil
	}
	if err := iam.Authorize(iam.Request{
		Caller: caller, Action: "iam:" + action, Resource: s.store.RoleARN(form.Get("RoleName")),
	}); err != nil {
		return denied(err)
	}
	return nil
}

// encoded is a policy's text as IAM answers it: percent-encoded by RFC 3986
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html).
func encoded(d *iam.Document) string {
	return strings.ReplaceAll(url.QueryEscape(d.Text()), "+", "%20")
}

func (s *Service) getRole(caller iam.Caller, form url.Values) (any, error) {
	r, err := s.role(caller, form, "iam:GetRole")
	if err != nil {
		return nil, err
	}
	type role struct {
		Path                     string
		RoleName                 string
		RoleID                   string `xml:"RoleId"`
		Arn                      string
		CreateDate               string
		AssumeRolePolicyDocument string
		Description              string `xml:",omitempty"`
		MaxSessionDuration       int
	}
	return struct{ Role role }{role{
		Path: "/", RoleName: r.Name, RoleID: r.ID, Arn: r.ARN, CreateDate: r.Created.Format(time.RFC3339),
		AssumeRolePolicyDocument: encoded(r.Trust()), Description: r.Description(),
		MaxSessionDuration: int(r.MaxSessionDuration() / time.Second),
	}}, nil
}

func (s *Service) getRolePolicy(caller iam.Caller, form url.Values) (any, error) {
	r, err := s.role(caller, form, "iam:GetRolePolicy")
	if err != nil {
		return nil, err
	}
	name := form.Get("PolicyName")
	d, ok := r.Policy(name)
	if !ok {
		return nil, noSuchEntity("The role policy with name " + name + " cannot be found.")
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{r.Name, name, encoded(d)}, nil
}

// listRolePolicies answers everything at once, whatever MaxItems says: a role has a handful of inline policies.
func (s *Service) listRolePolicies(caller iam.Caller, form url.Values) (any, error) {
	r, err := s.role(caller, form, "iam:ListRolePolicies")
	if err != nil {
		return nil, err
	}
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		IsTruncated bool
	}{PolicyNames: r.PolicyNames()}, nil
}

// listAttachedRolePolicies answers none: a role with managed policies is
// refused when the template is deployed.
func (s *Service) listAttachedRolePolicies(caller iam.Caller, form url.Values) (any, error) {
	if _, err := s.role(caller, form, "iam:ListAttachedRolePolicies"); err != nil {
		return nil, err
	}
	return struct {
		AttachedPolicies struct{}
		IsTruncated      bool
	}{}, nil
}
