package follow

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	sandbox "s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/sigv4"
	"s3fanout/internal/sandbox/stats"
)

const (
	here  = "us-east-1" // where things change
	there = "eu-west-1" // where they are followed
	third = "ap-south-1"

	account = "123456789012"
)

func bucketIn(region string) string { return "set-" + region }

// world is an S3 of three Regions with a versioned bucket each, and the Follower's
// client to it, whose requests are recorded.
type world struct {
	*testing.T
	store    *iam.Store
	endpoint string
	follower *Follower
	own      *s3.Client // the Follower's

	mu   sync.Mutex
	seen []string
	// now is S3's time. ahead is by how much the Dates of a Region's answers are ahead
	// of its objects'.
	now   time.Time
	ahead map[string]time.Duration
	slept time.Duration // by the Follower
	spent time.Duration // by its requests, for its own clock
	// before is called before a request is sent, and may answer it.
	before func(op string, r *http.Request) *http.Response
}

func newWorld(t *testing.T, options ...Option) *world {
	t.Helper()
	t.Parallel()
	regions := []string{here, there, third}
	w := &world{T: t, store: iam.NewStore("aws", account), ahead: map[string]time.Duration{}, now: time.Now().Truncate(time.Second)}
	service, err := sandbox.Start(t.Context(), sandbox.Config{
		Partition: "aws", AccountID: account, Dir: t.TempDir(), Regions: regions,
		Store: w.store, Counters: stats.New(regions), Faults: fault.New(regions, 1),
		Notify:     func(context.Context, sandbox.Notification) error { return nil },
		NotifyTest: func(context.Context, sandbox.Notification) error { return nil },
		Now:        w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		id, refused := sigv4.Authenticate(r, w.store, time.Now())
		if refused != nil {
			http.Error(rw, refused.Message, refused.Status)
			return
		}
		service.ServeAPI(rw, r, id.Region, id.Caller)
	}))
	w.endpoint = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, region := range regions {
		if err := service.CreateBucket(t.Context(), region, sandbox.BucketConfig{Name: bucketIn(region), Versioned: true}); err != nil {
			t.Fatal(err)
		}
	}
	target := copier.Target{Region: there, Bucket: bucketIn(there)}
	session, role := w.assume()
	client := w.client(here, w, session)
	w.own = client
	copies := copier.New(client, target, copier.WithMultipart(10<<20, 4), copier.WithRole(role))
	w.follower = New(client, copies, target, append([]Option{
		WithOrigins(func(region string) (string, bool) { return bucketIn(region), slices.Contains(regions, region) }),
	}, options...)...)
	// Nothing has to be waited for, but where a test wants it.
	w.ahead[there] = 10 * time.Second
	// Waiting takes S3's time alone.
	w.follower.sleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now, w.slept = w.now.Add(d), w.slept+d
		return ctx.Err()
	}
	began := time.Now()
	w.follower.now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return began.Add(w.spent)
	}
	w.follower.versioned = began
	return w
}

// assume makes the function's role, which may do everything here, and returns a
// session of it.
func (w *world) assume() (iam.Credentials, string) {
	w.Helper()
	document := func(text string) *iam.Document {
		d, err := iam.ParseDocument([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + text + `}]}`))
		if err != nil {
			w.Fatal(err)
		}
		return d
	}
	role, err := w.store.CreateRole(iam.RoleConfig{
		Name: "replicator", Trust: document(`"Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}`),
	})
	if err != nil {
		w.Fatal(err)
	}
	role.PutPolicy("all", document(`"Action":"s3:*","Resource":"*"`))
	session, _, err := w.store.AssumeRoleForService(role.ARN, "replicator", "lambda.amazonaws.com", "")
	if err != nil {
		w.Fatal(err)
	}
	return session, role.ARN
}

// client signs for a Region; requests are carried by http.
func (w *world) client(region string, carrier aws.HTTPClient, creds iam.Credentials) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: &w.endpoint, UsePathStyle: true, HTTPClient: carrier,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials:                credentials.NewStaticCredentialsProvider(creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken),
	})
}

// Do carries a request of the Follower's.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	op := operationOf(r) + " " + region
	w.mu.Lock()
	w.seen = append(w.seen, op)
	before, ahead := w.before, w.ahead[region]
	w.mu.Unlock()
	if before != nil {
		if answer := before(op, r); answer != nil {
			return answer, nil
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Header.Set("Date", w.clock().Add(ahead).UTC().Format(http.TimeFormat))
	return answer, nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// later is another second: what is written then is later.
func (w *world) later() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Second)
}

func operationOf(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("versioning"):
		return "VERSIONING"
	case q.Has("versions"):
		return "LIST"
	case q.Has("tagging") && r.Method == http.MethodPut:
		return "PUTTAGS"
	case q.Has("tagging"):
		return "TAGS"
	case q.Has("uploads"):
		return "CREATE"
	case q.Has("uploadId") && r.Method == http.MethodPost:
		return "COMPLETE"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		return "ABORT"
	case q.Has("uploadId") && r.Method == http.MethodGet:
		return "PARTS"
	case q.Has("uploadId"):
		return "PART"
	case r.Header.Get("X-Amz-Copy-Source") != "":
		return "COPY"
	}
	return r.Method
}

