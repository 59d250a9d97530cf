package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

// fake is a set without AWS, and what was asked of it.
type fake struct {
	look    Look
	report  document.Report
	letters []document.RedriveLetter
	err     error
	partly  error // of one of the Regions
	missing bool  // a key is, in a Region
	keys    []string
	// what a comparison and a backfill find
	differences []document.VerifyDifference
	failures    []document.CopyFailure

	mu    sync.Mutex
	calls []string
}

func (f *fake) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

// fail has whatever is asked from now on fail.
func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fake) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.calls...)
}

func (f *fake) Status(context.Context) (Look, error)    { return f.look, f.call("status") }
func (f *fake) Trends(context.Context) ([]Trend, error) { return nil, f.call("trends") }
func (f *fake) Alarms(context.Context) ([]Alarm, error) { return nil, f.call("alarms") }
func (f *fake) Keys(context.Context, string) ([]string, error) {
	return slices.Clone(f.keys), f.call("keys")
}
func (f *fake) Report(_ context.Context, month string) (document.Report, error) {
	d := f.report
	d.Month = month
	return d, f.call("report %s", month)
}

func (f *fake) Explain(
	ctx context.Context, key string, turn func(context.Context) (func(), error),
) (document.Explain, error) {
	end, err := turn(ctx)
	queues := err == nil
	if queues {
		end()
	}
	d := document.Explain{Key: key, Verdict: "everywhere", Text: "as it is: " + key}
	if f.missing {
		d.Regions = []document.ExplainRegion{{Region: "us-east-1", State: "missing"}}
	}
	for _, l := range f.letters {
		if queues && l.Objects[0].Key == key {
			d.Letters = append(d.Letters, document.ExplainLetter{Queue: l.Region, MessageID: l.MessageID})
		}
	}
	return d, f.call("explain %s %v", key, queues)
}

func (f *fake) History(_ context.Context, key string) (document.History, error) {
	return document.History{Key: key}, f.call("history %s", key)
}

func (f *fake) DeadLetters(_ context.Context, read func(int)) (document.Redrive, error) {
	read(len(f.letters))
	f.mu.Lock()
	failed := f.err != nil
	f.mu.Unlock()
	var d document.Redrive
	if !failed {
		d.Letters = slices.Clone(f.letters)
		d.Regions = []document.RedriveRegion{{Region: "us-east-1"}}
	}
	if f.partly != nil {
		d.Regions = append(d.Regions, document.RedriveRegion{Region: "eu-west-1", Error: f.partly.Error()})
	}
	return d, errors.Join(f.call("letters"), f.partly)
}

// Replay takes until it is stopped where a key has "long" in it, and leaves the rest untried.
func (f *fake) Replay(ctx context.Context, chosen Letters, done func(document.RedriveLetter)) (document.Redrive, error) {
	for _, l := range f.letters {
		if strings.Contains(l.Objects[0].Key, "long") {
			<-ctx.Done()
			l.Outcome = "interrupted"
			done(l)
			return document.Redrive{Interrupted: true}, errors.Join(f.call("replay %v", chosen), f.partly)
		}
		if !chosen.Filter().Chooses(candidate(letterRow{l, causeOf(l)}), time.Now()) || chosen.Region != "" && chosen.Region != l.Region {
			l.Outcome = "skipped"
		} else if l.Outcome = f.replayed(l); l.Outcome == "failed" {
			l.Detail = "the function failed again: NoSuchKey"
		} else {
			l.Did = map[string]int{"copied": 1}
		}
		done(l)
	}
	return document.Redrive{}, errors.Join(f.call("replay %v", chosen), f.partly)
}

// replayed is what a replay of a dead letter comes to: of keys with "bad" it fails.
func (f *fake) replayed(l document.RedriveLetter) string {
	if strings.Contains(l.Objects[0].Key, "bad") {
		return "failed"
	}
	return "replayed"
}

