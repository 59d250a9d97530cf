package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/replicaset"
)

func config() functionenv.Reconcile {
	member := func(region, bucket string) replicaset.Member {
		return replicaset.Member{Set: "media", Region: region, Account: "111122223333", Bucket: bucket}
	}
	return functionenv.Reconcile{
		Config: functionenv.Config{
			Target: member("eu-west-1", "media-eu"), Sources: replicaset.Members{member("us-east-1", "media-us")},
			FunctionName: "media-reconcile", Role: "arn:aws:iam::111122223333:role/media-replicator-eu-west-1",
		},
		Every: 24 * time.Hour, Copy: true, Table: "media-reconcile",
	}
}

func environment(endpoint string) map[string]string {
	env := functionenv.EncodeReconcile(config())
	maps.Copy(env, map[string]string{
		functionenv.Region: "eu-west-1", functionenv.FunctionName: "media-reconcile",
		"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL": endpoint,
	})
	return env
}

// services answer what a comparison of two buckets with one missing key asks of AWS.
type services struct {
	t    *testing.T
	mu   sync.Mutex
	seen []string // operations, and who asked for them
	item json.RawMessage
}

func (a *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	operation := r.Method + " " + r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		operation = strings.TrimPrefix(target, "DynamoDB_20120810.")
	} else if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		operation = form.Get("Action") + " " + form.Get("RoleArn") + " as " + form.Get("RoleSessionName")
	} else if _, asks := r.URL.Query()["lifecycle"]; asks {
		operation = "GetBucketLifecycle " + r.URL.Path
	}
	_, by, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	who, scope, _ := strings.Cut(by, "/")
	a.seen = append(a.seen, who+" "+strings.Split(scope, "/")[1]+" "+operation)
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	const page = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>%s</ListBucketResult>`
	switch {
	case operation == "GetItem" && a.item == nil:
		_, _ = io.WriteString(w, `{}`)
	case operation == "GetItem":
		_, _ = fmt.Fprintf(w, `{"Item": %s}`, a.item)
	case operation == "PutItem":
		var in struct{ Item json.RawMessage }
		if err := json.Unmarshal(body, &in); err != nil {
			a.t.Error(err)
		}
		a.item = in.Item
		_, _ = io.WriteString(w, `{}`)
	case strings.HasPrefix(operation, "AssumeRole"):
		_, _ = fmt.Fprintf(w,
			`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAWRITER</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
				`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	case operation == "GET /media-us" && r.URL.Query().Get("list-type") == "2":
		_, _ = fmt.Fprintf(w, page, `<Contents><Key>lost</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>`+
			`<ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>`)
	case operation == "GET /media-eu" && r.URL.Query().Get("list-type") == "2":
		_, _ = fmt.Fprintf(w, page, "")
	case operation == "HEAD /media-eu/lost":
		w.WriteHeader(http.StatusNotFound)
	case operation == "HEAD /media-us/lost":
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Length", "1")
		w.Header().Set("X-Amz-Version-Id", "v")
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
	case strings.HasPrefix(operation, "GetBucketLifecycle"):
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchLifecycleConfiguration</Code></Error>`)
	case operation == "PUT /media-eu/lost":
		_, _ = io.WriteString(w, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`)
	default:
		a.t.Errorf("unexpected %s %s", operation, r.URL)
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// It reads as itself, in each bucket's Region, and writes as the replicator, whose
// role it assumes for that alone. A tick with nothing to do is one read.
func TestItReadsAsItselfAndWritesAsTheReplicator(t *testing.T) {
	a := &services{t: t}
	server := httptest.NewServer(a)
	defer server.Close()
	env := environment(server.URL)
	h, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), server.Client())
	if err != nil {
		t.Fatal(err)
	}
	tick := func() (got reconcile.Answer) {
		raw, err := h.Invoke(t.Context(), []byte(`{"tick": true}`))
		if err == nil {
			err = json.Unmarshal(raw, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := tick(); got.Status != reconcile.Complete || got.Counts != (reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1}) {
		t.Errorf("got %+v", got)
	}
	wrote := false
	for _, call := range a.seen {
		writer := strings.HasPrefix(call, "ASIAWRITER ")
		if put := strings.Contains(call, "PUT "); put != writer {
			t.Errorf("%s", call)
		}
		wrote = wrote || writer
		region := map[bool]string{true: " us-east-1 ", false: " eu-west-1 "}[strings.Contains(call, "/media-us")]
		if !strings.Contains(call, region) {
			t.Errorf("%s: not in %s", call, region)
		}
	}
	const assumed = "AKIAOWN eu-west-1 AssumeRole arn:aws:iam::111122223333:role/media-replicator-eu-west-1 as media-replicator-reconcile"
	if !wrote || !strings.Contains(strings.Join(a.seen, "\n"), assumed) {
		t.Errorf("calls: %q", a.seen)
	}
	a.seen = nil
	if got := tick(); got.Status != reconcile.Idle || len(a.seen) != 1 || !strings.HasSuffix(a.seen[0], " GetItem") {
		t.Errorf("got %+v after %q, want one GetItem", got, a.seen)
	}
}

// Where it may only check, it has nothing to write with.
func TestCheckOnlyHasNoWriter(t *testing.T) {
	env := environment("http://127.0.0.1:1")
	env[functionenv.ReconcileCopy] = "false"
	h, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), nil)
	if err != nil || h.Copier != nil || h.Follower != nil {
		t.Errorf("got a copier %v, a follower %v, %v", h.Copier, h.Follower, err)
	}
}

func TestColdStartNamesWhatIsWrong(t *testing.T) {
	for _, name := range []string{functionenv.TargetBucket, functionenv.ReconcileTable, functionenv.ReconcileEvery, "AWS_ACCESS_KEY_ID"} {
		env := environment("http://127.0.0.1:1")
		delete(env, name)
		_, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v", name, err)
		}
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_STS"} {
		env := environment("http://127.0.0.1:1")
		env[name] = "nowhere"
		_, err := newHandler(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
