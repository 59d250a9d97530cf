package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/template"
)

// deployment is one run over the templates' resources.
type deployment struct {
	*Sandbox
	partition string
	queueURLs map[string]string // by ARN
}

// target says where a resource is made.
type target struct {
	stack     string
	region    string
	logicalID string
}

// maker makes one resource from its resolved properties.
type maker func(ctx context.Context, d *deployment, t target, properties json.RawMessage) (template.Created, error)

// makers returns what the sandbox can make, by resource type.
func makers() map[string]maker {
	return map[string]maker{
		"AWS::IAM::Policy":               makeRolePolicy,
		"AWS::IAM::Role":                 makeRole,
		"AWS::KMS::Alias":                makeAlias,
		"AWS::KMS::Key":                  makeKey,
		"AWS::Lambda::EventInvokeConfig": makeEventInvokeConfig,
		"AWS::Lambda::Function":          makeFunction,
		"AWS::Lambda::Permission":        makePermission,
		"AWS::Logs::LogGroup":            makeLogGroup,
		"AWS::S3::Bucket":                makeBucket,
		"AWS::S3::BucketPolicy":          makeBucketPolicy,
		"AWS::SNS::Subscription":         makeSubscription,
		"AWS::SNS::Topic":                makeTopic,
		"AWS::SNS::TopicPolicy":          makeTopicPolicy,
		"AWS::SQS::Queue":                makeQueue,
		"AWS::SQS::QueuePolicy":          makeQueuePolicy,
	}
}

// inertTypes are the resource types that a template may hold and that do
// nothing here, each with the reason. Anything else unknown is an error.
func inertTypes() map[string]string {
	return map[string]string{
		"AWS::CDK::Metadata":         "statistics of the CDK",
		"AWS::CloudWatch::Alarm":     "nothing watches the metrics",
		"AWS::CloudWatch::Dashboard": "nothing shows the metrics",
	}
}

func (s *Sandbox) deploy(ctx context.Context, a *template.Assembly, partition string) error {
	d := &deployment{Sandbox: s, partition: partition, queueURLs: map[string]string{}}
	known, inert := makers(), inertTypes()
	_, err := a.Deploy(ctx, AccountID, func(ctx context.Context, stack template.StackInfo, r template.Resource, properties json.RawMessage) (template.Created, error) {
		if _, ok := inert[r.Type]; ok {
			return template.Created{Ref: r.LogicalID}, nil
		}
		make, ok := known[r.Type]
		if !ok {
			return template.Created{}, fmt.Errorf("the sandbox does not support this resource type; it supports %s", strings.Join(supported(), ", "))
		}
		return make(ctx, d, target{stack: stack.Name, region: stack.Region, logicalID: r.LogicalID}, properties)
	})
	return err
}

// supported lists every resource type that a template may hold, in order.
func supported() []string {
	var list []string
	for t := range makers() {
		list = append(list, t)
	}
	for t := range inertTypes() {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

// note records a part of the Region's state.
func (d *deployment) note(region string, change func(*RegionState)) {
	r := d.state.Regions[region]
	change(&r)
	d.state.Regions[region] = r
}

// physicalName names a resource that the template leaves to CloudFormation.
func physicalName(t target) string {
	return t.stack + "-" + t.logicalID + "-" + requestID()[:8]
}

func requestID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
