package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/function/functionenv"
)

// runMain, set in the environment, makes the test binary the function itself.
const runMain = "S3FANOUT_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m) // no test leaves a goroutine behind
}

// environment is the function's in a Region, with S3 at endpoint.
func environment(endpoint string) map[string]string {
	env := functionenv.Encode(eventtest.Config())
	maps.Copy(env, map[string]string{
		functionenv.Region: eventtest.Config().Target.Region, functionenv.FunctionName: eventtest.Config().FunctionName,
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": endpoint,
	})
	return env
}

// fakeS3 copies every key but "denied", which it refuses, and reports the
// requests.
func fakeS3(t *testing.T) (*httptest.Server, func() []*http.Request) {
	t.Helper()
	var mu sync.Mutex
	var seen []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Clone(context.Background()))
		mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, "/denied"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusOK)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = io.WriteString(w, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`)
		}
	}))
	t.Cleanup(s.Close)
	return s, func() []*http.Request {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func TestInvokeWithTheRealClient(t *testing.T) {
	server, seen := fakeS3(t)
	env := environment(server.URL)
	h, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	echo := eventtest.Record("ap-south-1", "media-ap", "echo", "AWS:AROAEXAMPLE:media-replicator")
	got, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(eventtest.Upload("a+b%2B")), eventtest.Message(echo)))
	if want := `{"copied":1,"exists":1,"diverged":0,"sourceGone":0,"unfinished":0,"testEvents":0}`; err != nil || string(got) != want {
		t.Fatalf("got %s, %v, want %s", got, err, want)
	}
	requests := seen()
	if len(requests) != 2 {
		t.Fatalf("got %d requests, want one PUT and one HEAD", len(requests))
	}
	for _, r := range requests {
		if r.Header.Get("X-Amz-Security-Token") != "token" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			t.Errorf("%s is not signed with the role's credentials for the target's Region", r.Method)
		}
		switch r.Method {
		case http.MethodHead:
			if got, want := r.URL.EscapedPath(), "/media-eu/echo"; got != want {
				t.Errorf("HEAD: got %s, want %s", got, want)
			}
		case http.MethodPut:
			if got, want := r.URL.EscapedPath(), "/media-eu/a%20b%2B"; got != want {
				t.Errorf("PUT: got %s, want %s", got, want)
			}
			if got, want := r.Header.Get("X-Amz-Copy-Source"), "media-us/a%20b%2B?versionId=v1"; got != want {
				t.Errorf("copy source: got %s, want %s", got, want)
			}
			if r.Header.Get("If-None-Match") != "*" {
				t.Error("PUT has no condition")
			}
		default:
			t.Errorf("got a %s", r.Method)
		}
	}
}

func TestColdStartNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{functionenv.TargetBucket, "", functionenv.TargetBucket}, // bad input: fn-47
		{functionenv.SourceBuckets, "x", functionenv.SourceBuckets},
		{"AWS_ACCESS_KEY_ID", "", "AWS_ACCESS_KEY_ID"},
		{"AWS_ENDPOINT_URL", "localhost", "AWS_ENDPOINT_URL"}, // bad input: fn-46
		{"AWS_ENDPOINT_URL_S3", "://", "AWS_ENDPOINT_URL_S3"},
		{"AWS_ENDPOINT_URL_LAMBDA", "://", "AWS_ENDPOINT_URL_LAMBDA"},
		{functionenv.MultipartThreshold, "many", functionenv.MultipartThreshold},
	} {
		env := environment("http://127.0.0.1:1")
		env[tt.name] = tt.value
		_, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%q: got %v, want one line that names it", tt.name, tt.value, err)
		}
	}
}

// TestUploadIsGivenUp shows the request that gives an upload up.
func TestUploadIsGivenUp(t *testing.T) {
	server, seen := fakeS3(t)
	env := environment(server.URL)
	h, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Abort(t.Context(), copier.Upload{Source: copier.Object{Key: "a b"}, UploadID: "u+1"}); err != nil {
		t.Fatal(err)
	}
	requests := seen()
	if len(requests) != 1 {
		t.Fatalf("got %d requests, want one", len(requests))
	}
	r := requests[0]
	if r.Method != http.MethodDelete || r.URL.EscapedPath() != "/media-eu/a%20b" || r.URL.Query().Get("uploadId") != "u+1" {
		t.Errorf("got %s %s, want the upload deleted", r.Method, r.URL)
	}
}

func TestPartsAtOnce(t *testing.T) {
	if partsAtOnce(functionenv.Config{}) != copier.DefaultParallel || partsAtOnce(functionenv.Config{MultipartParallel: 3}) != 3 {
		t.Error("parts at once: want what is configured, or the copier's default")
	}
}

// TestFunctionBehindARuntimeAPI runs main in a process of its own behind a
// Lambda Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
func TestFunctionBehindARuntimeAPI(t *testing.T) {
	server, _ := fakeS3(t)
	type answer struct{ path, body string }
	answers := make(chan answer, 2)
	payloads := make(chan []byte, 2)
	payloads <- eventtest.Payload(eventtest.Message(eventtest.Upload("k")))
	payloads <- eventtest.Payload(eventtest.Message(eventtest.Upload("denied"), eventtest.Upload("k2")))
	ended := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			answers <- answer{r.URL.Path, string(body)}
			w.WriteHeader(http.StatusAccepted)
			return
		}
		select {
		case p := <-payloads:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-1")
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:media-replicator")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = w.Write(p)
		case <-ended: // nothing more to do
		}
	}))
	defer api.Close()
	defer close(ended)

	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	function := exec.CommandContext(ctx, exe)
	var out strings.Builder
	function.Stdout, function.Stderr = &out, &out
	function.Env = []string{runMain + "=1", "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://")}
	for name, value := range environment(server.URL) {
		function.Env = append(function.Env, name+"="+value)
	}
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	var got []answer
	for range cap(answers) {
		select {
		case a := <-answers:
			got = append(got, a)
		case <-ctx.Done():
		}
	}
	cancel()
	_ = function.Wait() // it was killed
	if len(got) != 2 {
		t.Fatalf("got answers %v; the function wrote:\n%s", got, out.String())
	}
	if got[0].path != "/2018-06-01/runtime/invocation/request-1/response" || !strings.Contains(got[0].body, `"copied":1`) {
		t.Errorf("success: got %+v", got[0])
	}
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal([]byte(got[1].body), &failure); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got[1].path, "/error") || failure.ErrorType != "ReplicationError" ||
		!strings.HasPrefix(failure.ErrorMessage, "1 of 2 failed: denied: AccessDenied") ||
		!strings.HasSuffix(failure.ErrorMessage, ": copy s3://media-us/denied?versionId=v1 to s3://media-eu (eu-west-1)") {
		t.Errorf("failure: got %+v", got[1])
	}
	for _, want := range []string{`"key":"k2"`, `"requestId":"request-1"`, `"outcome":"Copied"`, `"outcome":"Failed"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the function's log lacks %s:\n%s", want, out.String())
		}
	}
}

func TestMainExitsWithOneLineWithoutConfiguration(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	function := exec.CommandContext(t.Context(), exe)
	function.Env = []string{runMain + "=1"}
	out, err := function.Output()
	if err == nil || function.ProcessState.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
	var line map[string]any
	if json.Unmarshal(out, &line) != nil || line["level"] != "ERROR" {
		t.Errorf("got %s, want one JSON line of level ERROR", out)
	}
}