func (f *fake) Verify(
	ctx context.Context, prefix string, progress func(int64, int64), found func(document.VerifyDifference),
) (Compared, error) {
	progress(1, 0)
	for _, d := range f.differences {
		found(d)
	}
	if prefix == "long" {
		<-ctx.Done()
		return Compared{VerifySummary: document.VerifySummary{Keys: 1, Partial: true}}, ctx.Err()
	}
	err := f.call("verify %s", prefix)
	return Compared{VerifySummary: document.VerifySummary{Keys: 1, Equal: 1, Partial: err != nil}}, err
}

func (f *fake) Backfill(ctx context.Context, m Missing, progress func(int, int)) (Copied, error) {
	progress(1, 1)
	if m.Prefix == "long" {
		<-ctx.Done()
		return Copied{}, ctx.Err()
	}
	return Copied{Backfill: document.Backfill{
		Estimate: &document.BackfillEstimate{Dollars: 1},
		Targets:  []document.BackfillTarget{{Region: "eu-west-1", Missing: 1, MissingBytes: 5}}, Failures: f.failures,
	}}, f.call("backfill %+v", m)
}

// user is a browser that has been let in.
type user struct {
	*http.Client

	t    *testing.T
	base string
	url  string // with the token
	csrf string
}

func serve(t *testing.T, o Options) *user {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o.Source == nil {
		o.Source = &fake{}
	}
	o.Set, o.Interval = "media", cmp.Or(o.Interval, time.Hour)
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- Serve(t.Context(), l, o, func(url string) { urls <- url }) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error("the console ended with", err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{Client: &http.Client{Jar: jar}, t: t, url: <-urls, base: "http://" + l.Addr().String()}
	u.get("/?" + strings.SplitN(u.url, "?", 2)[1]) // its answer has the cookie
	page := u.get("/")
	u.csrf = regexp.MustCompile(`data-csrf="(\w+)"`).FindStringSubmatch(page)[1]
	return u
}

func (u *user) send(method, path string, form url.Values, headers ...string) (int, string) {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), method, u.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		u.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", u.base)
		r.Header.Set("X-CSRF-Token", u.csrf)
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := u.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (u *user) get(path string) string {
	u.t.Helper()
	code, text := u.send(http.MethodGet, path, nil)
	if code != http.StatusOK {
		u.t.Fatalf("GET %s: %d %s", path, code, text)
	}
	return text
}

// until asks for a page until it says so.
func (u *user) until(path, text string) string {
	u.t.Helper()
	const limit = 30 * time.Second // nothing takes that long
	for began := time.Now(); ; {
		page := u.get(path)
		if strings.Contains(page, text) {
			return page
		}
		if time.Since(began) > limit {
			u.t.Fatalf("%s never says %q:\n%.20000s", path, text, page)
		}
		select {
		case <-u.t.Context().Done():
		case <-time.After(time.Millisecond):
		}
	}
}

func TestPagesShowWhatIsAsked(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Now: func() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }})
	for path, want := range map[string]string{
		"/":                      "The Regions are being asked",
		"/key?key=films%2F1.mp4": "as it is: films/1.mp4",
		"/letters":               "have not been read yet",
		"/compare":               "Copy what is missing",
		"/health":                "The Regions are being asked",
		"/report?month=2026-10":  "not the whole month",
	} {
		if page := u.get(path); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, page)
		}
	}
}

// Commands are shown as this one was called, so that a copied one runs.
func TestCommandsAreAsCalled(t *testing.T) {
	for command, want := range map[string]string{"": "s3fanout explain", "bin/s3fanout": "bin/s3fanout explain"} {
		if page := serve(t, Options{Command: command}).get("/key?key=k"); !strings.Contains(page, `data-copy="`+want) {
			t.Errorf("called as %q the page does not say %q:\n%s", command, want, page)
		}
	}
	page := (&Server{pages: called("bin/s3fanout")}).fragment("hint", "first s3fanout doctor, then aws s3api list-buckets; not s3fanout")
	for _, want := range []string{`data-copy="bin/s3fanout doctor"`, `data-copy="aws s3api list-buckets"`, "not s3fanout"} {
		if !strings.Contains(page, want) {
			t.Errorf("a hint does not say %q: %s", want, page)
		}
	}
}

