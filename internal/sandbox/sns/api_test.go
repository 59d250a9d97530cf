package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
)

// client returns a real SDK client that the endpoint takes for caller.
func (w *world) client(t *testing.T, caller iam.Caller) *awssns.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeAPI(rw, r, region, caller) }))
	t.Cleanup(server.Close)
	return awssns.New(awssns.Options{
		Region: region, BaseEndpoint: &server.URL,
		// The SDK closes a request's body as soon as the response begins, at times
		// before net/http has seen its end; net/http then cuts off a response that
		// does not fit into its buffer. The SDK knows that error as one to retry.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 10, time.Millisecond }),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
		}),
	})
}

func TestAPI(t *testing.T) {
	w := newWorld(t, nil)
	client := w.client(t, admin())
	sub, err := client.Subscribe(t.Context(), &awssns.SubscribeInput{
		TopicArn: &w.topic, Protocol: aws.String("lambda"), Endpoint: aws.String(function), ReturnSubscriptionArn: true,
		Attributes: map[string]string{
			"FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": "MessageBody", "RedrivePolicy": `{"deadLetterTargetArn":"` + w.queue + `"}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := client.GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{
		SubscriptionArn: sub.SubscriptionArn,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": "MessageBody", "RedrivePolicy": `{"deadLetterTargetArn":"` + w.queue + `"}`,
		"Endpoint": function, "Protocol": "lambda", "PendingConfirmation": "false", "TopicArn": w.topic, "Owner": account,
	} {
		if attributes.Attributes[name] != want {
			t.Errorf("%s = %q, want %q", name, attributes.Attributes[name], want)
		}
	}
	published, err := client.Publish(t.Context(), &awssns.PublishInput{
		TopicArn: &w.topic, Message: aws.String("{}"), Subject: aws.String("hello"),
	})
	if err != nil || published.MessageId == nil || *published.MessageId == "" {
		t.Errorf("publish = %v, %v", published, err)
	}
	if got := w.counted(); got.Published != 1 || got.Filtered != 1 {
		t.Errorf("counters = %+v, want 1 published and filtered", got)
	}
	_, err = client.SetSubscriptionAttributes(t.Context(), &awssns.SetSubscriptionAttributesInput{
		SubscriptionArn: sub.SubscriptionArn, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String(`{"a":["c"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SetSubscriptionAttributes(t.Context(), &awssns.SetSubscriptionAttributesInput{
		SubscriptionArn: sub.SubscriptionArn, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String("{}"),
	})
	if err != nil {
		t.Errorf("remove the filter: %v", err)
	}
	attributes, err = client.GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{
		SubscriptionArn: sub.SubscriptionArn,
	})
	if err != nil || attributes.Attributes["FilterPolicy"] != "" {
		t.Errorf("attributes without a filter = %v, %v", attributes, err)
	}
	topics, err := client.ListTopics(t.Context(), &awssns.ListTopicsInput{})
	if err != nil || len(topics.Topics) != 1 || *topics.Topics[0].TopicArn != w.topic {
		t.Errorf("topics = %v, %v", topics, err)
	}
	topic, err := client.GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: &w.topic})
	if err != nil || topic.Attributes["SubscriptionsConfirmed"] != "1" || topic.Attributes["TopicArn"] != w.topic ||
		topic.Attributes["Owner"] != account {
		t.Errorf("topic = %v, %v", topic, err)
	}
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}]}`
	policy, err := iam.ParseAs(iam.ResourcePolicy, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetTopicPolicy(w.topic, policy); err != nil {
		t.Fatal(err)
	}
	if topic, err = client.GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: &w.topic}); err != nil ||
		topic.Attributes["Policy"] != text {
		t.Errorf("topic with a policy = %v, %v; want %s", topic, err, text)
	}
	if _, err := client.Unsubscribe(t.Context(), &awssns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn}); err != nil {
		t.Fatal(err)
	}
	list, err := client.ListSubscriptionsByTopic(t.Context(), &awssns.ListSubscriptionsByTopicInput{TopicArn: &w.topic})
	if err != nil || len(list.Subscriptions) != 0 {
		t.Errorf("subscriptions = %v, %v; want none", list, err)
	}
}

func TestSubscriptionsAreListedInPages(t *testing.T) {
	w := newWorld(t, nil)
	const count = pageSize + 20
	for i := range count {
		_, err := w.Subscribe(region, SubscriptionConfig{
			TopicARN: w.topic, Protocol: "lambda", Endpoint: fmt.Sprintf("%s-%d", function, i),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	seen, pages := map[string]bool{}, 0
	p := awssns.NewListSubscriptionsPaginator(w.client(t, admin()), &awssns.ListSubscriptionsInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, s := range page.Subscriptions {
			seen[*s.Endpoint] = true
		}
	}
	if len(seen) != count || pages != 2 {
		t.Errorf("%d subscriptions in %d pages, want %d in 2", len(seen), pages, count)
	}
}

func TestAPIErrors(t *testing.T) {
	w := newWorld(t, nil)
	client := w.client(t, admin())
	nobody := w.client(t, iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: account, Role: &iam.Role{Name: "r"}})
	gone := w.topic + "-gone"
	for _, tt := range []struct {
		name, code string
		call       func() error
	}{
		{"no such topic", "NotFound", func() error {
			_, err := client.Publish(t.Context(), &awssns.PublishInput{TopicArn: &gone, Message: aws.String("x")})
			return err
		}},
		{"empty message", "InvalidParameter", func() error {
			_, err := client.Publish(t.Context(), &awssns.PublishInput{TopicArn: &w.topic, Message: aws.String("")})
			return err
		}},
		{"message attributes", "InvalidParameter", func() error {
			_, err := client.Publish(t.Context(), &awssns.PublishInput{TopicArn: &w.topic, Message: aws.String("x"),
				MessageAttributes: map[string]types.MessageAttributeValue{
					"a": {DataType: aws.String("String"), StringValue: aws.String("b")},
				}})
			return err
		}},
		{"no permission", "AuthorizationError", func() error {
			_, err := nobody.Publish(t.Context(), &awssns.PublishInput{TopicArn: &w.topic, Message: aws.String("x")})
			return err
		}},
		{"no such subscription", "NotFound", func() error {
			_, err := client.Unsubscribe(t.Context(), &awssns.UnsubscribeInput{SubscriptionArn: aws.String(w.topic + ":gone")})
			return err
		}},
		{"operation that is not modelled", "InvalidAction", func() error {
			_, err := client.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("new")})
			return err
		}},
	} {
		var api smithy.APIError
		if err := tt.call(); !errors.As(err, &api) || api.ErrorCode() != tt.code {
			t.Errorf("%s: %v, want code %s", tt.name, err, tt.code)
		}
	}
}

func TestMessageWithoutSubjectHasNull(t *testing.T) {
	raw, err := (notification{message: "x"}).lambdaEvent("arn")
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Records []struct {
			Sns map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	if got := string(event.Records[0].Sns["Subject"]); got != "null" {
		t.Errorf("Subject = %s, want null", got)
	}
}
