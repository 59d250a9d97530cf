package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
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
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	endpoint := "http://" + silent.Addr().String()
	path := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(
		path, []byte(`{"context":{"s3fanout":{"name":"media","regions":["us-east-1","eu-west-1"]}}}`), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, line := range []string{
		"backfill", "doctor", "explain k", "redrive", "report", "status", "undelete --since 1h", "verify", "sandbox fault",
		"sandbox deploy --templates ../../internal/sandbox/snapshot/templates",
	} {
		wait.Go(func() {
			cmd := exec.CommandContext(t.Context(), "s3fanout", append(strings.Fields(line), "--config", path)...)
			cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
				"AWS_PROFILE=", "AWS_MAX_ATTEMPTS=", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			begin := time.Now()
			_ = cmd.Run() // the code says it
			code, took, said := cmd.ProcessState.ExitCode(), time.Since(begin), stderr.String()
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
