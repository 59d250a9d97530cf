package console

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPictures takes the pictures of the pages and puts them into PICTURES. README's
// docs/console.png is overview-light.png.
func TestPictures(t *testing.T) {
	if os.Getenv("PICTURES") == "" {
		t.Skip("PICTURES names no directory")
	}
	w := newWorld(t, "--write")
	for _, r := range []string{"us-east-1", "eu-west-1", "ap-northeast-1"} {
		w.upload(t, r, r+"/1.mp4", r+"/2.mp4", r+"/3.mp4")
	}
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "eu-west-1", "music/1.flac", "music/2.flac", "films/4.mp4")
	w.settled(t)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	b := newBrowser(t)
	b.open(t, w)
	b.run(t, chromedp.EmulateViewport(width, height))
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "3" && `+
		`document.querySelector("main").innerText.includes("ALARM")`)
	b.picture(t, "overview")
	b.run(t, chromedp.Navigate(w.page("/key?key=music/1.flac")))
	b.picture(t, "key")
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("3 dead letters")`)
	b.run(t, chromedp.Navigate(w.page("/letters")))
	b.picture(t, "letters")
	b.run(t, chromedp.Navigate(w.page("/health")))
	b.picture(t, "health")
	b.run(t, chromedp.Navigate(w.page("/report")))
	b.picture(t, "report")

	w, b = newPlayground(t)
	b.drop(t, "us-east-1", file(t, "replicated.txt"))
	b.wantFlow(t, "replicated.txt", `^eu-west-1: .*copied`, `^ap-northeast-1: .*copied`)
	w.fault(t, "eu-west-1", "s3-unavailable", 1)
	b.drop(t, "ap-northeast-1", file(t, "given up.txt"))
	b.wantFlow(t, "given up.txt", `waits in a dead-letter queue`)
	w.fault(t, "us-east-1", "s3-unannounced", 1)
	b.drop(t, "us-east-1", file(t, "lost.txt"))
	b.wantFlow(t, "lost.txt", `^us-east-1: lost`)
	b.run(t, chromedp.EmulateViewport(width, height), chromedp.Navigate(w.page("/sandbox")))
	b.picture(t, "sandbox")
}

const (
	width, height = 1200, 1250 // pixels
	mostPicture   = 150e3      // bytes
)

// picture takes one of the beginning of the page in each theme.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	for _, theme := range []string{"light", "dark"} {
		b.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}))
		var taken []byte
		b.run(t, chromedp.CaptureScreenshot(&taken))
		picture, err := png.Decode(bytes.NewReader(taken))
		if err != nil {
			t.Fatal(err)
		}
		var small bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewerColours(picture)); err != nil {
			t.Fatal(err)
		}
		if small.Len() > mostPicture {
			t.Errorf("the picture of %s, %s, has %d bytes", name, theme, small.Len())
		}
		if err := os.WriteFile(filepath.Join(os.Getenv("PICTURES"), name+"-"+theme+".png"), small.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// fewerColours is a picture of its 256 most frequent colours; each other one becomes the
// nearest of them. Pages have few, and many between them at the edges of letters.
func fewerColours(from image.Image) image.Image {
	count := map[color.Color]int{}
	bounds := from.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[from.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	to := image.NewPaletted(bounds, colours[:min(256, len(colours))])
	nearest := map[color.Color]uint8{}
	for _, c := range colours {
		nearest[c] = uint8(to.Palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			to.SetColorIndex(x, y, nearest[from.At(x, y)])
		}
	}
	return to
}
