package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/console"
	"s3fanout/internal/sandbox/fault"
)

// consoleVisitor is a browser that the console let in.
type consoleVisitor struct {
	*http.Client

	t           *testing.T
	base, token string
	csrf        string
	cookie      *http.Cookie
	stderr      *bytes.Buffer // complete once end has been called
	end         func()
}

// openConsole starts the command and opens the URL that it prints.
func (w *world) openConsole(args ...string) *consoleVisitor {
	w.t.Helper()
	cmd := w.prepare(append([]string{"console"}, args...)...)
	v := &consoleVisitor{t: w.t, stderr: &bytes.Buffer{}}
	cmd.Stderr = v.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := regexp.MustCompile(`(http://\S+)/\?token=(\w+)`).FindStringSubmatch(lines.Text()); m != nil {
			v.base, v.token = m[1], m[2]
			break
		}
	}
	v.end = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the console: %v\n%s", err, v.stderr)
		}
	}
	if v.base == "" {
		v.end()
		w.t.Fatal("the console printed no URL")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	v.Client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, _ := v.request(http.MethodGet, "/?token="+v.token, nil)
	if v.cookie = answer.Cookies()[0]; answer.Header.Get("Referrer-Policy") != "no-referrer" ||
		v.cookie.SameSite != http.SameSiteStrictMode || !v.cookie.HttpOnly {
		w.t.Errorf("the first URL is answered with %v", answer.Header)
	}
	_, page := v.request(http.MethodGet, "/", nil)
	v.csrf = regexp.MustCompile(`data-csrf="(\w+)"`).FindStringSubmatch(page)[1]
	return v
}

// request sends one as the console's own pages do. Of a stream it reads for a moment.
func (v *consoleVisitor) request(method, path string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base)
		r.Header.Set("X-CSRF-Token", v.csrf)
	}
	answer, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // read
	if path == "/live" {
		defer time.AfterFunc(500*time.Millisecond, cancel).Stop()
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil && ctx.Err() == nil {
		v.t.Fatal(err)
	}
	return answer, string(text)
}

