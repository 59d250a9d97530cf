package console

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestMissingObjectsAreCopied loses events, sees the differences while the comparison
// goes on, stops it, and copies what is missing after its plan was shown, all without
// reloading.
func TestMissingObjectsAreCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	w.lose(t, "us-east-1", "films/lost.mp4", "music/lost.flac")
	w.fault(t, "us-east-1", "s3-unannounced", 1)
	w.upload(t, "us-east-1", "new.txt") // which the comparison waits for
	w.fault(t, "us-east-1", "s3-unannounced", 0)
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.Navigate(w.page("/compare")), chromedp.Evaluate(agree, nil),
		chromedp.Click(`form[action="/compare/verify"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelectorAll("#compared a.object").length == 2 && document.querySelector("#job-verify progress") != null`)
	b.until(t, `document.querySelector("#job-verify").innerText.includes("waiting for 1")`)
	b.run(t, chromedp.Click(`[data-post="/stop/verify"]`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-verify").innerText.includes("Stopped.") && `+
		`document.querySelector("#compared").innerText.includes("It ended early")`)
	b.run(t, chromedp.Click(`.folders a[href*="films"]`, chromedp.ByQuery))
	b.until(t,
		`document.querySelectorAll("#compared a.object").length == 1 && document.querySelector("#plan-prefix").textContent == "films/"`)

	b.run(t, chromedp.Evaluate(agree, nil), chromedp.Click(`form[action="/compare/plan"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#compared").innerText.includes("2 objects to copy")`)
	var asked []string
	b.run(t, chromedp.Click(`form[action="/compare/backfill"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-backfill")?.innerText.includes("2 copied, 0 failed")`)
	b.until(t, `document.querySelector("#compared").innerText.includes("It was carried out")`)
	b.run(t, chromedp.Evaluate(`asked`, &asked))
	if len(asked) != 1 || asked[0] != "Copy 2 objects, 52 B, for $0.01 at most?" {
		t.Errorf("asked %q", asked)
	}

	// The page about a key leads to the plan for it.
	b.run(t, chromedp.Navigate(w.page("/key?key=music/lost.flac")), chromedp.Click(`form[action="/compare/plan"] button`, chromedp.ByQuery))
	b.until(t,
		`location.pathname == "/compare" && document.querySelector("#compared")?.innerText.includes("music/lost.flac: 2 objects to copy")`)
	b.run(t, chromedp.Navigate(w.page("/key?key=films/lost.mp4")))
	b.until(t, `document.querySelector(".verdict")?.innerText.includes("everywhere")`)
	b.fine(t)
}
