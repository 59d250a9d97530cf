package sqs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/stats"
)

const (
	region  = "us-east-1"
	account = "123456789012"
)

// harness is a service behind HTTP, and a real SDK client of it.
type harness struct {
	*Service
	client   *awssqs.Client
	counters *stats.Counters
	caller   iam.Caller // who the endpoint takes every request to be from
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{counters: stats.New([]string{region, "eu-west-1"}), caller: iam.Caller{
		ARN: "arn:aws:iam::" + account + ":user/administrator", PrincipalID: "AIDATEST", AccountID: account,
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeAPI(w, r, region, h.caller)
	}))
	t.Cleanup(server.Close)
	h.Service = New(Config{Partition: "aws", AccountID: account, Endpoint: server.URL, Counters: h.counters})
	t.Cleanup(func() { _ = h.Close() })
	h.client = awssqs.New(awssqs.Options{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
		}),
	})
	return h
}

func (h *harness) queue(t *testing.T, c QueueConfig) (arn, url string) {
	t.Helper()
	if c.Name == "" {
		c.Name = "dead-letters"
	}
	arn, url, err := h.CreateQueue(region, c)
	if err != nil {
		t.Fatal(err)
	}
	return arn, url
}

func (h *harness) deadLetters() int64 {
	regions, _ := h.counters.Snapshot()
	return regions[region].DeadLetters
}

func TestSendReceiveDelete(t *testing.T) {
	h := newHarness(t)
	arn, url := h.queue(t, QueueConfig{})
	if want := "arn:aws:sqs:us-east-1:123456789012:dead-letters"; arn != want {
		t.Errorf("arn = %s, want %s", arn, want)
	}
	got, err := h.client.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("dead-letters")})
	if err != nil || *got.QueueUrl != url {
		t.Fatalf("GetQueueUrl = %v, %v; want %s", got, err, url)
	}
	sent, err := h.client.SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("ünïcode & <tags>"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"ErrorCode":    {DataType: aws.String("Number"), StringValue: aws.String("200")},
			"ErrorMessage": {DataType: aws.String("String"), StringValue: aws.String("no")},
			"Raw":          {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 2}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.Depth(arn) != 1 || h.deadLetters() != 1 {
		t.Errorf("depth = %d, counter = %d; want 1, 1", h.Depth(arn), h.deadLetters())
	}
	// The SDK checks MD5OfBody itself.
	received, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"Error.*", "Raw", "ErrorMessage", "ErrorCode"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(received.Messages) != 1 {
		t.Fatalf("receive = %v, %v; want one message", received, err)
	}
	m := received.Messages[0]
	if *m.Body != "ünïcode & <tags>" || *m.MessageId != *sent.MessageId {
		t.Errorf("message = %q %s", *m.Body, *m.MessageId)
	}
	if *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Errorf("MD5OfMessageAttributes = %s, want %s", *m.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes)
	}
	if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SenderId"] != "AIDATEST" || m.Attributes["SentTimestamp"] == "" {
		t.Errorf("system attributes = %v", m.Attributes)
	}
	if h.deadLetters() != 1 {
		t.Errorf("a message in flight counts: counter = %d, want 1", h.deadLetters())
	}
	if _, err := h.client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{
		QueueUrl: &url, ReceiptHandle: m.ReceiptHandle,
	}); err != nil {
		t.Fatal(err)
	}
	if h.Depth(arn) != 0 || h.deadLetters() != 0 {
		t.Errorf("after delete: depth = %d, counter = %d; want 0, 0", h.Depth(arn), h.deadLetters())
	}
}

