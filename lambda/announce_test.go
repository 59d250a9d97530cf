package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/replicator"
)

func TestEventOfWhatIsLate(t *testing.T) {
	status, answer := http.StatusOK, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`
	var requests []*http.Request
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests, sent = append(requests, r.Clone(t.Context())), string(body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	env := map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_EVENTBRIDGE": server.URL}
	bus, err := newEventBus(func(name string) string { return env[name] }, client.HTTP(1),
		aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	late := replicator.Late{
		Type: "OperationMissedThreshold", ReplicaSet: "media", SourceRegion: "us-east-1", SourceBucket: "media-us",
		TargetRegion: "eu-west-1", TargetBucket: "media-eu",
		Key: "a\"b", VersionID: "v1", S3Operation: "ObjectCreated:Put", RequestTime: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		AgeSeconds: 1000.5, ThresholdSeconds: 900,
	}
	if err := bus.Put(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	r := requests[0]
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" ||
		r.Header.Get("X-Amz-Security-Token") != "token" ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/events/aws4_request") {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	var body struct {
		Entries []struct{ Source, DetailType, Detail string }
	}
	if err := json.Unmarshal([]byte(sent), &body); err != nil || len(body.Entries) != 1 {
		t.Fatalf("%s: %v", sent, err)
	}
	want := `{"replicaSet":"media","sourceRegion":"us-east-1","sourceBucket":"media-us","targetRegion":"eu-west-1",` +
		`"targetBucket":"media-eu",` +
		`"key":"a\"b","versionId":"v1","s3Operation":"ObjectCreated:Put","requestTime":"2026-11-20T09:00:00Z","ageSeconds":1000.5,` +
		`"thresholdSeconds":900}`
	if e := body.Entries[0]; e.Source != "s3fanout" || e.DetailType != late.Type || e.Detail != want {
		t.Errorf("sent %+v\nwant %s", e, want)
	}
	for _, c := range []struct {
		status       int
		answer, says string
	}{
		{200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"Rate exceeded"}]}`,
			"ThrottlingException: Rate exceeded"},
		{400, `{"__type":"AccessDeniedException","message":"not authorized"}`, "not authorized"},
		{200, `{"FailedEntryCount":1}`, "does not say why"},
		{200, `<html>`, "invalid character"},
	} {
		status, answer = c.status, c.answer
		before := len(requests)
		if err := bus.Put(t.Context(), late); err == nil || !strings.Contains(err.Error(), c.says) || len(requests) != before+1 {
			t.Errorf("%d %s: %v after %d requests; want one, and an error that says %q",
				c.status, c.answer, err, len(requests)-before, c.says)
		}
	}
	env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "nowhere"
	if _, err := newEventBus(func(name string) string { return env[name] }, client.HTTP(1), aws.Credentials{}, "eu-west-1"); err == nil ||
		!strings.Contains(err.Error(), "AWS_ENDPOINT_URL_EVENTBRIDGE") {
		t.Errorf("an endpoint that is none: %v", err)
	}
}
