package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"testing"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/snapshot"
	"s3fanout/internal/sandbox/trace"
)

// visitor is a browser that opened a console's URL.
func visitor(t *testing.T, url string) func(path string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	base, _, _ := strings.Cut(url, "/?")
	get := func(path string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }() // read
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v\n%s", path, answer.Status, err, text)
		}
		return string(text)
	}
	get(strings.TrimPrefix(url, base))
	return get
}

// A console of a sandbox shows commands as this one was called, and ends with it.
func TestSandboxConsoleEndsWithTheSandbox(t *testing.T) {
	t.Parallel()
	steps := trace.New()
	sb, err := sandbox.Start(t.Context(), sandbox.Config{Assembly: snapshot.FS(), Function: programs(t).function, Trace: steps})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sb.Close() }() // again, if the test fails before
	a := &app{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, hints: hints{called: "bin/s3fanout"}}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.serveSandboxConsole(context.WithoutCancel(t.Context()), sb, steps, true, func(url string) error { ready <- url; return nil })
	}()
	get := visitor(t, <-ready)
	for path, want := range map[string]string{"/sandbox": `data-drop="us-east-1"`, "/key?key=k": "bin/s3fanout explain"} {
		if page := get(path); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, page)
		}
	}
	if err := sb.Close(); err != nil {
		t.Error("close the sandbox:", err)
	}
	if err := <-ended; err != nil {
		t.Error("the console ended with", err)
	}
}

// With --output json there is one document on stdout, and it has the console's URL.
func TestSandboxConsoleAsJSON(t *testing.T) {
	t.Parallel()
	built := programs(t)
	cmd := exec.Command(built.command, "sandbox", "--console", "--listen", "127.0.0.1:0", "--function", built.function, "--output", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var document struct {
		sandbox.State
		Console string
	}
	d := json.NewDecoder(out)
	if err := d.Decode(&document); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if len(document.Regions) != 3 || document.SecretAccessKey == "" {
		t.Errorf("the sandbox is not in it: %+v", document)
	}
	if page := visitor(t, document.Console)("/sandbox"); !strings.Contains(page, "Drop files") {
		t.Errorf("the URL shows\n%s", page)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(d.Buffered(), out))
	if err != nil || strings.TrimSpace(string(rest)) != "" {
		t.Errorf("after the document there is %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("it ended with %v\n%s", err, stderr.String())
	}
}