// The digests are those of AWS's documentation and of real answers.
func TestAttributesMD5(t *testing.T) {
	for _, tt := range []struct {
		name       string
		attributes map[string]Attribute
		want       string
	}{
		{"none", nil, ""},
		{"one string", map[string]Attribute{"baz": StringAttribute("qux")}, "16bd0283a5b4962721ccd3efe4bc6257"},
		{"binary", map[string]Attribute{"testname": {DataType: "Binary", BinaryValue: []byte("123")}}, "4969dd151b0a6c8b619ebb802f76e035"},
	} {
		if got := attributesMD5(tt.attributes); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	h := newHarness(t)
	_, url := h.queue(t, QueueConfig{})
	gone := url + "-gone"
	for _, tt := range []struct {
		name, code string
		call       func() error
	}{
		{"unknown queue name", "AWS.SimpleQueueService.NonExistentQueue", func() error {
			_, err := h.client.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("gone")})
			var typed *types.QueueDoesNotExist
			if !errors.As(err, &typed) {
				return fmt.Errorf("%w is not QueueDoesNotExist", err)
			}
			return err
		}},
		{"unknown queue URL", "AWS.SimpleQueueService.NonExistentQueue", func() error {
			_, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &gone})
			return err
		}},
		{"receipt handle of nobody", "ReceiptHandleIsInvalid", func() error {
			_, err := h.client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: aws.String("nonsense")})
			return err
		}},
		{"too many messages", "InvalidParameterValue", func() error {
			_, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
			return err
		}},
		{"parameter that is not modelled", "InvalidParameterValue", func() error {
			_, err := h.client.SendMessage(t.Context(), &awssqs.SendMessageInput{
				QueueUrl: &url, MessageBody: aws.String("x"), MessageGroupId: aws.String("g"),
			})
			return err
		}},
		{"attribute that is not modelled", "InvalidAttributeName", func() error {
			_, err := h.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
				QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"FifoQueue"},
			})
			return err
		}},
		{"operation that is not modelled", "AWS.SimpleQueueService.UnsupportedOperation", func() error {
			_, err := h.client.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: &url})
			return err
		}},
		{"empty batch", "AWS.SimpleQueueService.EmptyBatchRequest", func() error {
			_, err := h.client.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{
				QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{},
			})
			return err
		}},
		{"batch of nine messages and one too many bytes", "AWS.SimpleQueueService.BatchRequestTooLong", func() error {
			in := &awssqs.SendMessageBatchInput{QueueUrl: &url}
			for i := range 9 {
				in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
					Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(strings.Repeat("x", 120_000)),
				})
			}
			_, err := h.client.SendMessageBatch(t.Context(), in)
			return err
		}},
		{"purge twice", "AWS.SimpleQueueService.PurgeQueueInProgress", func() error {
			if _, err := h.client.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
				return err
			}
			_, err := h.client.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var api smithy.APIError
			err := tt.call()
			if !errors.As(err, &api) || api.ErrorCode() != tt.code {
				t.Errorf("error = %v, want code %s", err, tt.code)
			}
		})
	}
}

func TestPolicyDecidesWhoSends(t *testing.T) {
	h := newHarness(t)
	arn, url := h.queue(t, QueueConfig{})
	service := iam.Caller{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:123456789012:topic", SourceAccount: account}
	_, err := h.Send(t.Context(), service, arn, "body", nil)
	var denied *iam.DeniedError
	if !errors.As(err, &denied) {
		t.Errorf("without a policy: %v, want a denial", err)
	}
	doc, err := iam.ParseDocument([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
		"Action":"sqs:SendMessage","Resource":"` + arn + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + service.SourceARN + `"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetPolicy(region, url, doc); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Send(t.Context(), service, arn, "body", nil); err != nil {
		t.Errorf("with the policy: %v", err)
	}
	service.SourceARN += "-other"
	if _, err := h.Send(t.Context(), service, arn, "body", nil); !errors.As(err, &denied) {
		t.Errorf("another topic: %v, want a denial", err)
	}
}

func TestDeniedOverTheWire(t *testing.T) {
	h := newHarness(t)
	_, url := h.queue(t, QueueConfig{})
	h.caller = iam.Caller{
		ARN: "arn:aws:sts::123456789012:assumed-role/r/s", PrincipalID: "AROA:s", AccountID: account, Role: &iam.Role{Name: "r"},
	}
	_, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" && api.ErrorCode() != "AccessDeniedException" {
		t.Errorf("error = %v, want AccessDenied", err)
	}
}

func TestBatchesReportEachEntry(t *testing.T) {
	h := newHarness(t)
	arn, url := h.queue(t, QueueConfig{})
	for range 2 {
		if _, err := h.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 2 {
		t.Fatalf("received %v, %v; want two messages", got, err)
	}
	changed, err := h.client.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url,
		Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got.Messages[0].ReceiptHandle, VisibilityTimeout: 60},
			{Id: aws.String("b"), ReceiptHandle: aws.String("nonsense"), VisibilityTimeout: 60},
		}})
	if err != nil || len(changed.Successful) != 1 || len(changed.Failed) != 1 || *changed.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("change = %+v, %v; want a done and b failed", changed, err)
	}
	deleted, err := h.client.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: &url,
		Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got.Messages[0].ReceiptHandle},
			{Id: aws.String("b"), ReceiptHandle: got.Messages[1].ReceiptHandle},
		}})
	if err != nil || len(deleted.Successful) != 2 {
		t.Errorf("delete = %+v, %v; want both done", deleted, err)
	}
	if h.Depth(arn) != 0 {
		t.Errorf("depth = %d, want 0", h.Depth(arn))
	}
}

