package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/sandbox/snapshot"
)

// changed is the committed assembly with other resources in us-east-1: change
// gets those of its Region stack and its mesh stack.
func changed(t *testing.T, change func(region, mesh map[string]any)) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(snapshot.FS(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(snapshot.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	templates := map[string]map[string]any{}
	var resources []map[string]any
	for _, stack := range []string{"s3fanout-us-east-1", "s3fanout-us-east-1-mesh"} {
		var template map[string]any
		if err := json.Unmarshal(files[stack+".template.json"].Data, &template); err != nil {
			t.Fatal(err)
		}
		templates[stack] = template
		resources = append(resources, template["Resources"].(map[string]any))
	}
	change(resources[0], resources[1])
	for stack, template := range templates {
		data, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		files[stack+".template.json"].Data = data
	}
	return files
}

// first is the first resource of a type, by logical id, and its properties.
func first(resources map[string]any, resourceType string) (id string, properties map[string]any) {
	for name, r := range resources {
		resource := r.(map[string]any)
		if resource["Type"] == resourceType && (id == "" || name < id) {
			id, properties = name, resource["Properties"].(map[string]any)
		}
	}
	return id, properties
}

func set(resourceType, property string, value any) func(region, mesh map[string]any) {
	return func(region, mesh map[string]any) {
		for _, resources := range []map[string]any{region, mesh} {
			if _, p := first(resources, resourceType); p != nil {
				p[property] = value
			}
		}
	}
}

func document(statements ...any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// Each kind of change is made in place, is the only one, shows, and is not made
// again.
func TestUpdateInPlace(t *testing.T) {
	s := start(t)
	const region = "us-east-1"
	c, r, ctx := s.config(region), s.state.Regions[region], t.Context()
	role := func() string {
		f, err := lambda.NewFromConfig(c).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
			FunctionName: &r.FunctionName,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *f.Role
	}
	anyone := map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*",
	}
	for _, tt := range []struct {
		resourceType, property string
		value                  any
		show                   func() (string, error)
		want                   string
	}{
		{"AWS::Lambda::Function", "Timeout", 77, func() (string, error) {
			f, err := lambda.NewFromConfig(c).GetFunctionConfiguration(ctx,
				&lambda.GetFunctionConfigurationInput{FunctionName: &r.FunctionName})
			return fmt.Sprint(*f.Timeout), err
		}, "77"},
		{"AWS::Lambda::Function", "Environment", map[string]any{"Variables": map[string]string{"A1": "b"}}, func() (string, error) {
			f, err := lambda.NewFromConfig(c).GetFunctionConfiguration(ctx,
				&lambda.GetFunctionConfigurationInput{FunctionName: &r.FunctionName})
			return fmt.Sprint(f.Environment.Variables), err
		}, "map[A1:b]"},
		{"AWS::Lambda::EventInvokeConfig", "MaximumRetryAttempts", 1, func() (string, error) {
			f, err := lambda.NewFromConfig(c).GetFunctionEventInvokeConfig(ctx,
				&lambda.GetFunctionEventInvokeConfigInput{FunctionName: &r.FunctionName})
			return fmt.Sprint(*f.MaximumRetryAttempts), err
		}, "1"},
		{"AWS::IAM::Role", "Policies", []any{map[string]any{"PolicyName": "other", "PolicyDocument": document(
			map[string]any{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"})}}, func() (string, error) {
			found, _ := s.store.Role(role())
			return fmt.Sprint(found.PolicyNames()), nil
		}, "[other]"},
		{"AWS::IAM::Role", "Description", "another", func() (string, error) {
			found, _ := s.store.Role(role())
			return found.Description(), nil
		}, "another"},
		{"AWS::IAM::Role", "AssumeRolePolicyDocument", document(map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
			"Action": "sts:AssumeRole"}), func() (string, error) {
			found, _ := s.store.Role(role())
			return fmt.Sprint(strings.Contains(found.Trust().Text(), "RoleSessionName")), nil
		}, "false"},
		{"AWS::SQS::QueuePolicy", "PolicyDocument", document(map[string]any{
			"Sid": "Other", "Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue", "Resource": "*"}), func() (string, error) {
			a, err := sqs.NewFromConfig(c).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl: &r.DeadLetterQueueURL, AttributeNames: []sqstypes.QueueAttributeName{"Policy"},
			})
			return fmt.Sprint(strings.Contains(a.Attributes["Policy"], "Other")), err
		}, "true"},
		{"AWS::S3::Bucket", "NotificationConfiguration", map[string]any{}, func() (string, error) {
			n, err := s3.NewFromConfig(c).GetBucketNotificationConfiguration(ctx,
				&s3.GetBucketNotificationConfigurationInput{Bucket: &r.Bucket})
			return fmt.Sprint(len(n.TopicConfigurations)), err
		}, "0"},
		{"AWS::SNS::Subscription", "FilterPolicy", map[string]any{"a": []string{"b"}}, func() (string, error) {
			list, err := sns.NewFromConfig(c).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &r.TopicARN})
			if err != nil {
				return "", err
			}
			var filters []string
			for _, sub := range list.Subscriptions {
				a, err := sns.NewFromConfig(c).GetSubscriptionAttributes(ctx,
					&sns.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
				if err != nil {
					return "", err
				}
				if f := a.Attributes["FilterPolicy"]; !strings.Contains(f, "anything-but") {
					filters = append(filters, f)
				}
			}
			return strings.Join(filters, " "), nil
		}, `{"a":["b"]}`},
		{"AWS::SNS::TopicPolicy", "PolicyDocument", document(anyone), func() (string, error) {
			a, err := sns.NewFromConfig(c).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &r.TopicARN})
			return fmt.Sprint(strings.Contains(a.Attributes["Policy"], "aws:SourceArn")), err
		}, "false"},
		{"AWS::SNS::Topic", "DisplayName", "shown", func() (string, error) {
			a, err := sns.NewFromConfig(c).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &r.TopicARN})
			return a.Attributes["DisplayName"], err
		}, "shown"},
		{"AWS::SQS::Queue", "MessageRetentionPeriod", 120, func() (string, error) {
			a, err := sqs.NewFromConfig(c).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl: &r.DeadLetterQueueURL, AttributeNames: []sqstypes.QueueAttributeName{"All"},
			})
			return a.Attributes["MessageRetentionPeriod"], err
		}, "120"},
		{"AWS::S3::Bucket", "LifecycleConfiguration", map[string]any{"Rules": []any{map[string]any{
			"Id": "x", "Status": "Enabled", "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 3}}}},
			func() (string, error) {
				l, err := s3.NewFromConfig(c).GetBucketLifecycleConfiguration(ctx,
					&s3.GetBucketLifecycleConfigurationInput{Bucket: &r.Bucket})
				return fmt.Sprint(*l.Rules[0].AbortIncompleteMultipartUpload.DaysAfterInitiation), err
			}, "3"},
		{"AWS::S3::BucketPolicy", "PolicyDocument",
			document(map[string]any{"Sid": "Other", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}),
			func() (string, error) {
				p, err := s3.NewFromConfig(c).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &r.Bucket})
				return fmt.Sprint(strings.Contains(*p.Policy, "Other")), err
			}, "true"},
		{"AWS::Logs::LogGroup", "RetentionInDays", 3, func() (string, error) { return "", nil }, ""},
	} {
		t.Run(tt.resourceType+" "+tt.property, func(t *testing.T) {
			files := changed(t, set(tt.resourceType, tt.property, tt.value))
			got, err := s.Update(ctx, files)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Made)+len(got.Deleted)+len(got.Retained) > 0 || len(got.Updated) != 1 ||
				got.Updated[0].Type != tt.resourceType || !slices.Equal(got.Updated[0].Properties, []string{tt.property}) ||
				got.Updated[0].Region != region {
				t.Errorf("changes = %+v, want this property alone", got)
			}
			if shown, err := tt.show(); err != nil || shown != tt.want {
				t.Errorf("shows %q, %v, want %q", shown, err, tt.want)
			}
			if again, err := s.Update(ctx, files); err != nil || !again.none() {
				t.Errorf("again: %+v, %v, want nothing", again, err)
			}
			if back, err := s.Update(ctx, snapshot.FS()); err != nil || len(back.Updated) != 1 {
				t.Errorf("back: %+v, %v, want one update", back, err)
			}
		})
	}
}

