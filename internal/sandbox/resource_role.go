package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/template"
)

type roleProperties struct {
	RoleName                 string
	Description              string
	AssumeRolePolicyDocument json.RawMessage
	PermissionsBoundary      string // a policy that no template holds, so it bounds nothing here
	Policies                 []inlinePolicy
	MaxSessionDuration       int // seconds
	Tags                     []tag
}

type inlinePolicy struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

func (p inlinePolicy) parse() (*iam.Document, error) {
	document, err := iam.ParseAs(iam.IdentityPolicy, p.PolicyDocument)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", p.PolicyName, err)
	}
	return document, nil
}

// readRole parses everything before anything of a role is made or changed.
func readRole(raw json.RawMessage) (p roleProperties, c iam.RoleConfig, policies []*iam.Document, err error) {
	if err := template.DecodeProperties(raw, &p); err != nil {
		return p, c, nil, err
	}
	trust, err := iam.ParseAs(iam.TrustPolicy, p.AssumeRolePolicyDocument)
	if err != nil {
		return p, c, nil, fmt.Errorf("property AssumeRolePolicyDocument: %w", err)
	}
	for _, inline := range p.Policies {
		document, err := inline.parse()
		if err != nil {
			return p, c, nil, err
		}
		policies = append(policies, document)
	}
	return p, iam.RoleConfig{
		Name: p.RoleName, Description: p.Description, Trust: trust, MaxSessionDuration: time.Duration(p.MaxSessionDuration) * time.Second,
	}, policies, nil
}

func makeRole(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	p, c, policies, err := readRole(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	role, err := d.store.CreateRole(c)
	if err != nil {
		return template.Created{}, err
	}
	for i, inline := range p.Policies {
		role.PutPolicy(inline.PolicyName, policies[i])
	}
	return template.Created{Ref: role.Name, Attributes: map[string]string{"Arn": role.ARN, "RoleId": role.ID}}, nil
}

// updateRole leaves policies alone that others attached (AWS::IAM::Policy).
func updateRole(_ context.Context, d *deployment, _ target, old resource, raw json.RawMessage) error {
	p, c, policies, err := readRole(raw)
	if err != nil {
		return err
	}
	before, _, _, err := readRole(old.properties)
	if err != nil {
		return err
	}
	role, ok := d.store.Role(old.created.Ref)
	if !ok {
		return fmt.Errorf("role %s does not exist", old.created.Ref)
	}
	c.Name = role.Name
	if err := role.Update(c); err != nil {
		return err
	}
	for i, inline := range p.Policies {
		role.PutPolicy(inline.PolicyName, policies[i])
	}
	for _, inline := range before.Policies {
		if !slices.ContainsFunc(p.Policies, func(now inlinePolicy) bool { return now.PolicyName == inline.PolicyName }) {
			role.DeletePolicy(inline.PolicyName)
		}
	}
	return nil
}

func removeRole(_ context.Context, d *deployment, _ target, old resource) error {
	d.store.DeleteRole(old.created.Ref)
	return nil
}

type rolePolicyProperties struct {
	inlinePolicy
	Roles []string
}

func makeRolePolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	return template.Created{Ref: physicalName(t)}, d.putRolePolicy(raw)
}

func (d *deployment) putRolePolicy(raw json.RawMessage) error {
	var p rolePolicyProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return err
	}
	document, err := p.parse()
	if err != nil {
		return err
	}
	for _, name := range p.Roles {
		role, ok := d.store.Role(name)
		if !ok {
			return fmt.Errorf("role %s does not exist", name)
		}
		role.PutPolicy(p.PolicyName, document)
	}
	return nil
}

func updateRolePolicy(_ context.Context, d *deployment, _ target, _ resource, raw json.RawMessage) error {
	return d.putRolePolicy(raw)
}

func removeRolePolicy(_ context.Context, d *deployment, _ target, old resource) error {
	var p rolePolicyProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	for _, name := range p.Roles {
		if role, ok := d.store.Role(name); ok {
			role.DeletePolicy(p.PolicyName)
		}
	}
	return nil
}
