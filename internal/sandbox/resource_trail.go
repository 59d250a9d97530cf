package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"s3fanout/internal/sandbox/template"
	"s3fanout/internal/sandbox/trail"
	"s3fanout/internal/sandbox/trail/insights"
)

// trailProperties are the properties of AWS::CloudTrail::Trail that the sandbox knows.
type trailProperties struct {
	TrailName                                      string
	IsLogging                                      bool
	IsMultiRegionTrail, IncludeGlobalServiceEvents bool
	EnableLogFileValidation                        bool
	S3BucketName                                   string
	CloudWatchLogsLogGroupArn                      string
	CloudWatchLogsRoleArn                          string
	AdvancedEventSelectors                         []trail.Selector
	Tags                                           []tag
}

func readTrail(raw json.RawMessage) (trail.Trail, error) {
	var p trailProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return trail.Trail{}, err
	}
	return trail.Trail{
		Name: p.TrailName, Logging: p.IsLogging, MultiRegion: p.IsMultiRegionTrail, GlobalEvents: p.IncludeGlobalServiceEvents,
		Validated: p.EnableLogFileValidation, Bucket: p.S3BucketName, LogGroupARN: p.CloudWatchLogsLogGroupArn,
		RoleARN:   p.CloudWatchLogsRoleArn,
		Selectors: p.AdvancedEventSelectors,
	}, nil
}

func makeTrail(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := readTrail(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	arn, err := d.trail.Create(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: c.Name, Attributes: map[string]string{"Arn": arn}}, nil
}

func updateTrail(_ context.Context, d *deployment, _ target, old resource, raw json.RawMessage) error {
	c, err := readTrail(raw)
	if err != nil {
		return err
	}
	return d.trail.Update(old.created.Attributes["Arn"], c)
}

func removeTrail(_ context.Context, d *deployment, _ target, old resource) error {
	d.trail.Delete(old.created.Attributes["Arn"])
	return nil
}

// trailDrift finds a trail that was stopped or given other selectors by hand.
func trailDrift(d *deployment, _ target, old resource) (drift, error) {
	want, err := readTrail(old.properties)
	if err != nil {
		return drift{}, err
	}
	have, ok := d.trail.Get(old.created.Attributes["Arn"])
	if !ok {
		return drift{gone: true}, nil
	}
	var changed []string
	if have.Logging != want.Logging {
		changed = append(changed, "IsLogging")
	}
	if !reflect.DeepEqual(have.Selectors, want.Selectors) {
		changed = append(changed, "AdvancedEventSelectors")
	}
	return drift{properties: changed}, nil
}

// savedQueryProperties are the properties of AWS::Logs::QueryDefinition that the
// sandbox knows.
type savedQueryProperties struct {
	Name, QueryString string
	LogGroupNames     []string
}

// makeSavedQuery makes nothing, as nobody lists saved queries here, once it knows that
// it could answer the query.
func makeSavedQuery(_ context.Context, _ *deployment, t target, raw json.RawMessage) (template.Created, error) {
	return template.Created{Ref: physicalName(t)}, checkSavedQuery(raw)
}

func updateSavedQuery(_ context.Context, _ *deployment, _ target, _ resource, raw json.RawMessage) error {
	return checkSavedQuery(raw)
}

func checkSavedQuery(raw json.RawMessage) error {
	var p savedQueryProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return err
	}
	if _, err := insights.Parse(p.QueryString); err != nil {
		return fmt.Errorf("property QueryString: %w", err)
	}
	return nil
}
