package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAnEndpointThatNeverAnswers has commands speak to a server that takes
// connections and says nothing: each ends soon, and says which endpoint it was
// and what to check. It took a minute and a half and said "deadline exceeded".
func TestAnEndpointThatNeverAnswers(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	endpoint := "http://" + silent.Addr().String()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none",
	} {
		t.Setenv(name, value)
	}
	path := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(path, []byte(`{"context":{"s3fanout":{"name":"media","regions":["us-east-1","eu-west-1"]}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, line := range []string{"backfill", "doctor", "explain k", "redrive", "status", "verify", "sandbox fault", "sandbox deploy --templates ../../internal/snapshot/templates"} {
		wait.Go(func() {
			var stdout, stderr bytes.Buffer
			begin := time.Now()
			code := run(t.Context(), append(strings.Fields(line), "--config", path), strings.NewReader(""), &stdout, &stderr, os.Getenv)
			took, said := time.Since(begin), stderr.String()
			if code != exitFailed || !strings.Contains(said, endpoint) || !strings.Contains(said, "; check ") || took > 30*time.Second {
				t.Errorf("%s: exit %d after %s: %s", line, code, took, said)
			}
			if strings.Contains(said, "deadline") || strings.Contains(said, "Client.Timeout") || strings.Count(said, "\n") != 1 {
				t.Errorf("%s: %q", line, said)
			}
		})
	}
	wait.Wait()
}
