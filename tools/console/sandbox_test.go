package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// newPlayground is a sandbox with a console of its own, at its page.
func newPlayground(t *testing.T) (*world, *browser) {
	t.Helper()
	w, b := newSandbox(t, "--console"), newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.page("/sandbox")))
	b.run(t,
		chromedp.Evaluate(`window.confirm = () => true; document.querySelectorAll("details").forEach(d => { d.open = true; }); 0`, nil))
	return w, b
}

func file(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("contents of "+name), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// drop drags a file from the desktop onto a Region.
func (b *browser) drop(t *testing.T, region, path string) {
	t.Helper()
	var at []float64
	b.run(t, chromedp.Evaluate(fmt.Sprintf(`(() => { const el = document.querySelector('[data-drop="%s"] h2'); el.scrollIntoView();
		const r = el.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, region), &at))
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: []string{path}, DragOperationsMask: 1}
	for _, event := range []input.DispatchDragEventType{input.DragEnter, input.DragOver, input.Drop} {
		b.run(t, input.DispatchDragEvent(event, at[0], at[1], data))
	}
}

// wantFlow waits until the newest event has a line that matches for each pattern.
func (b *browser) wantFlow(t *testing.T, key string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		b.until(t,
			fmt.Sprintf(`(() => { const card = document.querySelector("#flow section"); return card?.querySelector("h2").innerText.startsWith(%s)
			&& [...card.querySelectorAll("li, p")].some(el => /%s/.test(el.innerText)); })()`, asJSON(t, key), pattern))
	}
}

// TestSandboxShowsWhatHappens drops a file on one Region and chooses another by its
// field, and sees both events go to all Regions. It breaks a Region, sees the dead
// letter and its replay, loses an event, and sees what repairs that.
func TestSandboxShowsWhatHappens(t *testing.T) {
	t.Parallel()
	w, b := newPlayground(t)
	b.drop(t, "us-east-1", file(t, "one.txt"))
	b.wantFlow(t, "one.txt", `^us-east-1: announced`, `^eu-west-1: delivered .* copied .* done`,
		`^ap-northeast-1: delivered .* copied .* done`, `replica's event filtered`)
	for region := range w.Regions {
		_, err := w.client(region).HeadObject(t.Context(), &s3.HeadObjectInput{
			Bucket: aws.String(w.Regions[region].Bucket), Key: aws.String("one.txt"),
		})
		if err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
	choose := func(region, name string) {
		t.Helper()
		b.run(t, chromedp.SendKeys(`[data-drop="`+region+`"] input[type=file]`, file(t, name), chromedp.ByQuery))
	}
	// click switches a fault, and waits for the page to say how many are on.
	click := func(region, kind, on string) {
		t.Helper()
		b.run(t, chromedp.Click(`[data-region="`+region+`"][data-fault="`+kind+`"]`, chromedp.ByQuery))
		b.until(t, `document.querySelector('[data-struck="`+region+`"]').textContent == "`+on+`"`)
	}
	click("eu-west-1", "s3-unavailable", "(1 on)")
	choose("ap-northeast-1", "two.txt")
	b.wantFlow(t, "two.txt", `^eu-west-1: .*failed .* dead letter`, `waits in a dead-letter queue`)
	click("eu-west-1", "s3-unavailable", "")
	b.run(t, chromedp.Navigate(w.page("/key?key=two.txt")), chromedp.Evaluate(`window.confirm = () => true; 0`, nil),
		chromedp.Click(`form[action="/letters/replay"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-replay")?.innerText.includes("1 replayed, 0 of the chosen left")`)
	b.run(t, chromedp.Navigate(w.page("/sandbox")))
	b.wantFlow(t, "two.txt", `^eu-west-1: .*dead letter .* copied`)

	b.run(t,
		chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => { d.open = true; }); window.confirm = () => true; 0`, nil))
	click("us-east-1", "s3-unannounced", "(1 on)")
	choose("us-east-1", "three.txt")
	b.wantFlow(t, "three.txt", `^us-east-1: lost`, `s3fanout backfill --key`)
	b.wantAccessible(t, w, "/sandbox")
	b.run(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.page("/sandbox")),
		chromedp.Evaluate(`window.confirm = () => true; 0`, nil))
	b.run(t, chromedp.Click(`form[action="/sandbox/reset"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#flow").innerText.includes("Nothing was uploaded yet") && `+
		`document.querySelectorAll("[data-fault]:checked").length == 0`)
	b.run(t, chromedp.Click(`form[action="/sandbox/stop"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#trouble").innerText.includes("does not answer")`)
}

// TestSwitchesFollow switches each fault on and off by its switch, and sees what is
// switched elsewhere.
func TestSwitchesFollow(t *testing.T) {
	t.Parallel()
	w, b := newPlayground(t)
	on := func() (list []string) {
		t.Helper()
		resp, err := http.Get(w.Endpoint + "/_sandbox/faults")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var faults []struct{ Region, Kind string }
		if err := json.NewDecoder(resp.Body).Decode(&faults); err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			list = append(list, f.Region+" "+f.Kind)
		}
		return list
	}
	var kinds []string
	b.run(t,
		chromedp.Evaluate(`[...document.querySelectorAll('[data-region="eu-west-1"]:not([data-number])')].map(el => el.dataset.fault)`,
			&kinds))
	if len(kinds) < 10 {
		t.Fatalf("there are the switches %q", kinds)
	}
	for _, kind := range kinds {
		box := `[data-region="eu-west-1"][data-fault="` + kind + `"]`
		for _, want := range []string{"[eu-west-1 " + kind + "]", "[]"} {
			b.run(t, chromedp.Click(box, chromedp.ByQuery))
			b.until(t,
				fmt.Sprintf(`document.querySelector('[data-struck="eu-west-1"]').textContent == %q`,
					map[bool]string{true: "(1 on)"}[want != "[]"]))
			if got := fmt.Sprint(on()); got != want {
				t.Errorf("%s: %s is on, want %s", kind, got, want)
			}
		}
	}
	w.fault(t, "us-east-1", "lambda-crash", 1)
	b.until(t, `document.querySelector('[data-region="us-east-1"][data-fault="lambda-crash"]').checked`)
	w.fault(t, "us-east-1", "lambda-crash", 0)
	b.until(t, `!document.querySelector('[data-region="us-east-1"][data-fault="lambda-crash"]').checked`)
	b.fine(t)
}
