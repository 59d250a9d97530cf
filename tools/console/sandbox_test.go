package console

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSandboxShowsWhatHappens uploads by hand to a sandbox with a console, sees the
// event go to all Regions, breaks one, and sees the dead letter and its replay.
func TestSandboxShowsWhatHappens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "one.txt")
	if err := os.WriteFile(file, []byte("contents"), 0o600); err != nil {
		t.Fatal(err)
	}
	sandbox := command(t, "sandbox", "--listen", "127.0.0.1:0", "--retry-wait", "10ms", "--console")
	w := &world{URL: printedURL(t, sandbox)}
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.Navigate(w.page("/sandbox")))
	b.run(t, chromedp.SendKeys(`[data-drop="us-east-1"] input[type=file]`, file, chromedp.ByQuery))
	b.until(t, `[...document.querySelectorAll("#flow li")].filter(li => /announced|delivered .* done/.test(li.innerText)).length == 3`)

	b.run(t, chromedp.Click(`[data-drop="eu-west-1"] summary`, chromedp.ByQuery), chromedp.Click(`[data-region="eu-west-1"][data-fault="s3-unavailable"]`, chromedp.ByQuery))
	two := filepath.Join(t.TempDir(), "two.txt")
	if err := os.WriteFile(two, []byte("more"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run(t, chromedp.SendKeys(`[data-drop="us-east-1"] input[type=file]`, two, chromedp.ByQuery))
	b.until(t, `[...document.querySelectorAll("#flow li")].some(li => li.innerText.includes("failed") && li.innerText.includes("dead letter"))`)
	b.run(t, chromedp.Click(`[data-region="eu-west-1"][data-fault="s3-unavailable"]`, chromedp.ByQuery))

	b.run(t, chromedp.Navigate(w.page("/key?key=two.txt")))
	b.until(t, `document.querySelector(".verdict")?.innerText.includes("dead-letter")`)
	b.run(t, chromedp.Evaluate(`window.confirm = () => true; 0`, nil), chromedp.Click(`form[action="/letters/replay"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-replay")?.innerText.includes("1 replayed, 0 of the chosen left")`)
	b.run(t, chromedp.Navigate(w.page("/key?key=two.txt")))
	b.until(t, `document.querySelector(".verdict")?.innerText.includes("everywhere")`)
	b.fine(t)
}
