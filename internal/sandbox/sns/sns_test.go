package sns

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
)

const (
	region   = "us-east-1"
	account  = "123456789012"
	function = "arn:aws:lambda:eu-west-1:123456789012:function:replicator"
)

// functions takes deliveries in place of Lambda.
type functions struct {
	mu     sync.Mutex
	err    error
	calls  []iam.Caller
	events []events.SNSEvent
	raw    []string
}

func (f *functions) InvokeAsync(_ context.Context, caller iam.Caller, _ string, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	var e events.SNSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	f.calls, f.events, f.raw = append(f.calls, caller), append(f.events, e), append(f.raw, string(payload))
	return nil
}

func (f *functions) messages() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, e := range f.events {
		list = append(list, e.Records[0].SNS.Message)
	}
	return list
}

type codedError string

func (e codedError) Error() string     { return "Function not found" }
func (e codedError) ErrorCode() string { return string(e) }

// world is a topic with a service around it.
type world struct {
	*Service
	functions *functions
	queues    *sqs.Service
	counters  *stats.Counters
	faults    *fault.Switches
	topic     string
	queue     string
	queueURL  string
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{functions: &functions{}, counters: stats.New([]string{region}), faults: fault.New([]string{region}, 1)}
	w.queues = sqs.New(sqs.Config{Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566", Counters: w.counters})
	t.Cleanup(func() { _ = w.queues.Close() })
	c := Config{
		Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566",
		Functions: w.functions, Queues: w.queues, Counters: w.counters, Faults: w.faults,
	}
	if change != nil {
		change(&c)
	}
	w.Service = New(c)
	t.Cleanup(func() { _ = w.Close() })
	var err error
	if w.topic, err = w.CreateTopic(region, TopicConfig{Name: "uploads"}); err != nil {
		t.Fatal(err)
	}
	if w.queue, w.queueURL, err = w.queues.CreateQueue(region, sqs.QueueConfig{Name: "dead"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func admin() iam.Caller {
	return iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", PrincipalID: "AIDATEST", AccountID: account}
}

func (w *world) subscribe(t *testing.T, c SubscriptionConfig) string {
	t.Helper()
	c.TopicARN, c.Protocol, c.Endpoint = w.topic, "lambda", function
	arn, err := w.Subscribe(region, c)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func (w *world) publish(t *testing.T, message string) {
	t.Helper()
	if _, err := w.Publish(t.Context(), admin(), w.topic, "Amazon S3 Notification", message); err != nil {
		t.Fatal(err)
	}
}

// allowQueue lets the topic send to the dead-letter queue.
func (w *world) allowQueue(t *testing.T) {
	t.Helper()
	doc, err := iam.ParseDocument([]byte(`{"Version":"2012-10-17","Statement":[{
		"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + w.queue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + w.topic + `"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.queues.SetPolicy(region, w.queueURL, doc); err != nil {
		t.Fatal(err)
	}
}

// settle waits for every delivery. It is for synctest's bubble: time moves on
// while all wait.
func (w *world) settle() { w.work.Wait() }

func (w *world) counted() stats.SNS {
	regions, _ := w.counters.Snapshot()
	return regions[region].SNS
}

// deadLetters receives all messages of the queue.
func (w *world) deadLetters(t *testing.T) []deadLetter {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/",
		strings.NewReader(`{"QueueUrl":"`+w.queueURL+`","MaxNumberOfMessages":10,"MessageAttributeNames":["All"]}`))
	r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	rec := httptest.NewRecorder()
	w.queues.ServeAPI(rec, r, region, admin())
	var got struct{ Messages []deadLetter }
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

type deadLetter struct {
	Body              string
	MessageAttributes map[string]sqs.Attribute
}

func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		arn := w.subscribe(t, SubscriptionConfig{})
		w.publish(t, `{"Records":[{"key":"a&b"}]}`)
		w.settle()
		if len(w.functions.events) != 1 {
			t.Fatalf("%d deliveries, want 1", len(w.functions.events))
		}
		r := w.functions.events[0].Records[0]
		if r.EventSource != "aws:sns" || r.EventVersion != "1.0" || r.EventSubscriptionArn != arn || r.SNS.TopicArn != w.topic ||
			r.SNS.Type != "Notification" || r.SNS.Subject != "Amazon S3 Notification" || r.SNS.Message != `{"Records":[{"key":"a&b"}]}` ||
			r.SNS.MessageID == "" || r.SNS.Signature == "" || r.SNS.SigningCertURL == "" ||
			!strings.Contains(r.SNS.UnsubscribeURL, "Unsubscribe") {
			t.Errorf("record = %+v", r)
		}
		want := iam.Caller{Service: "sns.amazonaws.com", SourceARN: w.topic, SourceAccount: account}
		if w.functions.calls[0] != want {
			t.Errorf("caller = %+v, want %+v", w.functions.calls[0], want)
		}
		if got := w.counted(); got != (stats.SNS{Published: 1, Delivered: 1}) {
			t.Errorf("counters = %+v", got)
		}
		if _, pending := w.counters.Snapshot(); pending != 0 {
			t.Errorf("pending = %d, want 0", pending)
		}
	})
}

func TestDeliversAsThePrincipalOfTheTwoRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) {
			c.Principal = func(topicRegion, functionRegion string) string { return "sns." + topicRegion + "." + functionRegion }
		})
		w.subscribe(t, SubscriptionConfig{})
		w.publish(t, "x")
		w.settle()
		if got := w.functions.calls[0].Service; got != "sns.us-east-1.eu-west-1" {
			t.Errorf("principal = %s, want sns.us-east-1.eu-west-1", got)
		}
	})
}

func TestFilterPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.subscribe(t, SubscriptionConfig{
			FilterPolicy:      json.RawMessage(`{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:AROAME:"}}]}}}`),
			FilterPolicyScope: "MessageBody",
		})
		echo, upload := `{"Records":[{"userIdentity":{"principalId":"AWS:AROAME:replicator"}}]}`,
			`{"Records":[{"userIdentity":{"principalId":"AWS:AIDA"}}]}`
		w.publish(t, echo)
		w.publish(t, upload)
		w.publish(t, `{"Service":"Amazon S3","Event":"s3:TestEvent"}`)
		w.settle()
		if got := w.functions.messages(); !slices.Equal(got, []string{upload}) {
			t.Errorf("delivered %q, want the upload alone", got)
		}
		if got := w.counted(); got != (stats.SNS{Published: 3, Delivered: 1, Filtered: 2}) {
			t.Errorf("counters = %+v", got)
		}
	})
}

func TestUndeliverableGoesToTheDeadLetterQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.allowQueue(t)
		arn := w.subscribe(t, SubscriptionConfig{RedrivePolicy: json.RawMessage(`{"deadLetterTargetArn":"` + w.queue + `"}`)})
		w.functions.err = codedError("ResourceNotFoundException")
		w.publish(t, "payload <&>")
		w.settle()
		if got := w.counted(); got != (stats.SNS{Published: 1, Undeliverable: 1}) {
			t.Errorf("counters = %+v", got)
		}
		letters := w.deadLetters(t)
		if len(letters) != 1 {
			t.Fatalf("%d dead letters, want 1", len(letters))
		}
		var body map[string]string
		if err := json.Unmarshal([]byte(letters[0].Body), &body); err != nil {
			t.Fatal(err)
		}
		if body["Type"] != "Notification" || body["Message"] != "payload <&>" || body["TopicArn"] != w.topic ||
			body["Subject"] != "Amazon S3 Notification" ||
			!strings.HasSuffix(body["UnsubscribeURL"], strings.ReplaceAll(arn, ":", "%3A")) || body["SigningCertURL"] == "" {
			t.Errorf("body = %v", body)
		}
		a := letters[0].MessageAttributes
		if a["ErrorCode"].StringValue != "ResourceNotFoundException" || a["ErrorMessage"].StringValue != "Function not found" ||
			a["RequestID"].StringValue == "" {
			t.Errorf("attributes = %v", a)
		}
	})
}

func TestDeadLetterQueueThatForbidsItLosesTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.subscribe(t, SubscriptionConfig{RedrivePolicy: json.RawMessage(`{"deadLetterTargetArn":"` + w.queue + `"}`)})
		w.functions.err = codedError("AccessDeniedException")
		w.publish(t, "x")
		w.settle()
		if got := w.counted(); got != (stats.SNS{Published: 1, Undeliverable: 1, Lost: 1}) || w.queues.Depth(w.queue) != 0 {
			t.Errorf("counters = %+v, depth = %d; want 1 undeliverable and nothing in the queue", got, w.queues.Depth(w.queue))
		}
	})
}

