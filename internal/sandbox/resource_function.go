package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/sandbox/lambda"
	"s3fanout/internal/sandbox/template"
)

// functionProperties are the properties of AWS::Lambda::Function that the
// sandbox knows. Code tells which program is meant; what runs is the same
// program, built for this machine.
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
		LogGroup            string
		LogFormat           string
		ApplicationLogLevel string
		SystemLogLevel      string
	}
	TracingConfig struct{ Mode string }
	RecursiveLoop string
	Tags          []tag
}

// program finds the program that a function's code is: its name, and its path
// on this machine.
func (s *Sandbox) program(a *template.Assembly, key string) (name, path string, err error) {
	if key == "" {
		return "", "", errors.New("property Code: S3Bucket and S3Key are missing")
	}
	if name, err = a.Program(key); err != nil {
		return "", "", fmt.Errorf("property Code: %w", err)
	}
	if path = s.programs[name]; path == "" {
		return "", "", fmt.Errorf(
			"property Code: the program %s is not built for this machine; run `make build` in a checkout or install a release",
			name,
		)
	}
	return name, path, nil
}

func (d *deployment) readFunction(raw json.RawMessage) (c lambda.FunctionConfig, program string, err error) {
	var p functionProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, "", err
	}
	program, path, err := d.program(d.assembly, p.Code.S3Key)
	if err != nil {
		return c, "", err
	}
	return lambda.FunctionConfig{
		Name: p.FunctionName, Program: path, Description: p.Description, RoleARN: p.Role, Runtime: p.Runtime, Handler: p.Handler,
		Architectures: p.Architectures,
		Timeout:       time.Duration(p.Timeout) * time.Second, MemoryMB: p.MemorySize, Environment: p.Environment.Variables,
		ReservedConcurrency: p.ReservedConcurrentExecutions, DeadLetterTargetARN: p.DeadLetterConfig.TargetArn,
		LogGroup: p.LoggingConfig.LogGroup, LogFormat: p.LoggingConfig.LogFormat,
		ApplicationLogLevel: p.LoggingConfig.ApplicationLogLevel, SystemLogLevel: p.LoggingConfig.SystemLogLevel,
		RecursiveLoop: p.RecursiveLoop,
		TracingMode:   p.TracingConfig.Mode, Tags: tagMap(p.Tags),
	}, program, nil
}

// tagMap are the tags of a template by their keys.
func tagMap(tags []tag) map[string]string {
	byKey := map[string]string{}
	for _, t := range tags {
		byKey[t.Key] = t.Value
	}
	return byKey
}

func makeFunction(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, program, err := d.readFunction(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	arn, err := d.lambda.CreateFunction(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	if program == replicator {
		d.note(t.region, func(r *RegionState) { r.FunctionName, r.FunctionARN = c.Name, arn })
	}
	return template.Created{Ref: c.Name, Attributes: map[string]string{"Arn": arn}}, nil
}

// noteTargets tells clients of the buckets that the replicators write to where
// no template has a bucket, because that was there before.
func (d *deployment) noteTargets() {
	made := map[string]bool{}
	for key, r := range d.resources {
		made[key.region] = made[key.region] || r.kind == "AWS::S3::Bucket"
	}
	for key, r := range d.resources {
		var p functionProperties
		if r.kind != "AWS::Lambda::Function" || made[key.region] || template.DecodeProperties(r.properties, &p) != nil {
			continue
		}
		program, _ := d.assembly.Program(p.Code.S3Key)
		if bucket := p.Environment.Variables[functionenv.TargetBucket]; bucket != "" && program == replicator {
			d.note(key.region, func(state *RegionState) { state.Bucket = bucket })
		}
	}
}

func updateFunction(_ context.Context, d *deployment, _ target, old resource, raw json.RawMessage) error {
	c, _, err := d.readFunction(raw)
	if err != nil {
		return err
	}
	c.Name = old.created.Ref
	return d.lambda.UpdateFunction(old.created.Attributes["Arn"], c)
}

func removeFunction(_ context.Context, d *deployment, t target, old resource) error {
	arn := old.created.Attributes["Arn"]
	d.lambda.DeleteFunction(arn)
	d.note(t.region, func(r *RegionState) {
		if r.FunctionARN == arn {
			r.FunctionName, r.FunctionARN = "", ""
		}
	})
	return nil
}

// functionARN turns what a template may give as FunctionName into an ARN.
func (d *deployment) functionARN(t target, nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", d.partition, t.region, AccountID, nameOrARN)
}

type permissionProperties struct {
	Action        string
	FunctionName  string
	Principal     string
	SourceArn     string
	SourceAccount string
}

func makePermission(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p permissionProperties
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

func removePermission(_ context.Context, d *deployment, t target, old resource) error {
	var p permissionProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	return d.lambda.RemovePermission(d.functionARN(t, p.FunctionName), old.created.Ref)
}

type eventInvokeProperties struct {
	FunctionName             string
	Qualifier                string
	MaximumEventAgeInSeconds int
	MaximumRetryAttempts     *int
	DestinationConfig        struct {
		OnFailure struct{ Destination string }
	}
}

func makeEventInvokeConfig(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	if err := d.putEventInvokeConfig(t, raw); err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: physicalName(t)}, nil
}

func updateEventInvokeConfig(_ context.Context, d *deployment, t target, _ resource, raw json.RawMessage) error {
	return d.putEventInvokeConfig(t, raw)
}

func (d *deployment) putEventInvokeConfig(t target, raw json.RawMessage) error {
	var p eventInvokeProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return err
	}
	if p.Qualifier != "$LATEST" {
		return fmt.Errorf("property Qualifier: the sandbox supports $LATEST alone, not %q", p.Qualifier)
	}
	destination, arn := p.DestinationConfig.OnFailure.Destination, d.functionARN(t, p.FunctionName)
	err := d.lambda.SetEventInvokeConfig(arn, lambda.EventInvokeConfig{
		MaximumRetryAttempts: p.MaximumRetryAttempts,
		MaximumEventAge:      time.Duration(p.MaximumEventAgeInSeconds) * time.Second,
		OnFailure:            destination,
	})
	if err != nil {
		return err
	}
	if url, ok := d.queueURL(destination); ok {
		d.note(t.region, func(r *RegionState) {
			if r.FunctionARN == arn {
				r.DeadLetterQueueURL = url
			}
		})
	}
	return nil
}

func removeEventInvokeConfig(_ context.Context, d *deployment, t target, old resource) error {
	var p eventInvokeProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	d.lambda.DeleteEventInvokeConfig(d.functionARN(t, p.FunctionName))
	return nil
}

type logGroupProperties struct {
	LogGroupName    string
	RetentionInDays int // the files are gone sooner
	Tags            []tag
}

// makeLogGroup makes nothing but the name: functions' logs go to files, and only if
// the role may write to the group. That of an audit trail is filled by the trail.
func makeLogGroup(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p logGroupProperties
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

// changeNothing is for what has no effect here.
func changeNothing(context.Context, *deployment, target, resource, json.RawMessage) error { return nil }

func removeLogGroup(_ context.Context, d *deployment, t target, old resource) error {
	d.trail.DeleteGroup(t.region, old.created.Ref)
	return nil
}

func removeNothing(context.Context, *deployment, target, resource) error { return nil }