// idle waits until no run goes on.
func (v *consoleVisitor) idle() {
	v.t.Helper()
	for _, path := range []string{"/letters", "/compare"} {
		for {
			if _, page := v.request(http.MethodGet, path, nil); !strings.Contains(page, `data-post="/stop/`) {
				break
			}
			select {
			case <-v.t.Context().Done():
				v.t.Fatal("a run does not end")
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// changed is all that the sandbox counts but what only reads, and every version of
// every object.
func (w *world) changed() string {
	w.t.Helper()
	counts := w.sandbox.Stats()
	reads := regexp.MustCompile(`^(Get|Head|List)`)
	for _, r := range counts.Regions {
		for caller, operations := range r.S3 {
			maps.DeleteFunc(operations, func(name string, _ int64) bool { return reads.MatchString(name) })
			if len(operations) == 0 {
				delete(r.S3, caller)
			}
		}
	}
	text := fmt.Sprintf("%+v", counts)
	for _, region := range w.regions {
		out, err := w.s3(region).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(w.bucket(region))})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range out.Versions {
			text += fmt.Sprintf("\n%s %s %s", region, *o.Key, *o.VersionId)
		}
	}
	return text
}

// Without --write no request of any kind that the console answers changes anything,
// with whatever it is sent, and no secret of it is in a page or in what it writes.
func TestConsoleWithoutWriteChangesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	w.fault("ap-northeast-1", fault.S3Unavailable, 1, 0)
	w.upload("us-east-1", object{key: "films/1.mp4", body: "b"})
	w.settle()
	w.fault("ap-northeast-1", fault.S3Unavailable, 0, 0)
	w.fault("us-east-1", fault.S3Unannounced, 1, 0)
	w.upload("us-east-1", object{key: "films/2.mp4", body: "b"})
	w.fault("us-east-1", fault.S3Unannounced, 0, 0)
	w.wantLetters("ap-northeast-1", 1)
	before := w.changed()

	v := w.openConsole("--interval", "5s")
	form := url.Values{
		"key": {"films/1.mp4"}, "only": {"films/1.mp4"}, "prefix": {"films/"}, "region": {"ap-northeast-1"}, "limit": {"100"},
		"month": {"2026-11"},
		"kind":  {"s3-unavailable"}, "on": {"true"}, "plan": {"guess"}, "csrf": {v.csrf}, "message": {"guess"}, "source": {"us-east-1"},
		"target": {"ap-northeast-1"},
	}
	// What the forms of the pages send: all dead letters, those of a Region, of a key.
	replays := []url.Values{{"most": {"1"}}, {"most": {"1"}, "region": {"ap-northeast-1"}}, {"most": {"1"}, "only": {"films/1.mp4"}}}
	patterns, changing := console.Routes(), []string{"POST /letters/replay", "POST /compare/backfill"}
	for _, pattern := range changing {
		if len(patterns) < 15 || !slices.Contains(patterns, pattern) {
			t.Fatalf("the routes are %q", patterns)
		}
	}
	// What only a console of a sandbox has, and what none has.
	patterns = append(patterns, "POST /sandbox/upload", "POST /sandbox/fault", "POST /sandbox/reset", "POST /sandbox/stop", "POST /")
	var pages strings.Builder
	for _, pattern := range patterns {
		own, path, _ := strings.Cut(pattern, " ")
		path = strings.Replace(path, "{$}", "", 1)
		paths := []string{path}
		if strings.Contains(path, "{") {
			paths = nil
			for _, kind := range []string{"letters", "replay", "verify", "plan", "backfill"} {
				paths = append(paths, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, kind))
			}
		}
		for _, path := range paths {
			methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}
			if own == http.MethodGet {
				methods = append(methods, own)
			}
			for _, method := range methods {
				if method == http.MethodHead && path == "/live" {
					continue // that of a stream does not end
				}
				forms := []url.Values{form, {}}
				if method == http.MethodPost && own == method {
					forms = append(forms, replays...)
				}
				for _, sent := range forms {
					to := path
					if method == http.MethodGet && len(sent) > 0 {
						to += "?" + sent.Encode()
					}
					if path == "/live" {
						to = path
					}
					answer, text := v.request(method, to, sent)
					if answer.StatusCode >= http.StatusInternalServerError {
						t.Errorf("%s %s: %s %s", method, to, answer.Status, text)
					}
					// What changes something is refused before anybody looks at the form.
					if method == own && slices.Contains(changing, pattern) &&
						(answer.StatusCode != http.StatusForbidden || !strings.Contains(text, "--write")) {
						t.Errorf("%s with %v: %s %q, want it to be refused for want of --write", pattern, sent, answer.Status, text)
					}
					pages.WriteString(text)
					if path == "/compare/verify" { // or it waits for what may be on its way
						v.request(http.MethodPost, "/stop/verify", nil)
					}
					v.idle()
				}
			}
		}
	}
	if _, text := v.request(http.MethodGet, "/?token=guess", nil); !strings.Contains(text, "another console") {
		t.Errorf("a wrong token: %s", text)
	}
	w.settle()
	if after := w.changed(); after != before {
		t.Errorf("it changed something: before\n%s\nafter\n%s", before, after)
	}
	w.wantLetters("ap-northeast-1", 1)
	v.end()
	for name, secret := range map[string]string{
		"the token": v.token, "the cookie": v.cookie.Value, "the credentials": w.state.SecretAccessKey,
	} {
		if strings.Contains(pages.String(), secret) {
			t.Errorf("a page has %s", name)
		}
		if strings.Contains(v.stderr.String(), secret) {
			t.Errorf("the log has %s: %s", name, v.stderr)
		}
	}
	if strings.Contains(v.stderr.String(), v.csrf) {
		t.Errorf("the log has the CSRF token: %s", v.stderr)
	}
}