func TestPublishNeedsPermission(t *testing.T) {
	w := newWorld(t, nil)
	bucket := iam.Caller{Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::bucket", SourceAccount: account}
	var denied *iam.DeniedError
	if _, err := w.Publish(t.Context(), bucket, w.topic, "", "x"); !errors.As(err, &denied) {
		t.Errorf("without a policy: %v, want a denial", err)
	}
	doc, err := iam.ParseDocument([]byte(`{"Version":"2012-10-17","Statement":[{
		"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"` + w.topic + `",
		"Condition":{"StringEquals":{"aws:SourceAccount":"` + account + `"},"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetTopicPolicy(w.topic, doc); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Publish(t.Context(), bucket, w.topic, "", "x"); err != nil {
		t.Errorf("with the policy: %v", err)
	}
	bucket.SourceARN += "-other"
	if _, err := w.Publish(t.Context(), bucket, w.topic, "", "x"); !errors.As(err, &denied) {
		t.Errorf("another bucket: %v, want a denial", err)
	}
	if got := w.counted().Published; got != 1 {
		t.Errorf("published = %d, want 1", got)
	}
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.subscribe(t, SubscriptionConfig{})
		if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.DuplicateDelivery, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.Delay, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		w.publish(t, "x")
		if _, pending := w.counters.Snapshot(); pending != 2 {
			t.Errorf("pending = %d while both deliveries wait, want 2", pending)
		}
		w.settle()
		if got := w.functions.messages(); len(got) != 2 {
			t.Errorf("%d deliveries, want 2", len(got))
		}
		if d := time.Since(began); d < minDelay || d > maxDelay {
			t.Errorf("the last delivery came after %v, want %v to %v", d, minDelay, maxDelay)
		}
	})
}

func TestCloseGivesUpDelayedDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.subscribe(t, SubscriptionConfig{})
		if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.Delay, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		w.publish(t, "x")
		_ = w.Close()
		if _, pending := w.counters.Snapshot(); pending != 0 || len(w.functions.messages()) != 0 {
			t.Errorf("pending = %d, delivered %d; want 0, 0", pending, len(w.functions.messages()))
		}
		if _, err := w.Publish(t.Context(), admin(), w.topic, "", "x"); err == nil {
			t.Error("Publish after Close succeeded")
		}
	})
}

func TestSubscribeRefuses(t *testing.T) {
	w := newWorld(t, nil)
	elsewhere, _, err := w.queues.CreateQueue("eu-west-1", sqs.QueueConfig{Name: "dead"})
	if err != nil {
		t.Fatal(err)
	}
	good := SubscriptionConfig{TopicARN: w.topic, Protocol: "lambda", Endpoint: function}
	redrive := func(queue string) json.RawMessage { return json.RawMessage(`{"deadLetterTargetArn":"` + queue + `"}`) }
	for _, tt := range []struct {
		name, region, want string
		change             func(*SubscriptionConfig)
	}{
		{"another Region", "eu-west-1", "us-east-1", func(*SubscriptionConfig) {}},
		{"another protocol", region, `"https"`, func(c *SubscriptionConfig) { c.Protocol = "https" }},
		{"no such topic", region, "NotFound", func(c *SubscriptionConfig) { c.TopicARN += "-gone" }},
		{"endpoint is no function", region, "Endpoint",
			func(c *SubscriptionConfig) { c.Endpoint = "arn:aws:sqs:eu-west-1:123456789012:queue" }},
		{"raw delivery", region, "raw", func(c *SubscriptionConfig) { c.RawMessageDelivery = true }},
		{"queue of another Region", region, "Region", func(c *SubscriptionConfig) { c.RedrivePolicy = redrive(elsewhere) }},
		{"queue that is not there", region, "does not exist", func(c *SubscriptionConfig) { c.RedrivePolicy = redrive(w.queue + "-gone") }},
		{"unknown redrive attribute", region, "maxReceiveCount is unknown",
			func(c *SubscriptionConfig) { c.RedrivePolicy = json.RawMessage(`{"maxReceiveCount":3}`) }},
		{"bad filter policy", region, "FilterPolicy",
			func(c *SubscriptionConfig) { c.FilterPolicy = json.RawMessage(`{"a":[{"no-such-operator":1}]}`) }},
		{"bad filter scope", region, "FilterPolicyScope", func(c *SubscriptionConfig) { c.FilterPolicyScope = "Everything" }},
	} {
		c := good
		tt.change(&c)
		if _, err := w.Subscribe(tt.region, c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := w.Subscribe(region, good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}
