package console

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// attack is a page that tries what a browser lets it: to read and to post, with the
// cookies that the browser has.
const attack = `<!doctype html><title>attack</title><body><script>
const base = %q, got = [];
async function run() {
  for (const mode of ["cors", "no-cors"]) for (const method of ["GET", "POST"])
    try {
      const answer = await fetch(base + (method == "GET" ? "/key?key=secret" : "/letters/replay"), {mode, method, credentials: "include"});
      got.push([mode, method, answer.type, answer.status, (await answer.text()).length].join(" "));
    } catch (e) { got.push([mode, method, "refused"].join(" ")); }
  const frame = document.createElement("iframe");
  frame.src = base + "/letters";
  document.body.append(frame);
  await new Promise(r => frame.onload = r);
  try { got.push("frame " + frame.contentDocument.body.innerText); } catch (e) { got.push("frame refused"); }
  const script = document.createElement("script");
  script.src = base + "/static/console.js";
  script.onload = () => { got.push("script loaded"); document.title = "done"; };
  script.onerror = () => { got.push("script refused"); document.title = "done"; };
  document.body.append(script);
}
run();
</script><pre id="got"></pre>`

// A page of another origin in the browser that uses the console can neither read nor
// do anything: what it gets is opaque, and nothing of it arrives.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", "films/1.mp4")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { // until the listener is closed
			rw.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(rw, attack, w.page(""))
		}))
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	b := newBrowser(t)
	b.open(t, w)
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "1"`)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	before := w.changes(t)
	b.fine(t)
	// Another site, and the same site at another port, whose requests have the cookie.
	for _, host := range []string{"localhost:" + port, "127.0.0.1:" + port} {
		b.run(t, chromedp.Navigate("http://"+host))
		b.until(t, `document.title == "done"`)
		var got []string
		b.run(t, chromedp.Evaluate(`got`, &got))
		for _, line := range got {
			if !strings.HasSuffix(line, "refused") && !strings.HasSuffix(line, "opaque 0 0") {
				t.Errorf("a page of %s: %s", host, line)
			}
		}
		if len(got) != 6 {
			t.Errorf("a page of %s tried %q", host, got)
		}
	}
	if after := w.changes(t); after != before {
		t.Errorf("a foreign page changed something: before %s, after %s", before, after)
	}
}
