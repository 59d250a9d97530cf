package console

import (
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestCrowd shows a set as large as one can be. The page stays small enough for a
// browser, and no key is HTML.
func TestCrowd(t *testing.T) {
	t.Parallel()
	crowd := exec.CommandContext(t.Context(), "go", "run", "./internal/proof/crowd")
	crowd.Dir = "../.."
	in, err := crowd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{URL: printedURL(t, crowd)}
	t.Cleanup(func() { _ = in.Close() }) // before it is waited for
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.EmulateViewport(1400, 1000))
	b.until(t, `document.querySelectorAll(".card").length == 20 && document.querySelectorAll("table tbody tr").length == 20`)
	b.until(t, `document.querySelectorAll(".spark canvas").length == 40`)
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("100,000 dead letters")`)
	b.run(t, chromedp.Navigate(w.page("/letters")))
	var nodes, images int
	var title string
	b.run(t, chromedp.Evaluate(`document.querySelectorAll("*").length`, &nodes), chromedp.Evaluate(`document.images.length`, &images), chromedp.Title(&title))
	if nodes > 5000 || images > 0 || title == "owned" {
		t.Errorf("%d nodes, %d images, title %q", nodes, images, title)
	}
	b.fine(t)
}
