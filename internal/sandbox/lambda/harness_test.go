package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"go.uber.org/goleak"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
)

// testFunction is the variable that turns the test binary into a function,
// with AWS's real runtime client.
const testFunction = "TEST_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(testFunction) {
	case "":
		goleak.VerifyTestMain(m) // no test leaves a goroutine behind
	case "exit at once":
		os.Exit(3)
	case "host":
		host()
	default:
		runtime.Start(handle)
	}
}

// order is an event of the test function.
type order struct {
	Do   string `json:"do"`
	URL  string `json:"url,omitempty"`
	Text string `json:"text,omitempty"` // written to stdout as it is
	File string `json:"file,omitempty"` // made before it hangs
}

type report struct {
	PID         int      `json:"pid"`
	Environment []string `json:"environment"`
}

func handle(ctx context.Context, o order) (report, error) {
	fmt.Println("doing", o.Do)
	if _, err := io.WriteString(os.Stdout, o.Text); err != nil {
		return report{}, err
	}
	switch o.Do {
	case "report":
	case "fail":
		return report{}, errors.New("cannot do it")
	case "panic":
		panic("lost my head")
	case "exit":
		os.Exit(7)
	case "hang":
		if o.File != "" {
			if err := os.WriteFile(o.File, nil, 0o600); err != nil {
				return report{}, err
			}
		}
		select {}
	case "call":
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL, nil)
		if err != nil {
			return report{}, err
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return report{}, err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return report{}, fmt.Errorf("told to fail with %d", resp.StatusCode)
		}
	case "again":
		// As a function does that invokes itself: with the SDK, which sends
		// the trace header along.
		client := awslambda.New(awslambda.Options{
			Region: region, BaseEndpoint: &o.URL,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")},
					nil
			}),
		})
		_, err := client.Invoke(ctx, &awslambda.InvokeInput{
			FunctionName: aws.String(os.Getenv("AWS_LAMBDA_FUNCTION_NAME")), InvocationType: types.InvocationTypeEvent, Payload: payload(o),
		})
		return report{}, err
	default:
		return report{}, fmt.Errorf("unknown order %q", o.Do)
	}
	return report{PID: os.Getpid(), Environment: os.Environ()}, nil
}

const (
	region  = "us-east-1"
	account = "123456789012"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}]}`
)

// world is a service with a role and a queue.
type world struct {
	*Service
	store    *iam.Store
	role     *iam.Role
	queues   *sqs.Service
	counters *stats.Counters
	faults   *fault.Switches
	queue    string
	queueURL string
	logDir   string
	program  string // this test's own, which plays the function
}

func newWorld(t *testing.T) *world {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		program: program,
		store:   iam.NewStore("aws", account), counters: stats.New([]string{region}),
		faults: fault.New([]string{region}, 1), logDir: t.TempDir(),
	}
	w.queues = sqs.New(sqs.Config{Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566", Counters: w.counters})
	t.Cleanup(func() { _ = w.queues.Close() })
	w.Service = New(Config{
		Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566", LogDir: w.logDir,
		Store: w.store, Queues: w.queues, Counters: w.counters, Faults: w.faults,
		RetryWait: time.Millisecond, MaxConcurrency: 2, Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if w.queue, w.queueURL, err = w.queues.CreateQueue(region, sqs.QueueConfig{Name: "dead"}); err != nil {
		t.Fatal(err)
	}
	if w.role, err = w.store.CreateRole(iam.RoleConfig{Name: "role", Trust: document(t, trust)}); err != nil {
		t.Fatal(err)
	}
	return w
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func document(t *testing.T, raw string) *iam.Document {
	t.Helper()
	d, err := iam.ParseDocument([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// allow lets the role do something.
func (w *world) allow(t *testing.T, action, resource string) {
	t.Helper()
	w.role.PutPolicy(action,
		document(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+action+`","Resource":"`+resource+`"}]}`))
}

// function makes a function whose failed events go to the queue.
func (w *world) function(t *testing.T, change func(*FunctionConfig)) string {
	t.Helper()
	c := w.functionConfig()
	if change != nil {
		change(&c)
	}
	arn, err := w.CreateFunction(region, c)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func (w *world) functionConfig() FunctionConfig {
	return FunctionConfig{
		Name: "replicator", Program: w.program, RoleARN: w.role.ARN, Runtime: "provided.al2023", Handler: "bootstrap",
		Architectures: []string{"arm64"},
		Timeout:       30 * time.Second, MemoryMB: 256, Environment: map[string]string{testFunction: "yes"},
	}
}

// functionWithDestination makes a function whose failed events go to the queue.
func (w *world) functionWithDestination(t *testing.T, change func(*FunctionConfig)) string {
	t.Helper()
	w.allow(t, "sqs:SendMessage", w.queue)
	arn := w.function(t, change)
	if err := w.SetEventInvokeConfig(arn, EventInvokeConfig{OnFailure: w.queue}); err != nil {
		t.Fatal(err)
	}
	return arn
}

func (w *world) admin() iam.Caller {
	_, c, _ := w.store.Lookup(w.store.Admin().AccessKeyID)
	return c
}

func (w *world) invoke(t *testing.T, arn string, o order) Result {
	t.Helper()
	r, err := w.Invoke(t.Context(), w.admin(), arn, payload(o))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) invokeAsync(t *testing.T, arn string, o order) {
	t.Helper()
	if err := w.InvokeAsync(t.Context(), w.admin(), arn, payload(o)); err != nil {
		t.Fatal(err)
	}
}

func payload(o order) []byte {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // a struct of strings
	}
	return b
}

// settle waits until nothing is under way.
func (w *world) settle(t *testing.T) {
	t.Helper()
	until(t, "everything to settle", func() bool {
		_, pending := w.counters.Snapshot()
		return pending == 0
	})
}

// until polls a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

func (w *world) counted() stats.Lambda {
	regions, _ := w.counters.Snapshot()
	return regions[region].Lambda
}

// letter is a message of the queue.
type letter struct {
	Body              string
	Attributes        map[string]string
	MessageAttributes map[string]sqs.Attribute
}

func (w *world) letters(t *testing.T) []letter {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/",
		strings.NewReader(
			`{"QueueUrl":"`+w.queueURL+`","MaxNumberOfMessages":10,"MessageAttributeNames":["All"],"AttributeNames":["All"]}`,
		))
	r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	rec := httptest.NewRecorder()
	w.queues.ServeAPI(rec, r, region, w.admin())
	var got struct{ Messages []letter }
	if err := json.NewDecoder(rec.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

// gate is a server at which the function waits until it is opened.
type gate struct {
	url     string
	arrived chan struct{}
	open    chan int // gets a status for each that may pass
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{arrived: make(chan struct{}, 100), open: make(chan int)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		g.arrived <- struct{}{}
		select {
		case status := <-g.open:
			w.WriteHeader(status)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("the function did not arrive within 30 s")
	}
}
