package console

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
)

// sent is the value of a hidden field as a browser sends it: HTML's parser and the
// form change line breaks, and NUL is not kept.
func sent(source string) string {
	parsed := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\ufffd").Replace(source)
	return strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n").Replace(html.UnescapeString(parsed))
}

// A form is about the key that its page shows, also one that no field can hold: a replay
// of another key's dead letters, or a copy of another key, would be the wrong one.
func TestFormsKeepTheirKeys(t *testing.T) {
	const prefix = "a\r\nb\rb\tc/"
	const key = prefix + "d\re\nf\x00 %2F+&\"'<>"
	escaped := url.QueryEscape(key)
	dead := letter("us-east-1", 1, "AccessDenied")
	dead.Objects[0].Key = key
	for name, c := range map[string]struct{ page, action, want string }{
		"a replay of a key": {"/letters?only=" + escaped, "/letters/replay", fmt.Sprintf("replay %v", Letters{Key: key, Most: 1})},
		"a replay below a prefix": {"/letters?prefix=" + url.QueryEscape(prefix), "/letters/replay",
			fmt.Sprintf("replay %v", Letters{Prefix: prefix, Most: 1})},
		"a replay on a key's page": {"/key?key=" + escaped, "/letters/replay", fmt.Sprintf("replay %v", Letters{Key: key, Most: 1})},
		"a plan for a key": {"/key?key=" + escaped, "/compare/plan",
			fmt.Sprintf("backfill %+v", Missing{Keys: []string{key}, DryRun: true})},
		"a plan below a prefix": {"/compare?within=" + url.QueryEscape(prefix), "/compare/plan",
			fmt.Sprintf("backfill %+v", Missing{Prefix: prefix, DryRun: true})},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{letters: []document.RedriveLetter{dead}, missing: true}
			u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1"}})
			u.send(http.MethodPost, "/letters/read", nil)
			u.until("/letters", "1 dead letter, read")
			form := forms(u.get(c.page), c.action)[0]
			u.send(http.MethodPost, c.action, form)
			if c.action == "/letters/replay" {
				u.until("/letters", "of the chosen left")
			} else {
				u.until("/compare", "The plan is below")
			}
			if calls := f.called(); calls[len(calls)-1] != c.want {
				t.Errorf("asked for %q, want %q", calls[len(calls)-1], c.want)
			}
		})
	}
	u := serve(t, Options{Write: true})
	for _, path := range []string{"/letters/replay", "/compare/plan"} {
		code, text := u.send(http.MethodPost, path, url.Values{"prefix-encoded": {"%zz"}, "most": {"1"}})
		if code != http.StatusBadRequest || !strings.Contains(text, "load the page again") {
			t.Errorf("%s of a key that cannot be decoded: %d %q", path, code, text)
		}
	}
}

// A key that a field of text cannot hold is not offered, nor put, into one: it would be
// another key there.
func TestFieldsHoldNoOtherKey(t *testing.T) {
	f := &fake{keys: []string{"a\nb", "a\rb", "ab"}}
	u := serve(t, Options{Source: f})
	if names := u.get("/key/names?key=a"); strings.Count(names, "<option") != 1 || !strings.Contains(names, `value="ab"`) {
		t.Errorf("offered are %s", names)
	}
	if page := u.get("/key?key=a%0D%0Ab"); strings.Contains(page, "value=\"a\r") || !strings.Contains(page, `placeholder="a\r\nb"`) {
		t.Errorf("the field has another key:\n%s", page)
	}
}

// What is sent to a browser has the carriage returns that it had.
func TestCarriageReturnsAreSent(t *testing.T) {
	h := newHub()
	h.set("part", "a\rb\nc\r\nd")
	server := httptest.NewServer(http.HandlerFunc(h.serve))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read
	if name, data := newEvents(t, resp.Body).next(); name != "part" || html.UnescapeString(data) != "a\rb\nc\r\nd\n" {
		t.Errorf("%s was sent as %q", name, data)
	}
}

// Whatever a key holds, it is text.
func TestKeysAreText(t *testing.T) {
	const key = `<script>alert(1)</script>"'>&\` + "\u202e"
	u := serve(t, Options{})
	page := u.get("/key?key=" + url.QueryEscape(key))
	page = regexp.MustCompile(`<input[^>]*>`).ReplaceAllString(page, "") // a field has its value as it is
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "\u202e") {
		t.Errorf("a key is HTML, or turns the text around:\n%s", page)
	}
}

// Links name the key that they stand beside, whatever it holds.
func TestLinksNameTheirKeys(t *testing.T) {
	const key = `films/a b+c&d=e?f#g%2F"'<>.mp4`
	l := letter("us-east-1", 1, "AccessDenied: "+key)
	l.Objects[0].Key = key
	u := serve(t, Options{Source: &fake{letters: []document.RedriveLetter{l}}, Regions: []string{"us-east-1"}})
	u.send(http.MethodPost, "/letters/read", nil)
	page := u.until("/letters", "1 dead letter, read")
	links := regexp.MustCompile(`href="(/(?:key|letters)\?[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) != 2 {
		t.Fatalf("%d links:\n%s", len(links), page)
	}
	for i, want := range []string{"1 chosen", "as it is: films/a b+c&d=e?f#g%2F"} {
		if target := html.UnescapeString(u.get(html.UnescapeString(links[i][1]))); !strings.Contains(target, want) {
			t.Errorf("%s does not lead to %q:\n%s", links[i][1], want, target)
		}
	}
}