func TestWrongInput(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1"}})
	for _, c := range []struct {
		method, path string
		form         url.Values
		code         int
		says         string
	}{
		{"GET", "/key?key=" + strings.Repeat("k", 1025), nil, 400, "1024 at most"},
		{"GET", "/key?key=%ff", nil, 400, "not UTF-8"},
		{"GET", "/report?month=yesterday", nil, 400, "no figures of this month"},
		{"GET", "/nothing", nil, 404, "This console has no such page"},
		{"GET", "/nothing", nil, 404, `<nav aria-label="Pages">`}, // which leads back
		{"POST", "/nothing", nil, 404, "This console has no such page"},
		{"GET", "/static/nothing", nil, 404, "not found"},
		{"POST", "/letters/replay", url.Values{"region": {"eu-west-9"}, "most": {"1"}}, 400, "no such Region"},
		{"POST", "/letters/replay", url.Values{"prefix": {"\xff"}, "most": {"1"}}, 400, "no key has that prefix"},
		{"POST", "/letters/replay", url.Values{"most": {"0"}}, 400, "does not say how many"},
		{"POST", "/letters/replay", nil, 400, "does not say how many"},
		{"POST", "/compare/verify", url.Values{"prefix": {"\xff"}}, 400, "not UTF-8"},
		{"POST", "/compare/backfill", nil, 409, "make a new one"},
		{"POST", "/compare/backfill", url.Values{"plan": {"guess"}, "limit": {"1e300"}}, 409, "make a new one"},
		{"GET", "/compare/backfill", nil, 405, ""},
	} {
		if code, text := u.send(c.method, c.path, c.form); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s %s: %d %q, want %d and %q", c.method, c.path, code, text, c.code, c.says)
		}
	}
	if calls := f.called(); len(calls) > 0 {
		t.Errorf("something was asked: %q", calls)
	}
}

// A Region whose queue does not answer is no Region without dead letters.
func TestQueuesThatDoNotAnswer(t *testing.T) {
	f := &fake{letters: []document.RedriveLetter{letter("us-east-1", 1, "AccessDenied")}, partly: errors.New("region eu-west-1: no answer")}
	u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1", "eu-west-1"}})
	for _, path := range []string{"/letters/read", "/letters/replay"} {
		u.send(http.MethodPost, path, nil)
		page := u.until("/letters", "no answer")
		if !strings.Contains(page, "job failed") {
			t.Errorf("%s: it looks as if all had answered:\n%s", path, page)
		}
	}
	page := u.get("/letters")
	for _, want := range []string{
		"At least 1 dead letter, read", "eu-west-1: region eu-west-1: no answer; dead letters that were not read are not in the list",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	// Where none answers, the list stays.
	f.fail(errors.New("no Region answers"))
	u.send(http.MethodPost, "/letters/read", nil)
	if page := u.until("/letters", "no Region answers"); !strings.Contains(page, "At least 1 dead letter, read") {
		t.Errorf("queues that did not answer look empty:\n%s", page)
	}
}

// A source that fails is said, and is no empty result.
func TestTroubleIsShown(t *testing.T) {
	u := serve(t, Options{Source: &fake{err: errors.New("region us-east-1: no answer")}})
	code, page := u.send(http.MethodGet, "/key?key=k", nil)
	if code != http.StatusBadGateway || !strings.Contains(page, "no answer") {
		t.Errorf("%d %s", code, page)
	}
	u.send(http.MethodPost, "/letters/read", nil)
	if page := u.until("/letters", "no answer"); !strings.Contains(page, "have not been read yet") {
		t.Error("queues that did not answer look empty")
	}
}
