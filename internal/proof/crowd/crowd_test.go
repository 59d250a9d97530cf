package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/console"
)

// What a page, a look and the console may take. They are counts and not times, so that
// they hold on any machine.
const (
	mostNodes     = 5_000     // elements of a page
	mostBytes     = 700_000   // of a page
	mostSent      = 700_000   // bytes that a look sends to a browser in which all has changed
	mostHeap      = 300 << 20 // bytes, with all dead letters and differences
	mostPageAsked = 2         // questions of the source that a page has
)

// visitor is a browser that was let in.
type visitor struct {
	*http.Client

	t    *testing.T
	base string
	csrf string
}

func visit(t *testing.T, o console.Options) *visitor {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- console.Serve(t.Context(), l, o, func(url string) { urls <- url }) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{Client: &http.Client{Jar: jar}, t: t, base: "http://" + l.Addr().String()}
	first := strings.TrimPrefix(<-urls, v.base)
	v.get(first)
	v.csrf = regexp.MustCompile(`data-csrf="(\w+)"`).FindStringSubmatch(v.get("/"))[1]
	return v
}

func (v *visitor) request(method, path string, form url.Values) *http.Response {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base)
		r.Header.Set("X-CSRF-Token", v.csrf)
	}
	resp, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	if resp.StatusCode >= 400 {
		v.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	return resp
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	resp := v.request(http.MethodGet, path, nil)
	defer func() { _ = resp.Body.Close() }() // read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(text)
}

// run starts a run and waits for its end.
func (v *visitor) run(action, page, ends string) {
	v.t.Helper()
	_ = v.request(http.MethodPost, action, nil).Body.Close() // the redirected page
	for !strings.Contains(v.get(page), ends) {
		select {
		case <-v.t.Context().Done():
			v.t.Fatalf("%s never says %q", page, ends)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// sent reads events until each of the parts has said so, and returns the bytes of each
// part as it was sent last.
func (v *visitor) sent(parts map[string]string) map[string]int {
	v.t.Helper()
	resp := v.request(http.MethodGet, "/live", nil)
	defer func() { _ = resp.Body.Close() }() // the rest does not count
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	bytes, name := map[string]int{}, ""
	for len(parts) > 0 && lines.Scan() {
		if after, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = after
			bytes[name] = 0
		}
		bytes[name] += len(lines.Text()) + 1
		if want, ok := parts[name]; ok && strings.Contains(lines.Text(), want) {
			delete(parts, name)
		}
	}
	if len(parts) == 0 {
		return bytes
	}
	v.t.Fatalf("the events ended: %v", lines.Err())
	return nil
}

var (
	element = regexp.MustCompile(`<[a-z]`)
	// A field has its value as it is, and an attribute is no element.
	quoted = regexp.MustCompile(`"[^"]*"`)
)

// Each page of a crowd stays small, no key is an element in any of them, and no look
// reads a dead letter.
func TestPagesOfACrowd(t *testing.T) {
	c := newCrowd()
	o := c.options()
	o.Interval = time.Hour // each look is asked for by the test
	v := visit(t, o)
	began := time.Now()
	sent := v.sent(map[string]string{"overview": "12 in ALARM", "findings": "check-29", "alarms": "</table>", "clock": ":"})
	total := 0
	for _, n := range sent {
		total += n
	}
	t.Logf("%s, %s/%s, %d processors, %s", time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version())
	t.Logf("%d Regions, %d dead letters, %d differences", regionsOfCrowd, letters, differences)
	t.Logf("%-40s %8d bytes             %v", "a look, all its parts", total, time.Since(began).Round(time.Millisecond))
	if total > mostSent || total == 0 {
		t.Errorf("a look sends %d bytes, %d at most: %v", total, mostSent, sent)
	}
	for _, run := range [][3]string{
		{"/letters/read", "/letters", "100,000 dead letters in the queues"},
		{"/compare/verify", "/compare", " keys compared, "},
		{"/compare/plan", "/compare", "The plan is below"},
	} {
		began := time.Now()
		v.run(run[0], run[1], run[2])
		t.Logf("%-40s                            %v", run[0], time.Since(began).Round(time.Millisecond))
	}
	key := url.QueryEscape(hostile)
	for _, path := range []string{
		"/", "/pairs", "/pairs?region=xx-region-7", "/key?key=" + key, "/key/names?key=" + key, "/letters", "/letters?region=xx-region-7",
		"/letters?prefix=7", "/compare", "/compare?within=7/", "/health", "/report", "/report?region=xx-region-7",
	} {
		asked := c.all()
		began := time.Now()
		page := v.get(path)
		took := time.Since(began)
		nodes := len(element.FindAllString(page, -1))
		t.Logf("%-40.40s %8d bytes %5d nodes %v", path, len(page), nodes, took.Round(time.Millisecond/10))
		if nodes > mostNodes || len(page) > mostBytes {
			t.Errorf("%s has %d nodes and %d bytes, %d and %d at most", path, nodes, len(page), mostNodes, mostBytes)
		}
		if strings.Contains(page, "<img") || strings.Contains(quoted.ReplaceAllString(page, ""), "\u202e") {
			t.Errorf("%s: a key is an element, or turns the text around", path)
		}
		if strings.HasPrefix(path, "/key/names") || path == "/pairs" || path == "/pairs?region=xx-region-7" {
			continue
		}
		if n := c.all() - asked; n > mostPageAsked {
			t.Errorf("%s asks the source %d times, %d at most", path, n, mostPageAsked)
		}
		if !strings.HasPrefix(path, "/report") && path != "/" && !strings.Contains(page, "&lt;img") {
			t.Errorf("%s shows no hostile text, so it proves nothing", path)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%-40s %8d KiB", "heap in use", m.HeapAlloc>>10)
	if m.HeapAlloc > mostHeap {
		t.Errorf("the heap has %d bytes, %d at most", m.HeapAlloc, mostHeap)
	}
	// However many looks there are, the queues are read by those who ask for it alone.
	if status, read := c.times("status"), c.times("letters"); status == 0 || read != 1 {
		t.Errorf("%d looks read the dead letters %d times", status, read)
	}
}

// all is how often anything was asked.
func (c *crowd) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.asked {
		n += times
	}
	return n
}
