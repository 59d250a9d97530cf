package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/snapshot"
)

// TestMain plays the function when it is started as one: it writes a metric to
// its log, and dies.
func TestMain(m *testing.M) {
	if os.Getenv(answersTo) != "" {
		answerCustom()
	}
	if os.Getenv(clientOf) != "" {
		beClient()
	}
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		fmt.Printf(`{"msg":"died","Set":"tried","Lag":250,"_aws":{"Timestamp":%d,"CloudWatchMetrics":[`+
			`{"Namespace":"tests","Dimensions":[["Set"]],"Metrics":[{"Name":"Lag","Unit":"Milliseconds"}]}]}}`+"\n", time.Now().UnixMilli())
		os.Exit(1)
	}
	// No test leaves a goroutine behind.
	goleak.VerifyTestMain(m)
}

// start runs the committed templates. Their function is this test's program,
// which dies, see TestMain.
func start(t *testing.T) *Sandbox {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{Assembly: snapshot.FS(), Function: program, Dir: t.TempDir(), RetryWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// config is a client's as the administrator.
func (s *Sandbox) config(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(s.state.Endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s.state.AccessKeyID, s.state.SecretAccessKey, ""),
	}
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// trusting makes a role that the account trusts, with a policy of the statements (JSON).
func (s *Sandbox) trusting(t *testing.T, name, statements string) *iam.Role {
	t.Helper()
	trust, err := iam.ParseAs(iam.TrustPolicy,
		[]byte(`{"Statement":{"Effect":"Allow","Principal":{"AWS":"`+AccountID+`"},"Action":"sts:AssumeRole"}}`))
	if err != nil {
		t.Fatal(err)
	}
	role, err := s.store.CreateRole(iam.RoleConfig{Name: name, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iam.ParseAs(iam.IdentityPolicy, []byte(`{"Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	role.PutPolicy("p", policy)
	return role
}

// as is the configuration of a session of the role.
func (s *Sandbox) as(role *iam.Role, region string) aws.Config {
	c := s.config(region)
	c.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "tester"
	})
	return c
}

// What a session of an assumed role does in S3 is checked against the role's
// policies and counted as the session's.
func TestAssumedRoleInS3(t *testing.T) {
	s := start(t)
	region := s.regions[0]
	bucket := s.state.Regions[region].Bucket
	role := s.trusting(t, "reader", `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::`+bucket+`"}`)
	client := s3.NewFromConfig(s.as(role, region))
	if _, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket}); err != nil {
		t.Errorf("what the role may do: %v", err)
	}
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("k"), Body: strings.NewReader("")})
	if code(err) != "AccessDenied" {
		t.Errorf("what the role may not do: %v, want AccessDenied", err)
	}
	session := "arn:aws:sts::" + AccountID + ":assumed-role/reader/tester"
	if got := s.Stats().Regions[region].S3[session]; got["ListObjectsV2"] != 1 || got["PutObject"] != 1 {
		t.Errorf("requests of %s = %v, want one ListObjectsV2 and one PutObject", session, got)
	}
}

// What the templates set is what the services show.
func TestTemplatesAreShown(t *testing.T) {
	s := start(t)
	region := s.regions[0]
	ctx, c, r := t.Context(), s.config(region), s.state.Regions[region]
	lifecycle, err := s3.NewFromConfig(c).GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &r.Bucket})
	if err != nil || len(lifecycle.Rules) != 1 || *lifecycle.Rules[0].AbortIncompleteMultipartUpload.DaysAfterInitiation != 7 {
		t.Errorf("lifecycle = %+v, %v; want one rule of 7 days", lifecycle, err)
	}
	notification, err := s3.NewFromConfig(c).GetBucketNotificationConfiguration(ctx,
		&s3.GetBucketNotificationConfigurationInput{Bucket: &r.Bucket})
	if err != nil || len(notification.TopicConfigurations) != 1 || *notification.TopicConfigurations[0].TopicArn != r.TopicARN {
		t.Errorf("notification = %+v, %v; want %s", notification, err, r.TopicARN)
	}
	topic, err := sns.NewFromConfig(c).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &r.TopicARN})
	if err != nil || !strings.Contains(topic.Attributes["Policy"], `"s3.amazonaws.com"`) {
		t.Errorf("topic = %+v, %v; want a policy that names S3", topic, err)
	}
	queue, err := sqs.NewFromConfig(c).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.DeadLetterQueueURL, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	if err != nil || queue.Attributes["MessageRetentionPeriod"] != "1209600" || queue.Attributes["SqsManagedSseEnabled"] != "true" ||
		!strings.Contains(queue.Attributes["Policy"], r.TopicARN) {
		t.Errorf("queue = %+v, %v; want 14 days, encryption and a policy that names %s", queue, err, r.TopicARN)
	}
	function, err := lambda.NewFromConfig(c).GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: &r.FunctionName})
	if err != nil || function.Environment.Variables["S3FANOUT_TARGET_BUCKET"] != r.Bucket || function.LoggingConfig.LogFormat != "JSON" {
		t.Errorf("function = %+v, %v; want its bucket %s and JSON", function, err, r.Bucket)
	}
	_, roleName, _ := strings.Cut(*function.Role, "role/")
	role, err := awsiam.NewFromConfig(c).GetRole(ctx, &awsiam.GetRoleInput{RoleName: &roleName})
	if err != nil || *role.Role.Arn != *function.Role {
		t.Errorf("role = %+v, %v; want %s", role, err, *function.Role)
	}
}

