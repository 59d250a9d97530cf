package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/lambda"
	"s3fanout/internal/sandbox/template"
)

func makeRole(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		RoleName                 string
		Description              string
		AssumeRolePolicyDocument json.RawMessage
		PermissionsBoundary      string // a policy that no template holds, so it bounds nothing here
		Policies                 []inlinePolicy
		MaxSessionDuration       int // seconds
		Tags                     []tag
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.RoleName == "" {
		p.RoleName = physicalName(t)
	}
	trust, err := iam.ParseAs(iam.TrustPolicy, p.AssumeRolePolicyDocument)
	if err != nil {
		return template.Created{}, fmt.Errorf("property AssumeRolePolicyDocument: %w", err)
	}
	role, err := d.store.CreateRole(iam.RoleConfig{
		Name: p.RoleName, Description: p.Description, Trust: trust,
		MaxSessionDuration: time.Duration(p.MaxSessionDuration) * time.Second,
	})
	if err != nil {
		return template.Created{}, err
	}
	for _, policy := range p.Policies {
		if err := policy.put(role); err != nil {
			return template.Created{}, err
		}
	}
	return template.Created{Ref: role.Name, Attributes: map[string]string{"Arn": role.ARN, "RoleId": role.ID}}, nil
}

type inlinePolicy struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

func (p inlinePolicy) put(role *iam.Role) error {
	document, err := iam.ParseAs(iam.IdentityPolicy, p.PolicyDocument)
	if err != nil {
		return fmt.Errorf("policy %s: %w", p.PolicyName, err)
	}
	role.PutPolicy(p.PolicyName, document)
	return nil
}

func makeRolePolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		inlinePolicy
		Roles []string
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	for _, name := range p.Roles {
		role, ok := d.store.Role(name)
		if !ok {
			return template.Created{}, fmt.Errorf("role %s does not exist", name)
		}
		if err := p.put(role); err != nil {
			return template.Created{}, err
		}
	}
	return template.Created{Ref: physicalName(t)}, nil
}

// functionProperties are the properties of AWS::Lambda::Function that the
// sandbox knows. Code only has to be there: what runs is the same program,
// built for this machine.
type functionProperties struct {
	FunctionName string
	Description  string
	Code         struct{ S3Bucket, S3Key string }
	Role         string
	Runtime      string
	Handler      string

	Architectures                []string
	Environment                  struct{ Variables map[string]string }
	MemorySize                   int
	Timeout                      int
	ReservedConcurrentExecutions *int
	DeadLetterConfig             struct {
		TargetArn string
	}
	LoggingConfig struct {
		LogGroup  string
		LogFormat string
	}
	RecursiveLoop string
	Tags          []tag
}

func makeFunction(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p functionProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.Code.S3Key == "" {
		return template.Created{}, fmt.Errorf("property Code: S3Bucket and S3Key are missing")
	}
	if p.FunctionName == "" {
		p.FunctionName = physicalName(t)
	}
	arn, err := d.lambda.CreateFunction(t.region, lambda.FunctionConfig{
		Name: p.FunctionName, Description: p.Description, RoleARN: p.Role, Runtime: p.Runtime, Handler: p.Handler, Architectures: p.Architectures,
		Timeout: time.Duration(p.Timeout) * time.Second, MemoryMB: p.MemorySize, Environment: p.Environment.Variables,
		ReservedConcurrency: p.ReservedConcurrentExecutions, DeadLetterTargetARN: p.DeadLetterConfig.TargetArn,
		LogGroup: p.LoggingConfig.LogGroup, LogFormat: p.LoggingConfig.LogFormat, RecursiveLoop: p.RecursiveLoop,
	})
	if err != nil {
		return template.Created{}, err
	}
	d.note(t.region, func(r *RegionState) { r.FunctionName, r.FunctionARN = p.FunctionName, arn })
	return template.Created{Ref: p.FunctionName, Attributes: map[string]string{"Arn": arn}}, nil
}

// functionARN turns what a template may give as FunctionName into an ARN.
func (d *deployment) functionARN(t target, nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", d.partition, t.region, AccountID, nameOrARN)
}

func makePermission(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		Action        string
		FunctionName  string
		Principal     string
		SourceArn     string
		SourceAccount string
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	err := d.lambda.AddPermission(d.functionARN(t, p.FunctionName), lambda.PermissionConfig{
		StatementID: t.logicalID, Action: p.Action, Principal: p.Principal, SourceARN: p.SourceArn, SourceAccount: p.SourceAccount,
	})
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: t.logicalID}, nil
}

func makeEventInvokeConfig(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		FunctionName             string
		Qualifier                string
		MaximumEventAgeInSeconds int
		MaximumRetryAttempts     *int
		DestinationConfig        struct {
			OnFailure struct{ Destination string }
		}
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.Qualifier != "$LATEST" {
		return template.Created{}, fmt.Errorf("property Qualifier: the sandbox supports $LATEST alone, not %q", p.Qualifier)
	}
	destination := p.DestinationConfig.OnFailure.Destination
	err := d.lambda.SetEventInvokeConfig(d.functionARN(t, p.FunctionName), lambda.EventInvokeConfig{
		MaximumRetryAttempts: p.MaximumRetryAttempts,
		MaximumEventAge:      time.Duration(p.MaximumEventAgeInSeconds) * time.Second,
		OnFailure:            destination,
	})
	if err != nil {
		return template.Created{}, err
	}
	if url, ok := d.queueURLs[destination]; ok {
		d.note(t.region, func(r *RegionState) { r.DeadLetterQueueURL = url })
	}
	return template.Created{Ref: physicalName(t)}, nil
}

// makeLogGroup makes nothing but the name: logs go to files, and only if the
// role may write to the group.
func makeLogGroup(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		LogGroupName    string
		RetentionInDays int // the files are gone sooner
		Tags            []tag
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.LogGroupName == "" {
		p.LogGroupName = physicalName(t)
	}
	return template.Created{Ref: p.LogGroupName, Attributes: map[string]string{
		"Arn": fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s:*", d.partition, t.region, AccountID, p.LogGroupName),
	}}, nil
}
