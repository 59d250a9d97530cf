package sandbox

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// A bucket that a client made notifies a queue, a topic and a function, once
// each lets it.
func TestBucketNotifiesQueueTopicAndFunction(t *testing.T) {
	t.Parallel()
	fromBucket := m{"Principal": m{"Service": "s3.amazonaws.com"}, "Effect": "Allow", "Resource": "*",
		"Condition": m{"ArnEquals": m{"aws:SourceArn": "arn:aws:s3:::theirs"}, "StringEquals": m{"aws:SourceAccount": AccountID}}}
	allow := func(action string) m {
		s := m{"Action": action}
		for name, v := range fromBucket {
			s[name] = v
		}
		return document(s)
	}
	destinations := func(r m) {
		r["Queue"] = queueOf(m{"QueueName": "theirs"})
		r["Topic"] = m{"Type": "AWS::SNS::Topic", "Properties": m{"TopicName": "theirs"}}
	}
	w := startCustom(t, destinations)
	ctx, c, bucket := t.Context(), s3.NewFromConfig(w.config("us-east-1")), aws.String("theirs")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	arn := func(service, name string) *string {
		return aws.String("arn:aws:" + service + ":us-east-1:" + AccountID + ":" + name)
	}
	queue := types.QueueConfiguration{QueueArn: arn("sqs", "theirs"), Events: []types.Event{"s3:ObjectCreated:Put"}}
	topic := types.TopicConfiguration{TopicArn: arn("sns", "theirs"), Events: []types.Event{"s3:ObjectRemoved:*"}}
	function := types.LambdaFunctionConfiguration{
		LambdaFunctionArn: arn("lambda", "function:answerer"), Events: []types.Event{"s3:ObjectTagging:*"},
	}
	put := func(n types.NotificationConfiguration) error {
		_, err := c.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
			Bucket: bucket, NotificationConfiguration: &n,
		})
		return err
	}
	for arn, n := range map[string]types.NotificationConfiguration{
		*queue.QueueArn:             {QueueConfigurations: []types.QueueConfiguration{queue}},
		*topic.TopicArn:             {TopicConfigurations: []types.TopicConfiguration{topic}},
		*function.LambdaFunctionArn: {LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{function}},
	} {
		var refused smithy.APIError
		err := put(n)
		if !errors.As(err, &refused) || refused.ErrorMessage() != "Unable to validate the following destination configurations" {
			t.Errorf("%s, which lets nobody: %v", arn, err)
		}
	}
	if _, err := w.update(func(r m) {
		destinations(r)
		r["QueuePolicy"] = m{
			"Type":       "AWS::SQS::QueuePolicy",
			"Properties": m{"Queues": []any{m{"Ref": "Queue"}}, "PolicyDocument": allow("sqs:SendMessage")},
		}
		r["TopicPolicy"] = m{
			"Type": "AWS::SNS::TopicPolicy", "Properties": m{"Topics": []any{m{"Ref": "Topic"}}, "PolicyDocument": allow("sns:Publish")},
		}
		r["Permission"] = m{"Type": "AWS::Lambda::Permission", "Properties": m{
			"FunctionName": "answerer", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
			"SourceArn": "arn:aws:s3:::theirs", "SourceAccount": AccountID}}
	}); err != nil {
		t.Fatal(err)
	}
	if err := put(types.NotificationConfiguration{
		QueueConfigurations: []types.QueueConfiguration{queue}, TopicConfigurations: []types.TopicConfiguration{topic},
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{function},
	}); err != nil {
		t.Fatal(err)
	}
	key := aws.String("k")
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: bucket, Key: key, Tagging: &types.Tagging{TagSet: []types.Tag{}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	if err := w.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	messages := sqs.NewFromConfig(w.config("us-east-1"))
	url, err := messages.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("theirs")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := messages.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 2 || !strings.Contains(*got.Messages[0].Body, `"s3:TestEvent"`) ||
		!strings.Contains(*got.Messages[1].Body, `"ObjectCreated:Put"`) {
		t.Errorf("%+v, %v; want the test event and the upload", got, err)
	}
	if n := w.Stats().Regions["us-east-1"].SNS.Published; n != 2 {
		t.Errorf("%d messages to the topic, want the test event and the removal", n)
	}
	notes, err := os.ReadFile(w.notes)
	if err != nil || strings.Count(string(notes), "\n") != 1 || !strings.Contains(string(notes), `"ObjectTagging:Put"`) {
		t.Errorf("the function got %s, %v; want the tagging alone: functions are sent no test event", notes, err)
	}
}
