package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sigv4"
	"s3fanout/internal/sandbox/stats"
)

const (
	here       = "us-east-1"
	there      = "eu-west-1"
	hereBucket = "set-here"
	farBucket  = "set-there"
	account    = "123456789012"
	topic      = "arn:aws:sns:" + here + ":" + account + ":topic"
)

// world is an S3 of two Regions with a versioned bucket each, behind an
// endpoint as the sandbox has it.
type world struct {
	service  *Service
	store    *iam.Store
	counters *stats.Counters
	faults   *fault.Switches
	endpoint string
	config   Config

	mu       sync.Mutex
	received []Notification
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{
		store:    iam.NewStore("aws", account),
		counters: stats.New([]string{here, there}),
		faults:   fault.New([]string{here, there}, 1),
	}
	c := Config{
		Partition: "aws", AccountID: account, Dir: t.TempDir(), Regions: []string{here, there},
		Store: w.store, Counters: w.counters, Faults: w.faults,
		Notify:     w.notify,
		NotifyTest: w.notify,
	}
	for _, f := range change {
		f(&c)
	}
	w.config = c
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	w.endpoint = server.URL
	w.open(t)
	t.Cleanup(func() {
		server.Close()
		if err := w.service.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// open starts the S3, on whatever is in its directory.
func (w *world) open(t testing.TB) {
	t.Helper()
	s, err := Start(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.service = s
	for region, c := range map[string]BucketConfig{
		here: {Name: hereBucket, Versioned: true, Notifications: Notifications{Rules: []NotificationRule{
			{ID: "all", ARN: topic, Events: []string{"s3:ObjectCreated:*"}},
		}}},
		there: {Name: farBucket, Versioned: true},
	} {
		if err := s.CreateBucket(t.Context(), region, c); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) notify(_ context.Context, n Notification) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received = append(w.received, n)
	return nil
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	id, err := sigv4.Authenticate(r, w.store, time.Now())
	if err != nil {
		http.Error(rw, err.Message, err.Status)
		return
	}
	w.service.ServeAPI(rw, r, id.Region, id.Caller)
}

// client signs for a Region, as the administrator or with the credentials.
func (w *world) client(region string, c ...iam.Credentials) *sdk.Client {
	creds := w.store.Admin()
	if len(c) > 0 {
		creds = c[0]
	}
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &w.endpoint, UsePathStyle: true, RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // as a client that is configured ordinarily does
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials:                credentials.NewStaticCredentialsProvider(creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken),
	})
}

// role makes a role with the statements (JSON) and returns a session of it.
func (w *world) role(t *testing.T, name, statements string) (iam.Credentials, iam.Caller) {
	t.Helper()
	trust, err := iam.ParseDocument(
		[]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
			`"Principal":{"Service":"lambda.amazonaws.com"}}]}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	role, err := w.store.CreateRole(iam.RoleConfig{Name: name, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iam.ParseDocument([]byte(`{"Version":"2012-10-17","Statement":` + statements + `}`))
	if err != nil {
		t.Fatal(err)
	}
	role.PutPolicy("test", policy)
	creds, caller, err := w.store.AssumeRoleForService(role.ARN, "session", "lambda.amazonaws.com", "")
	if err != nil {
		t.Fatal(err)
	}
	return creds, caller
}

func (w *world) put(t testing.TB, region, bucket, key, body string, change ...func(*sdk.PutObjectInput)) *sdk.PutObjectOutput {
	t.Helper()
	in := &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}
	for _, c := range change {
		c(in)
	}
	out, err := w.client(region).PutObject(t.Context(), in)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return out
}

func (w *world) get(t *testing.T, region, bucket, key string) string {
	t.Helper()
	out, err := w.client(region).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// messages waits until nothing is under way and returns the events since the
// last call.
func (w *world) messages(t *testing.T) []Notification {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, pending := w.counters.Snapshot(); pending == 0 {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("notifications still under way")
		case <-tick.C:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.received
	w.received = nil
	return list
}

// wantCode checks an error's S3 code and HTTP status.
func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var api smithy.APIError
	var res interface{ HTTPStatusCode() int }
	switch {
	case err == nil:
		t.Errorf("got no error, want %d %s", status, code)
	case !errors.As(err, &api) || !errors.As(err, &res):
		t.Errorf("got %v, want %d %s", err, status, code)
	case api.ErrorCode() != code || res.HTTPStatusCode() != status:
		t.Errorf("got %d %s (%v), want %d %s", res.HTTPStatusCode(), api.ErrorCode(), err, status, code)
	}
}

func copySource(bucket, key, version string) *string {
	s := bucket + "/" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
	if version != "" {
		s += "?versionId=" + version
	}
	return &s
}
