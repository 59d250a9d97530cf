package console

import (
	"context"
	"net/url"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// crowd starts the console of a set as large as one can be.
func crowd(t *testing.T) *world {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "run", "./internal/proof/crowd")
	cmd.Dir = "../.."
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{URL: printedURL(t, cmd)}
	t.Cleanup(func() { _ = in.Close() }) // it ends by that, before it is waited for
	return w
}

// TestCrowd shows a set as large as one can be. The pages stay small enough for a
// browser and fit it, what is live has no more elements than what is loaded, no key is
// HTML, and it prints how long each page takes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	w := crowd(t)
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.EmulateViewport(1400, 1000))
	b.until(t, `document.querySelectorAll(".card").length == 20 && document.querySelectorAll("table tbody tr").length == 20`)
	b.until(t, `document.querySelectorAll(".spark canvas").length == 40 && document.querySelectorAll(".arrow").length == 30`)
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("100,000 dead letters")`)
	for _, path := range []string{
		"/", "/pairs", "/pairs?region=xx-region-7", "/key?key=" + url.QueryEscape(hostile), "/letters", "/health", "/report",
	} {
		b.run(t, chromedp.Navigate(w.page(path)))
		b.until(t, `document.getElementById("clock").textContent.includes("UTC")`)
		var nodes, images, took int
		var title string
		b.run(t, chromedp.Evaluate(`document.querySelectorAll("*").length`, &nodes), chromedp.Evaluate(`document.images.length`, &images),
			chromedp.Title(&title),
			chromedp.Evaluate(`Math.round(performance.getEntriesByType("navigation")[0].duration)`, &took))
		t.Logf("%-30.30s loaded in %4d ms, %5d elements", path, took, nodes)
		if nodes > 6000 || images > 0 || title == "owned" {
			t.Errorf("%s: %d elements, %d images, title %q", path, nodes, images, title)
		}
	}
	b.wantAccessible(t, w, "/")
	b.fine(t)
}
