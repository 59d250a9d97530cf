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
	"regexp"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/snapshot"
	"s3fanout/internal/sandbox/trace"
)

// visitor is a browser that opened a console's URL.
type visitor struct {
	*http.Client

	t          *testing.T
	base, csrf string
}

func newVisitor(t *testing.T, url string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base, query, _ := strings.Cut(url, "/?")
	v := &visitor{t: t, Client: &http.Client{Jar: jar}, base: base}
	v.get("/?" + query)
	v.csrf = regexp.MustCompile(`data-csrf="(\w+)"`).FindStringSubmatch(v.get("/sandbox"))[1]
	return v
}

func (v *visitor) do(method, path, body string) string {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Origin", v.base)
		request.Header.Set("X-CSRF-Token", v.csrf)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := v.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		v.t.Fatalf("%s %s: %s %v\n%s", method, path, answer.Status, err, text)
	}
	return string(text)
}

func (v *visitor) get(path string) string { v.t.Helper(); return v.do(http.MethodGet, path, "") }

// A sandbox's console.
type sandboxConsole struct {
	*visitor

	sandbox *sandbox.Sandbox
	ended   chan error
}

func startSandboxConsole(t *testing.T) *sandboxConsole {
	t.Helper()
	steps := trace.New()
	sb, err := sandbox.Start(t.Context(), sandbox.Config{
		Assembly: snapshot.FS(), Function: programs(t).function, Trace: steps, RetryWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() }) // again, where the test has closed it
	a := &app{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, hints: hints{called: "bin/s3fanout"}}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.serveSandboxConsole(context.WithoutCancel(t.Context()), sb, steps, true, func(url string) error {
			ready <- url
			return nil
		})
	}()
	return &sandboxConsole{newVisitor(t, <-ready), sb, ended}
}

func (c *sandboxConsole) settle() {
	c.t.Helper()
	if err := c.sandbox.Settled(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// A reset leaves nothing but the set as it was deployed.
func TestSandboxConsoleResetsAndStops(t *testing.T) {
	t.Parallel()
	c := startSandboxConsole(t)
	c.do(http.MethodPost, "/sandbox/fault", "region=eu-west-1&kind=s3-unavailable&on=true")
	c.do(http.MethodPost, "/sandbox/upload?region=us-east-1&key=one", "contents")
	c.settle()
	for _, want := range []string{"dead letter", "copied", "bin/s3fanout redrive --key"} {
		if page := c.get("/sandbox"); !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	c.do(http.MethodPost, "/sandbox/reset", "")
	if page := c.get("/sandbox"); !strings.Contains(page, "Nothing was uploaded yet") || !strings.Contains(page, `data-switches="{}"`) {
		t.Errorf("after a reset the page says\n%s", page)
	}
	for region, r := range c.sandbox.Stats().Regions {
		if r.DeadLetters != 0 {
			t.Errorf("%s has %d dead letters", region, r.DeadLetters)
		}
	}
	c.do(http.MethodPost, "/sandbox/upload?region=eu-west-1&key=one", "others") // not copied if the first one is still there
	c.settle()
	if page := c.get("/key?key=one"); !strings.Contains(page, "everywhere") {
		t.Errorf("an upload after a reset:\n%s", page)
	}
	c.do(http.MethodPost, "/sandbox/stop", "")
	if err := <-c.ended; err != nil {
		t.Error("the console ended with", err)
	}
}

// A console of a sandbox shows commands as this one was called, and ends with it.
func TestSandboxConsoleEndsWithTheSandbox(t *testing.T) {
	t.Parallel()
	c := startSandboxConsole(t)
	for path, want := range map[string]string{"/sandbox": `data-drop="us-east-1"`, "/key?key=k": "bin/s3fanout explain"} {
		if page := c.get(path); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, page)
		}
	}
	if err := c.sandbox.Close(); err != nil {
		t.Error("close the sandbox:", err)
	}
	if err := <-c.ended; err != nil {
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
	if page := newVisitor(t, document.Console).get("/sandbox"); !strings.Contains(page, "Drop files") {
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