func (c Changes) none() bool { return len(c.Made)+len(c.Updated)+len(c.Deleted)+len(c.Retained) == 0 }

// What cannot be done is found before anything is changed.
func TestUpdateRefuses(t *testing.T) {
	s := start(t)
	before := s.State()
	for _, tt := range []struct {
		name   string
		change func(region, mesh map[string]any)
		want   string
	}{
		{"another bucket", set("AWS::S3::Bucket", "BucketName", "another"),
			"(AWS::S3::Bucket): property BucketName: the sandbox can't change it while the resource lives; it can change BucketEncryption"},
		{"another endpoint", set("AWS::SNS::Subscription", "Endpoint", "arn:aws:lambda:us-east-1:123456789012:function:f"),
			"(AWS::SNS::Subscription): property Endpoint: the sandbox can't"},
		{"another source", set("AWS::Lambda::Permission", "SourceArn", "arn:aws:sns:us-east-1:123456789012:t"),
			"(AWS::Lambda::Permission): property SourceArn: the sandbox can't change it while the resource lives; " +
				"AWS would put a new one " +
				"in its place"},
		{"an unknown property of something new", func(region, _ map[string]any) {
			region["New"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"FifoQueue": true}}
		}, "resource New (AWS::SQS::Queue): property FifoQueue is not supported by the sandbox"},
		{"an unknown type", func(region, _ map[string]any) { region["New"] = map[string]any{"Type": "AWS::ECS::Cluster"} },
			"resource New (AWS::ECS::Cluster): the sandbox does not support this resource type"},
		{"another type", func(region, _ map[string]any) {
			id, _ := first(region, "AWS::Logs::LogGroup")
			region[id] = map[string]any{"Type": "AWS::SQS::Queue"}
		}, "it is an AWS::Logs::LogGroup so far"},
		{"the bucket of another", func(region, _ map[string]any) {
			region["New"] = map[string]any{
				"Type": "AWS::S3::Bucket", "Properties": map[string]any{"BucketName": before.Regions["eu-west-1"].Bucket},
			}
		}, "the bucket s3fanout-123456789012-eu-west-1 already exists"},
		{"nonsense", func(region, _ map[string]any) { region["New"] = map[string]any{} }, "resource New: has no Type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Update(t.Context(), changed(t, func(region, mesh map[string]any) {
				_, p := first(region, "AWS::Lambda::Function") // comes first, were it done
				p["Timeout"] = 66
				tt.change(region, mesh)
			}))
			if !errors.As(err, &RefusedError{}) || !strings.Contains(err.Error(), tt.want) || !got.none() {
				t.Errorf("%+v, %v\nwant a refusal with %q", got, err, tt.want)
			}
		})
	}
	if got, err := s.Update(t.Context(), snapshot.FS()); err != nil || !got.none() {
		t.Errorf("afterwards: %+v, %v, want that nothing had changed", got, err)
	}
	if s.updating.Lock(); true {
		_, err := s.Update(t.Context(), snapshot.FS())
		if s.updating.Unlock(); !errors.As(err, &RefusedError{}) {
			t.Errorf("while another is under way: %v, want a refusal", err)
		}
	}
}

