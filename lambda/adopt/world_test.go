package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
)

// world is S3 with some buckets, and where CloudFormation waits for answers.
type world struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	answers []cfn.Response
	deaf    int // so many answers are refused
	writes  int
	asked   map[string]bool // requests about buckets
	server  *httptest.Server
}

type bucket struct {
	notifications string
	versioning    string
	fail          map[string]string // by method, an S3 error code; "hang" never answers
	times         int               // how often it fails, 0 for always
	after         func(*bucket)     // after a write
}

func newWorld(t *testing.T) *world {
	w := &world{
		asked: map[string]bool{}, buckets: map[string]*bucket{"old": {notifications: head + theirs + bridge + tail, versioning: "Enabled"}},
	}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/answer") {
		var answer cfn.Response
		if err := json.Unmarshal(body, &answer); err != nil || len(body) > 4096 {
			http.Error(out, "no answer", http.StatusBadRequest)
			return
		}
		if w.deaf > 0 {
			w.deaf--
			http.Error(out, "again", http.StatusServiceUnavailable)
			return
		}
		w.answers = append(w.answers, answer)
		return
	}
	b := w.buckets[strings.Trim(r.URL.Path, "/")]
	refuse := func(status int, code string) {
		out.WriteHeader(status)
		_, _ = fmt.Fprintf(out, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}
	_, versioning := r.URL.Query()["versioning"]
	w.asked[r.Method+" "+r.URL.RawQuery] = true
	switch {
	case r.Header.Get("X-Amz-Expected-Bucket-Owner") != account:
		refuse(http.StatusForbidden, "AccessDenied")
	case b == nil:
		refuse(http.StatusNotFound, "NoSuchBucket")
	case b.fail[r.Method] == "hang":
		w.mu.Unlock()
		<-r.Context().Done()
		w.mu.Lock()
	case b.fail[r.Method] == "moved":
		out.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		refuse(http.StatusMovedPermanently, "PermanentRedirect")
	case b.fail[r.Method] != "":
		code := b.fail[r.Method]
		if b.times--; b.times == 0 {
			b.fail = nil
		}
		status := map[string]int{"AccessDenied": http.StatusForbidden, "InternalError": http.StatusInternalServerError}[code]
		refuse(cmp.Or(status, http.StatusBadRequest), code)
	case versioning:
		_, _ = fmt.Fprintf(out, "<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>", b.versioning)
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(out, b.notifications)
	default:
		w.writes++
		b.notifications = string(body)
		if b.after != nil {
			b.after(b)
		}
	}
}

// ask sends a request and returns its answer, and whether the invocation failed.
func (w *world) ask(t *testing.T, ctx context.Context, event cfn.Event) (cfn.Response, error) {
	t.Helper()
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c",
		"AWS_ENDPOINT_URL": w.server.URL,
	}
	a := &adopter{getenv: func(name string) string { return env[name] }, log: slog.New(slog.DiscardHandler)}
	event.RequestID, event.LogicalResourceID, event.StackID, event.ResponseURL = "request", "Adoption", "stack",
		w.server.URL+"/answer?secret"
	before := len(w.answers)
	_, err := discreet(cfn.LambdaWrap(a.handle))(ctx, event)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.answers) == before {
		return cfn.Response{}, err
	}
	answer := w.answers[len(w.answers)-1]
	if answer.RequestID != "request" || answer.LogicalResourceID != "Adoption" || answer.StackID != "stack" ||
		answer.PhysicalResourceID == "" {
		t.Errorf("answer %+v is none to this request", answer)
	}
	if strings.Contains(answer.Reason, "\n") {
		t.Errorf("more than a line: %q", answer.Reason)
	}
	return answer, err
}

func props(name string, events ...string) map[string]any {
	var list []any
	for _, e := range events {
		list = append(list, e)
	}
	if list == nil {
		list = []any{"s3:ObjectCreated:*"}
	}
	return map[string]any{
		"ServiceToken": "arn", "ServiceTimeout": "600", "Bucket": name, "Account": account, "IdPrefix": "s3fanout.media.",
		"Announcements": []any{map[string]any{"Id": "s3fanout.media.1", "TopicArn": topic, "Events": list}},
	}
}

func create() cfn.Event {
	return cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: props("old")}
}

func remove(id, name string) cfn.Event {
	return cfn.Event{RequestType: cfn.RequestDelete, PhysicalResourceID: id, ResourceProperties: props(name)}
}

func (w *world) want(t *testing.T, what, name, notifications string) {
	t.Helper()
	if got := w.buckets[name].notifications; got != notifications {
		t.Errorf("%s: bucket %s has\n%s\nwant\n%s", what, name, got, notifications)
	}
}

const id = "s3fanout.media.old"
