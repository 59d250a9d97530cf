package console

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPictures takes the pictures of the pages and puts them into PICTURES.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PICTURES")
	if dir == "" {
		t.Skip("PICTURES names no directory")
	}
	w := newWorld(t, "--write")
	for _, r := range []string{"us-east-1", "eu-west-1", "ap-northeast-1"} {
		keys := []string{r + "/1.mp4", r + "/2.mp4", r + "/3.mp4"}
		w.upload(t, r, keys...)
		w.everywhere(t, keys...)
	}
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "eu-west-1", "music/1.flac", "music/2.flac", "films/4.mp4")
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.EmulateViewport(1400, 1000))
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "3"`)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	picture := func(name string) {
		for _, theme := range []string{"light", "dark"} {
			b.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}))
			var png []byte
			b.run(t, chromedp.FullScreenshot(&png, 100))
			if err := os.WriteFile(dir+"/"+name+"-"+theme+".png", png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	picture("overview")
	b.run(t, chromedp.Navigate(w.page("/key?key=music/1.flac")))
	picture("key")
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("3 dead letters")`)
	b.run(t, chromedp.Navigate(w.page("/letters")))
	picture("letters")
	b.run(t, chromedp.Navigate(w.page("/health")))
	picture("health")
	b.run(t, chromedp.Navigate(w.page("/report")))
	picture("report")
}