func TestMetricsOfWhatHappened(t *testing.T) {
	s := start(t)
	region := s.regions[0]
	ctx, c, r := t.Context(), s.config(region), s.state.Regions[region]
	function := lambda.NewFromConfig(c)
	out, err := function.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.FunctionName})
	if err != nil || out.FunctionError == nil {
		t.Fatalf("Invoke = %+v, %v; want that it fails", out, err)
	}
	_, err = function.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.FunctionName, InvocationType: lambdatypes.InvocationTypeEvent})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	queue := r.DeadLetterQueueURL[strings.LastIndex(r.DeadLetterQueueURL, "/")+1:]
	queries := []struct {
		namespace, name, dimension, value, statistic string
		want                                         []float64
	}{
		{"AWS/Lambda", "Invocations", "FunctionName", r.FunctionName, "Sum", []float64{4}}, // one, and three of the event
		{"AWS/Lambda", "Errors", "FunctionName", r.FunctionName, "Sum", []float64{4}},
		{"AWS/Lambda", "Throttles", "FunctionName", r.FunctionName, "Sum", []float64{0}},
		{"AWS/Lambda", "AsyncEventsDropped", "FunctionName", r.FunctionName, "Sum", []float64{1}},
		{"AWS/Lambda", "AsyncEventsReceived", "FunctionName", r.FunctionName, "Sum", []float64{1}},
		{"AWS/Lambda", "AsyncEventAge", "FunctionName", r.FunctionName, "SampleCount", []float64{3}},
		{"AWS/Lambda", "Errors", "FunctionName", "another", "Sum", nil},
		{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, "Maximum", []float64{1}},
		{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "another", "Maximum", nil},
		{"tests", "Lag", "Set", "tried", "p99", []float64{250}},
		{"tests", "Lag", "Set", "tried", "SampleCount", []float64{4}},
		{"tests", "Lag", "Set", "tried", "PR(:250)", []float64{100}},
		{"tests", "Lag", "Set", "tried", "PR(250:)", []float64{0}},
	}
	now := time.Now()
	// A whole hour, so that no minute's end comes between.
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Minute))}
	for i, q := range queries {
		in.MetricDataQueries = append(in.MetricDataQueries, cloudwatchtypes.MetricDataQuery{
			Id: aws.String(fmt.Sprintf("q%d", i)),
			MetricStat: &cloudwatchtypes.MetricStat{
				Metric: &cloudwatchtypes.Metric{
					Namespace: &q.namespace, MetricName: &q.name,
					Dimensions: []cloudwatchtypes.Dimension{{Name: &q.dimension, Value: &q.value}},
				},
				Period: aws.Int32(7200), Stat: &q.statistic,
			},
		})
	}
	got, err := cloudwatch.NewFromConfig(c).GetMetricData(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range queries {
		if r := got.MetricDataResults[i]; !slices.Equal(r.Values, q.want) {
			t.Errorf("%s of %s %s=%s: %v, want %v", q.statistic, q.name, q.dimension, q.value, r.Values, q.want)
		}
	}
	wrong := s.config(region)
	wrong.Credentials = credentials.NewStaticCredentialsProvider(s.state.AccessKeyID, "wrong", "")
	if _, err := cloudwatch.NewFromConfig(wrong).GetMetricData(ctx, in); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("with a wrong secret: %v, want SignatureDoesNotMatch", err)
	}
}

// IAM and STS are asked in whatever Region a client signs for; the other
// services only where the templates have a stack.
func TestAccountServicesHaveNoRegion(t *testing.T) {
	s := start(t)
	operations := map[string]func(context.Context, aws.Config) error{
		"iam": func(ctx context.Context, c aws.Config) error {
			_, err := awsiam.NewFromConfig(c).GetRole(ctx, &awsiam.GetRoleInput{RoleName: aws.String("ghost")})
			return err
		},
		"sts": func(ctx context.Context, c aws.Config) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
			return err
		},
		"s3": func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).ListBuckets(ctx, nil)
			return err
		},
	}
	for _, region := range []string{"sa-east-1", s.regions[0]} {
		known := slices.Contains(s.regions, region)
		for _, name := range slices.Sorted(maps.Keys(operations)) {
			want := map[string]string{"iam": "NoSuchEntity"}[name]
			if name == "s3" && !known {
				want = "InvalidRegion"
			}
			if err := operations[name](t.Context(), s.config(region)); code(err) != want {
				t.Errorf("%s in %s: %v, want %q", name, region, err, want)
			}
		}
	}
}
