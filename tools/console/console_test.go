package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const hostile = `<img src=x onerror="document.title='owned'">/"'&amp;` + "\u202e.txt"

// TestPages looks at each page in both themes, from a telephone's width to 4 K:
// nothing is wider than the window, nothing breaks the policy, and axe-core
// (https://github.com/dequelabs/axe-core) finds nothing serious.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	w.upload(t, "us-east-1", "films/1.mp4", hostile)
	w.lose(t, "us-east-1", "lost/"+hostile, "lost/2")
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "eu-west-1", "music/"+strings.Repeat("long", 50)+".flac")
	b := newBrowser(t)
	b.open(t, w)
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "1"`)
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("1 dead letter in the queues")`)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	b.run(t, chromedp.Navigate(w.page("/compare")), chromedp.Click(`form[action="/compare/plan"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#compared [aria-label='The plan']") != null`)
	b.run(t, chromedp.Click(`form[action="/compare/verify"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelectorAll("#compared a.object").length >= 2`)
	b.run(t, chromedp.Click(`[data-post="/stop/verify"]`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-verify [data-end]") != null`)
	for _, path := range []string{
		"/", "/pairs", "/key?key=films/1.mp4", "/key?key=lost/2", "/key", "/letters", "/compare", "/health", "/report",
	} {
		b.wantAccessible(t, w, path)
	}
	b.fine(t)
}

// brokenNames are the Regions in cells of tables that are on more lines than one.
const brokenNames = `[...document.querySelectorAll("td")].flatMap(td => [...td.childNodes, ...td.querySelectorAll(".name")])
	.filter(n => /^[a-z]+-[a-z]+-\d$/.test(n.textContent))
	.filter(n => { const r = document.createRange(); r.selectNodeContents(n); return r.getClientRects().length > 1; })
	.map(n => n.textContent)`

// whatIsTorn says what of a page is torn: in a wide window labels that are not in the
// line of their fields, in a narrow one names of pages that do not use its width.
const whatIsTorn = `(() => {
	const box = el => el.getBoundingClientRect();
	if (innerWidth < 600) return box(document.querySelector("nav")).width < innerWidth * .8 ? "the pages' names are in a column" : "";
	return [...document.querySelectorAll("label[for]")].filter(l => box(l).bottom <= box(document.getElementById(l.htmlFor)).top)
		.map(l => "the label " + l.innerText + " is above its field").join(", "); })()`

// wantAccessible looks at a page as TestPages says.
func (b *browser) wantAccessible(t *testing.T, w *world, path string) {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "..", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, theme := range []string{"light", "dark"} {
		b.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}),
			chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.page(path)), chromedp.WaitReady("main", chromedp.ByQuery))
		for _, width := range []int64{3840, 1280, 800, 360} { // also what was drawn for a wider window fits a narrow one
			b.run(t, chromedp.EmulateViewport(width, 900))
			b.until(t, fmt.Sprintf("window.innerWidth == %d", width))
			var wide int64
			var broken []string
			b.run(t, chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide), chromedp.Evaluate(brokenNames, &broken))
			if wide > width {
				t.Errorf("%s, %s: %d pixels wide in a window of %d", path, theme, wide, width)
			}
			if len(broken) > 0 {
				t.Errorf("%s, %s, %d: names on several lines: %q", path, theme, width, broken)
			}
			if width == 800 || width == 3840 {
				continue
			}
			var torn string
			b.run(t, chromedp.Evaluate(whatIsTorn, &torn))
			if torn != "" {
				t.Errorf("%s, %s, %d: %s", path, theme, width, torn)
			}
			var violations []string
			b.run(t, chromedp.Evaluate(string(axe)+"; 0", nil),
				chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => { d.open = true; });
				axe.run().then(r => r.violations.filter(v => ["serious", "critical"].includes(v.impact))
					.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" | ")))`, &violations, awaited))
			for _, v := range violations {
				t.Errorf("%s, %s, %d: %s", path, theme, width, v)
			}
		}
	}
}

// broken has line breaks, which HTML's parser, fields and forms change.
const broken = "a\r\nb\rc\td/"

// TestKeysAreNeverHTML shows keys with all that HTML, scripts and terminals would act
// on, in the page about a key and in its completion; a form is about the same key.
func TestKeysAreNeverHTML(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	w.upload(t, "us-east-1", hostile)
	w.lose(t, "us-east-1", broken)
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.Navigate(w.page("/key")), chromedp.SendKeys("#key", "<img", chromedp.ByQuery))
	b.until(t, `document.querySelectorAll("#names option").length == 1`)
	var value, title string
	b.run(t, chromedp.Evaluate(`document.querySelector("#names option").value`, &value))
	if value != hostile {
		t.Errorf("completed as %q, want %q", value, hostile)
	}
	b.run(t,
		chromedp.Evaluate(fmt.Sprintf(`document.querySelector("#key").value = %s; document.querySelector("form").requestSubmit()`,
			asJSON(t, hostile)), nil))
	b.until(t, `document.querySelector(".verdict") != null`)
	b.run(t, chromedp.Title(&title))
	if title == "owned" || !strings.Contains(b.text(t, "main"), "onerror=") {
		t.Errorf("title %q; the page does not show the key as it is:\n%s", title, b.text(t, "main"))
	}
	b.run(t, chromedp.Navigate(w.page("/key?key="+url.QueryEscape(broken))),
		chromedp.Click(`form[action="/compare/plan"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#compared")?.innerText.includes("a\\r\\nb\\rc\\td/: 2 objects to copy")`)
	b.fine(t)
}

// Without --write nothing that is clicked changes anything: S3, SQS and Lambda count
// no request but those that read, and give back what was read of a queue.
func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", "films/1.mp4")
	b := newBrowser(t)
	b.open(t, w)
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "1"`)
	before := w.changes(t)
	b.run(t, chromedp.Navigate(w.page("/key?key=films/1.mp4")), chromedp.Navigate(w.page("/health")), chromedp.Navigate(w.page("/report")))
	b.run(t, chromedp.Navigate(w.page("/compare")), chromedp.Click(`form[action="/compare/plan"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-plan section")?.innerText.includes("ended")`)
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("1 dead letter in the queues")`)
	for _, path := range []string{"/letters", "/compare", "/key?key=films/1.mp4"} {
		var forms int
		b.run(t, chromedp.Navigate(w.page(path)),
			chromedp.Evaluate(`document.querySelectorAll('form[action="/letters/replay"], form[action="/compare/backfill"]').length`,
				&forms))
		if forms > 0 {
			t.Errorf("%s has %d forms that change something", path, forms)
		}
	}
	var codes []int
	b.run(t,
		chromedp.Evaluate(`Promise.all(["/letters/replay", "/compare/backfill"].map(path => fetch(path, {method: "POST", body: "limit=1",
		headers: {"X-CSRF-Token": document.body.dataset.csrf, "Content-Type": "application/x-www-form-urlencoded"}}).then(r => r.status)))`,
			&codes, awaited))
	if fmt.Sprint(codes) != "[403 403]" {
		t.Errorf("posts are answered with %v", codes)
	}
	if after := w.changes(t); after != before {
		t.Errorf("it changed something: before %s, after %s", before, after)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
