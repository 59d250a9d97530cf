package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sqs"
)

// TestDryRunListsEveryLetterEveryTime runs the command 16 times over queues of
// 500 dead letters; make test-large 100 times. When the SDK closed a request's body while net/http was
// finishing its write, the answer to a receive was lost in four of ten runs
// ("use of closed network connection"), and its dead letters stayed hidden for two
// minutes.
func TestDryRunListsEveryLetterEveryTime(t *testing.T) {
	t.Parallel()
	command := programs(t).command
	const letters, account = 500, "111122223333"
	runs := 16
	if os.Getenv("S3FANOUT_E2E_LARGE") != "" {
		runs = 100
	}
	regions := []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1"}
	administrator := iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", PrincipalID: "AIDATEST", AccountID: account}
	var queues *sqs.Service
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		parts := strings.Split(scope, "/")
		if len(parts) < 4 || parts[3] != "sqs" {
			http.Error(w, "a dry run asks SQS alone, not "+scope, http.StatusNotImplemented)
			return
		}
		queues.ServeAPI(w, r, parts[2], administrator)
	}))
	t.Cleanup(server.Close)
	queues = sqs.New(sqs.Config{Partition: "aws", AccountID: account, Endpoint: server.URL})
	t.Cleanup(func() { _ = queues.Close() })

	sent := map[string][]string{}
	for _, region := range regions {
		arn, _, err := queues.CreateQueue(region, sqs.QueueConfig{Name: "media-dead-letters"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range letters {
			id, err := queues.Send(t.Context(), administrator, arn, onFailureLetter(region, account, fmt.Sprintf("films/%03d.mp4", i)), nil)
			if err != nil {
				t.Fatal(err)
			}
			sent[region] = append(sent[region], id)
		}
		slices.Sort(sent[region])
	}

	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{"context": map[string]any{"s3fanout": map[string]any{"name": "media", "regions": regions}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cdk.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i, region := range regions {
		wg.Go(func() {
			for n := i; n < runs && !t.Failed(); n += len(regions) {
				cmd := exec.CommandContext(ctx, command, "redrive", "--dry-run", "--region", region, "--output", "json")
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
					"AWS_SECRET_ACCESS_KEY=secret",
					"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+filepath.Join(dir, "none"),
					"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"))
				out, err := cmd.Output()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != exitLeftOver {
					t.Errorf("run %d: %v, want exit code %d", n, err, exitLeftOver)
					if exit != nil {
						t.Errorf("%s", exit.Stderr)
					}
					return
				}
				checkComplete(t, out, sent[region])
			}
		})
	}
	wg.Wait()
}

// checkComplete compares what a dry run listed with the dead letters that were sent.
func checkComplete(t *testing.T, out []byte, sent []string) {
	t.Helper()
	var d document.Redrive
	if err := json.Unmarshal(out, &d); err != nil {
		t.Error(err)
		return
	}
	var got []string
	for _, l := range d.Letters {
		got = append(got, l.MessageID)
	}
	slices.Sort(got)
	if r := d.Regions[0]; !slices.Equal(got, sent) || r.Held != 0 || r.Error != "" {
		t.Errorf("%d letters listed and %d held (%s), want the same %d and none", len(got), r.Held, r.Error, len(sent))
	}
}

func onFailureLetter(region, account, key string) string {
	record := map[string]any{
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1",
		"s3": map[string]any{
			"bucket": map[string]any{"name": "media-" + account + "-us-east-1"}, "object": map[string]any{"key": key, "size": 1},
		},
	}
	message, _ := json.Marshal(map[string]any{"Records": []any{record}})
	letter, _ := json.Marshal(map[string]any{
		"version": "1.0",
		"requestContext": map[string]any{
			"functionArn": "arn:aws:lambda:" + region + ":" + account + ":function:media-replicator", "condition": "RetriesExhausted",
		},
		"requestPayload": map[string]any{
			"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": string(message)}}},
		},
		"responsePayload": map[string]any{"errorMessage": "copy s3://…: AccessDenied", "errorType": "ReplicationError"},
	})
	return string(letter)
}
