package console

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A page of another site, another name of loopback, and whoever has no token get
// nothing and change nothing.
func TestStrangersAreKeptOut(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Sandbox: &toy{}, Write: true})
	jar := u.Jar
	port := u.base[strings.LastIndex(u.base, ":"):]
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		code         int
	}{
		"another name that resolves to loopback": {"GET", "/key?key=k", []string{"Host", "attacker.example" + port},
			http.StatusMisdirectedRequest},
		"the address without the port":   {"GET", "/", []string{"Host", "127.0.0.1"}, http.StatusMisdirectedRequest},
		"a page of another site reads":   {"GET", "/key?key=k", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"a page of another port reads":   {"GET", "/key?key=k", []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"a page of another origin reads": {"GET", "/key?key=k", []string{"Origin", "http://127.0.0.1:1"}, http.StatusForbidden},
		"a page of another site posts": {"POST", "/letters/replay", []string{"Origin", "https://attacker.example"},
			http.StatusForbidden},
		"a page of no origin posts":      {"POST", "/letters/replay", []string{"Origin", "null"}, http.StatusForbidden},
		"a post without an origin":       {"POST", "/letters/replay", []string{"Origin", ""}, http.StatusForbidden},
		"a post without the CSRF token":  {"POST", "/letters/replay", []string{"X-CSRF-Token", ""}, http.StatusForbidden},
		"a post with another CSRF token": {"POST", "/letters/replay", []string{"X-CSRF-Token", "guess"}, http.StatusForbidden},
		"a wrong token":                  {"GET", "/?token=guess", nil, http.StatusForbidden},
	} {
		if code, text := u.send(c.method, c.path, nil, c.headers...); code != c.code || strings.Contains(text, "as it is") {
			t.Errorf("%s: %d %q, want %d", name, code, text, c.code)
		}
	}
	everything := []string{"GET /static/console.js"}
	for _, r := range (&Server{}).table(true) {
		everything = append(everything, strings.NewReplacer("{$}", "", "{kind}", "verify").Replace(r.pattern))
	}
	for _, request := range everything {
		method, path, _ := strings.Cut(request, " ")
		for _, headers := range [][]string{
			{"Host", "attacker.example" + port}, {"Origin", "http://127.0.0.1:1"}, {"Origin", "null"},
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Cookie", "s3fanout-guess=guess"},
			{"X-CSRF-Token", ""}, {"X-CSRF-Token", "guess"}, {"Origin", ""},
		} {
			if method == http.MethodGet && (headers[0] == "X-CSRF-Token" || headers[1] == "") {
				continue // for what may change something alone
			}
			if headers[0] == "Cookie" {
				u.Jar = nil
			}
			code, text := u.send(method, path, nil, headers...)
			if code != http.StatusForbidden && code != http.StatusMisdirectedRequest || strings.Contains(text, "<html") {
				t.Errorf("%s with %s: %d %q", request, headers, code, text)
			}
			u.Jar = jar
		}
	}
	u.Jar = nil
	for _, request := range everything {
		method, path, _ := strings.Cut(request, " ")
		if code, _ := u.send(method, path, nil); code != http.StatusForbidden {
			t.Errorf("%s without the cookie: %d", request, code)
		}
	}
	if calls := f.called(); len(calls) > 0 {
		t.Errorf("strangers had this asked: %q", calls)
	}
}

// Browsers leave the default port out, and only that.
func TestHostsOfTheDefaultPort(t *testing.T) {
	for port, want := range map[string]bool{"80": true, "8080": false} {
		g := newGuard(port)
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
			if g.hosts[host] != want || !g.hosts[host+":"+port] {
				t.Errorf("port %s lets in %v", port, g.hosts)
			}
		}
	}
}

func TestHeadersOfAPage(t *testing.T) {
	u := serve(t, Options{})
	resp, err := u.Get(u.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read
	for name, want := range map[string]string{
		"Content-Security-Policy": "script-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-store",
	} {
		if got := resp.Header.Get(name); !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	first, err := http.NewRequest(http.MethodGet, u.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := http.DefaultTransport.RoundTrip(first)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = moved.Body.Close() }() // read
	text, err := io.ReadAll(moved.Body)
	if err != nil {
		t.Fatal(err)
	}
	cookie := moved.Header.Get("Set-Cookie")
	if !strings.Contains(string(text), `content="0;url=/"`) || !strings.Contains(cookie, "HttpOnly") ||
		!strings.Contains(cookie, "SameSite=Strict") ||
		strings.Contains(u.url, cookie[9:17]) {
		t.Errorf("the first URL is answered with %q and %q", cookie, text)
	}
}

// Without Write nothing that changes something is run, whatever is sent: what the table
// says to change something is refused, and it is known of every route whether it does.
func TestReadOnly(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Sandbox: &toy{}})
	var changing []string
	for _, r := range (&Server{}).table(true) {
		if !r.changes {
			continue
		}
		changing = append(changing, r.pattern)
		method, path, _ := strings.Cut(r.pattern, " ")
		code, text := u.send(method, path, url.Values{"limit": {"1"}})
		if code != http.StatusForbidden || !strings.Contains(text, "--write") {
			t.Errorf("%s: %d %q", path, code, text)
		}
	}
	if len(changing) < 4 {
		t.Errorf("only %q change something", changing)
	}
	if calls := f.called(); len(calls) > 0 {
		t.Errorf("it ran %q", calls)
	}
	u.send(http.MethodPost, "/compare/plan", nil)
	u.until("/compare", "The plan is below")
	for _, call := range f.called() {
		if !strings.Contains(call, "DryRun:true") {
			t.Errorf("it ran %q", call)
		}
	}
}
