package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		started bool
		want    int
	}{
		{"done", nil, true, exitDone},
		{"help", nil, false, exitDone},
		{"failed", errors.New("x"), true, exitFailed},
		{"unknown flag", errors.New("x"), false, exitUsage},
		{"configuration", fmt.Errorf("y: %w", usageError{errors.New("x")}), true, exitUsage},
		{"left over", classified{errors.New("x"), errLeftOver}, true, exitLeftOver},
		{"interrupted", classified{errors.New("x"), errInterrupted}, true, exitInterrupted},
		{"cancelled", fmt.Errorf("y: %w", context.Canceled), true, exitInterrupted},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err, tt.started); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMarkedKeepsText(t *testing.T) {
	inner := errors.New("inner")
	err := classified{fmt.Errorf("2 left: %w", inner), errLeftOver}
	if err.Error() != "2 left: inner" || !errors.Is(err, inner) || !errors.Is(err, errLeftOver) {
		t.Errorf("got %v", err)
	}
}

func TestOneLine(t *testing.T) {
	err := errors.Join(errors.New("a"), errors.New("b\r\n\n c"), errors.New("\x1b[31md"))
	if got, want := oneLine(err.Error()), "a; b; c;  [31md"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestInterruptedRun shows the exit code that a shell sees.
func TestInterruptedRun(t *testing.T) {
	f := &fakeAWS{
		queues: map[string][]fakeLetter{
			"us-east-1": {}, "eu-west-1": {{id: "m", body: `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":""}}]}`}},
		},
		hangs: true, invoked: make(chan string, 1),
	}
	server := httptest.NewServer(f)
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	path := filepath.Join(t.TempDir(), "cdk.json")
	err := os.WriteFile(path, []byte(`{"context":{"s3fanout":{"name":"media","regions":["us-east-1","eu-west-1"]}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-f.invoked
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"redrive", "--config", path}, strings.NewReader(""), &stdout, &stderr, os.Getenv)
	if code != exitInterrupted {
		t.Errorf("exit code: got %d, want %d; %s", code, exitInterrupted, stderr.String())
	}
	if f.visible("eu-west-1") != 1 {
		t.Error("the letter was not released")
	}
}