// interfere calls f once, before the first request of the kind.
func (w *world) interfere(op string, f func()) {
	var once sync.Once
	w.before = func(got string, _ *http.Request) *http.Response {
		if got == op {
			once.Do(f)
		}
		return nil
	}
}

// refuse answers the first n requests of the kind with an error of S3's.
func (w *world) refuse(op string, n, status int, code string) {
	w.before = func(got string, r *http.Request) *http.Response {
		if got != op || n == 0 {
			return nil
		}
		n--
		return answer(r, status, fmt.Sprintf(`<Error><Code>%s</Code><Message>as the test wants it</Message></Error>`, code))
	}
}

// answer is one of S3's.
func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// requests are those of the Follower since the last call.
func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// want checks the requests since the last call. Names of Regions are left out where
// the words are "target" and "source".
func (w *world) want(requests ...string) {
	w.Helper()
	for i := range requests {
		requests[i] = strings.NewReplacer("target", there, "source", here).Replace(requests[i])
	}
	if got := w.requests(); !slices.Equal(got, requests) {
		w.Errorf("requests %v\nwant %v", got, requests)
	}
}

func (w *world) user(region string) *s3.Client {
	return w.client(region, http.DefaultClient, w.store.Admin())
}

// put is a user's write. It returns the version.
func (w *world) put(region, key, body string, change ...func(*s3.PutObjectInput)) string {
	w.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String(bucketIn(region)), Key: &key, Body: strings.NewReader(body)}
	for _, f := range change {
		f(in)
	}
	out, err := w.user(region).PutObject(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return *out.VersionId
}

// remove is a user's deletion, or with a version the destruction of that.
func (w *world) remove(region, key, version string) {
	w.Helper()
	in := &s3.DeleteObjectInput{Bucket: aws.String(bucketIn(region)), Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	if _, err := w.user(region).DeleteObject(w.Context(), in); err != nil {
		w.Fatal(err)
	}
}

// replica is what another function has copied to a Region: it carries the entry.
func (w *world) replica(region, key, body string, of policy.Write) {
	w.Helper()
	w.put(region, key, body, func(in *s3.PutObjectInput) {
		in.Metadata = map[string]string{policy.EntryName: policy.EntryFor(of, key, w.clock().Unix(), 0).String()}
	})
}

// look is a HEAD by a user, nil if the key shows nothing.
func (w *world) look(region, key string) *s3.HeadObjectOutput {
	w.Helper()
	out, err := w.user(region).HeadObject(w.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(bucketIn(region)), Key: &key, ChecksumMode: types.ChecksumModeEnabled,
	})
	if missing(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// write is the write that a bucket shows under a key.
func (w *world) write(region, key string) policy.Write {
	w.Helper()
	out := w.look(region, key)
	if out == nil {
		w.Fatalf("%s shows nothing under %s", region, key)
	}
	v := policy.Version{ID: *out.VersionId, Modified: out.LastModified.Unix(), Figures: policy.Figures{ETag: strings.Trim(*out.ETag, `"`)}}
	return v.ReadAs(region, key, out.Metadata[policy.EntryName]).Write
}

// body is what a Region shows under a key, empty if nothing.
func (w *world) body(region, key string) string {
	w.Helper()
	if w.look(region, key) == nil {
		return ""
	}
	out, err := w.user(region).GetObject(w.Context(), &s3.GetObjectInput{Bucket: aws.String(bucketIn(region)), Key: &key})
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(out.Body); err != nil {
		w.Fatal(err)
	}
	return b.String()
}

func request(key string) Request {
	return Request{Source: copier.Object{Region: here, Bucket: bucketIn(here), Key: key}, Deletions: true}
}

func deletion(key string) Request { r := request(key); r.Kind = Deleted; return r }

// follow follows, and checks how that ends.
func (w *world) follow(r Request, want copier.Outcome) copier.Result {
	w.Helper()
	got, err := w.follower.Follow(w.Context(), r)
	if err != nil {
		w.Fatalf("%v", err)
	}
	if got.Outcome != want {
		w.Errorf("outcome %s, want %s", got.Outcome, want)
	}
	return got
}

// refused follows, and checks what the error says.
func (w *world) refused(r Request, class copier.Class, text string) {
	w.Helper()
	got, err := w.follower.Follow(w.Context(), r)
	e, ok := err.(*copier.Error) //nolint:errorlint // that it is one is the contract
	if !ok || got.Outcome != "" {
		w.Fatalf("got %+v, %v", got, err)
	}
	if e.Class != class || !strings.Contains(e.Error(), text) || strings.Contains(e.Error(), "\n") {
		w.Errorf("%s error %q, want %s, %q", e.Class, e, class, text)
	}
}

// versions counts what a Region keeps of a key, markers not.
func (w *world) versions(region, key string) int {
	w.Helper()
	out, err := w.user(region).ListObjectVersions(w.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(bucketIn(region)), Prefix: &key,
	})
	if err != nil {
		w.Fatal(err)
	}
	return len(out.Versions)
}
