package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/replicaset"
)

const (
	// mostMemory is what the function's process may ever hold, in KiB.
	mostMemory = 20 << 10
	// mostComputing is how long an event may compute with the memory that is deployed,
	// which brings its share of a processor. It is little
	// beside the wait for S3, so that more memory would cost more and not pay.
	mostComputing = 10 * time.Millisecond
)

// TestMemoryOfTenThousandEvents runs the function as it is built for AWS, in a
// process of its own, and has it handle 10,000 events of fresh objects, one
// after another, with an S3 behind TLS that answers at once. Its memory is
// bounded, and what the first 1,000 events took suffices for the rest; its
// processor time is what the deployed memory has it wait for little. It takes some
// seconds.
func TestMemoryOfTenThousandEvents(t *testing.T) {
	binary, deployed := buildFunction(t), replicaset.Config{}.FunctionMemory()
	s3 := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, copyResult) }))
	defer s3.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s3.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}

	next, answers, ended := make(chan []byte), make(chan string), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			answers <- string(body)
			return
		}
		select {
		case p := <-next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = w.Write(p)
		case <-ended: // nothing more to do
		}
	}))
	defer api.Close()
	defer close(ended)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	function := exec.CommandContext(ctx, binary)
	function.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(deployed),
		"SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + os.DevNull,
	}
	for name, value := range environment(s3.URL) {
		function.Env = append(function.Env, name+"="+value)
	}
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		cancel()
		_ = function.Wait() // it was killed
	})
	defer end()
	now := map[int]int{}
	for n := 1; n <= 10_000; n++ {
		var answer string
		select {
		case next <- eventtest.Payload(eventtest.Message(eventtest.Upload(fmt.Sprintf("films/%06d.mp4", n)))):
		case <-ctx.Done():
			t.Fatalf("the function does not ask for event %d", n)
		}
		select {
		case answer = <-answers:
		case <-ctx.Done():
			t.Fatalf("the function does not answer event %d", n)
		}
		if !strings.Contains(answer, `"copied":1`) {
			t.Fatalf("event %d: got %s", n, answer)
		}
		if n == 1_000 || n == 10_000 {
			now[n] = memoryOf(t, function.Process.Pid, "VmRSS")
		}
	}
	peak := memoryOf(t, function.Process.Pid, "VmHWM")
	t.Logf("after 1,000 events %d KiB, after 10,000 %d KiB, at most %d KiB", now[1_000], now[10_000], peak)
	end()
	used := (function.ProcessState.UserTime() + function.ProcessState.SystemTime()) / 10_000
	computing := used * wholeProcessor / time.Duration(deployed)
	t.Logf("an event computes for %v, which is %v with %d MB", used, computing, deployed)
	if computing > mostComputing {
		t.Errorf("with %d MB an event computes for %v, at most %v was expected", deployed, computing, mostComputing)
	}
	if peak > mostMemory {
		t.Errorf("the function held %d KiB, at most %d were expected", peak, mostMemory)
	}
	if now[10_000]*10 > now[1_000]*11 {
		t.Errorf("from 1,000 to 10,000 events its memory grew from %d to %d KiB, more than a tenth", now[1_000], now[10_000])
	}
}

// buildFunction builds the function for this machine, as the Makefile does for
// AWS.
func buildFunction(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the function: %v\n%s", err, out)
	}
	return binary
}

// memoryOf is a figure of a process's memory, in KiB
// (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func memoryOf(t *testing.T, pid int, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatalf("the system does not say %s", name)
	return 0
}