func TestSendMessageBatch(t *testing.T) {
	h := newHarness(t)
	_, url := h.queue(t, QueueConfig{})
	sent, err := h.client.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("plain"), MessageBody: aws.String("one")},
			{Id: aws.String("attributed"), MessageBody: aws.String("two"), MessageAttributes: map[string]types.MessageAttributeValue{
				"n": {DataType: aws.String("Number"), StringValue: aws.String("7")}}},
			{Id: aws.String("zero"), MessageBody: aws.String("\x00")},
			{Id: aws.String("late"), MessageBody: aws.String("three"), DelaySeconds: 900},
			{Id: aws.String("too-late"), MessageBody: aws.String("four"), DelaySeconds: 901},
		}})
	if err != nil {
		t.Fatal(err) // the client checks the digests
	}
	var done, failed []string
	for _, e := range sent.Successful {
		done = append(done, *e.Id)
	}
	for _, e := range sent.Failed {
		failed = append(failed, *e.Id+" "+*e.Code)
	}
	if want := []string{"plain", "attributed", "late"}; !slices.Equal(done, want) {
		t.Errorf("sent %v, want %v", done, want)
	}
	if want := []string{"zero InvalidMessageContents", "too-late InvalidParameterValue"}; !slices.Equal(failed, want) {
		t.Errorf("failed %v, want %v", failed, want)
	}
	got, err := h.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, m := range got.Messages {
		ids[*m.MessageId] = *m.Body
		if *m.Body == "two" && aws.ToString(m.MessageAttributes["n"].StringValue) != "7" {
			t.Errorf("two has the attributes %v", m.MessageAttributes)
		}
	}
	want := map[string]string{*sent.Successful[0].MessageId: "one", *sent.Successful[1].MessageId: "two"}
	if !maps.Equal(ids, want) {
		t.Errorf("received %v, want %v", ids, want)
	}
}

func TestListQueuesAndAttributes(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{"a", "b", "c"} {
		h.queue(t, QueueConfig{Name: name})
	}
	if _, _, err := h.CreateQueue("eu-west-1", QueueConfig{Name: "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	var urls []string
	pages := awssqs.NewListQueuesPaginator(h.client, &awssqs.ListQueuesInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		urls = append(urls, page.QueueUrls...)
	}
	if len(urls) != 3 {
		t.Fatalf("queues = %v, want a, b and c", urls)
	}
	got, err := h.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &urls[0], AttributeNames: []types.QueueAttributeName{"All"},
	})
	if err != nil || got.Attributes["QueueArn"] != "arn:aws:sqs:us-east-1:123456789012:a" ||
		got.Attributes["MessageRetentionPeriod"] != "345600" {
		t.Errorf("attributes = %v, %v", got, err)
	}
}

func TestQueueAttributes(t *testing.T) {
	h := newHarness(t)
	attributes := func(url string, names ...types.QueueAttributeName) map[string]string {
		t.Helper()
		got, err := h.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
		if err != nil {
			t.Fatal(err)
		}
		return got.Attributes
	}
	_, url := h.queue(t, QueueConfig{MessageRetention: 14 * 24 * time.Hour})
	if got := attributes(url, "Policy"); len(got) != 0 {
		t.Errorf("a queue without a policy shows %v", got)
	}
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`
	policy, err := iam.ParseAs(iam.ResourcePolicy, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetPolicy(region, url, policy); err != nil {
		t.Fatal(err)
	}
	all := attributes(url, "All")
	for name, want := range map[string]string{
		"Policy": text, "MessageRetentionPeriod": "1209600", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
		"ApproximateNumberOfMessages": "0",
	} {
		if all[name] != want {
			t.Errorf("%s = %q, want %q", name, all[name], want)
		}
	}
	_, open := h.queue(t, QueueConfig{Name: "open", Unencrypted: true})
	if got := attributes(open, "SqsManagedSseEnabled", "Policy"); !maps.Equal(got, map[string]string{"SqsManagedSseEnabled": "false"}) {
		t.Errorf("attributes = %v, want SqsManagedSseEnabled false", got)
	}
}

func TestCreateQueueRefuses(t *testing.T) {
	h := newHarness(t)
	h.queue(t, QueueConfig{Name: "taken"})
	for _, c := range []QueueConfig{
		{Name: "taken"}, {Name: "no spaces"}, {Name: "short", MessageRetention: 1}, {Name: "small", MaxMessageSize: 1},
		{Name: "queue.fifo"},
	} {
		if _, _, err := h.CreateQueue(region, c); err == nil {
			t.Errorf("CreateQueue(%+v) succeeded", c)
		}
	}
}