// A bucket that the template does not retain is deleted with it, unless there
// is something in it: then it stays, and is not forgotten.
func TestUpdateDeletesEmptyBuckets(t *testing.T) {
	s := start(t)
	const name = "kept-by-nobody"
	withBucket := changed(t, func(region, _ map[string]any) {
		region["New"] = map[string]any{"Type": "AWS::S3::Bucket", "Properties": map[string]any{"BucketName": name}}
	})
	if _, err := s.Update(t.Context(), withBucket); err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(s.config("us-east-1"))
	in := &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String("k"), Body: strings.NewReader("")}
	if _, err := client.PutObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := s.Update(t.Context(), snapshot.FS())
		if err == nil || !strings.Contains(err.Error(), "delete resource New (AWS::S3::Bucket)") ||
			!strings.Contains(err.Error(), "BucketNotEmpty") || !got.none() {
			t.Errorf("%+v, %v; want that the bucket can't be deleted", got, err)
		}
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: in.Bucket, Key: in.Key}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Update(t.Context(), snapshot.FS()); err != nil || len(got.Deleted) != 1 || s.s3.HasBucket(name) {
		t.Errorf("%+v, %v, want the empty bucket deleted", got, err)
	}
}

// A stack that fails leaves done what is done in those before it; the next
// update goes on.
func TestUpdateGoesOnAfterAnError(t *testing.T) {
	s := start(t)
	wrong := changed(t, func(region, mesh map[string]any) {
		_, f := first(region, "AWS::Lambda::Function")
		f["Timeout"] = 66
		_, p := first(mesh, "AWS::SNS::Subscription")
		p["RedrivePolicy"] = map[string]any{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:nowhere"}
	})
	got, err := s.Update(t.Context(), wrong)
	if err == nil || errors.As(err, &RefusedError{}) || !strings.Contains(err.Error(), "nowhere does not exist") {
		t.Errorf("%v, want the error of the queue that is not there", err)
	}
	if len(got.Updated) != 1 || got.Updated[0].Type != "AWS::Lambda::Function" {
		t.Errorf("updated %+v, want the function", got.Updated)
	}
	right := changed(t, func(region, mesh map[string]any) {
		_, f := first(region, "AWS::Lambda::Function")
		f["Timeout"] = 66
		id, _ := first(mesh, "AWS::SNS::Subscription")
		delete(mesh, id)
	})
	got, err = s.Update(t.Context(), right)
	if err != nil || len(got.Deleted) != 1 || len(got.Updated)+len(got.Made) > 0 {
		t.Errorf("%+v, %v, want the subscription deleted and nothing else", got, err)
	}
}
