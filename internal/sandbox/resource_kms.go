package sandbox

import (
	"context"
	"encoding/json"
	"fmt"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/template"
)

type keyProperties struct {
	Description         string
	KeyPolicy           json.RawMessage
	EnableKeyRotation   bool // once a year: nothing here lasts so long
	PendingWindowInDays int  // keys are forgotten with the sandbox
	Tags                []tag
}

func makeKey(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p keyProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	policy, err := iam.ParseAs(iam.ResourcePolicy, p.KeyPolicy)
	if err != nil {
		return template.Created{}, fmt.Errorf("property KeyPolicy: %w", err)
	}
	id, arn := d.kms.CreateKey(t.region, policy)
	return template.Created{Ref: id, Attributes: map[string]string{"Arn": arn, "KeyId": id}}, nil
}

type aliasProperties struct {
	AliasName   string
	TargetKeyId string
}

func makeAlias(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p aliasProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if err := d.kms.CreateAlias(t.region, p.AliasName, p.TargetKeyId); err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: p.AliasName}, nil
}

func removeAlias(_ context.Context, d *deployment, t target, old resource) error {
	d.kms.DeleteAlias(t.region, old.created.Ref)
	return nil
}

// removeKey has no window in which the deletion could be cancelled: nothing can
// be done with the key in it.
func removeKey(_ context.Context, d *deployment, _ target, old resource) error {
	d.kms.DeleteKey(old.created.Attributes["Arn"])
	return nil
}

// keyARN resolves what a resource in the Region calls its KMS key; empty stays
// empty.
func (d *deployment) keyARN(t target, property, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	arn, err := d.kms.Resolve(t.region, name)
	if err != nil {
		return "", fmt.Errorf("property %s: %w", property, err)
	}
	return arn, nil
}
