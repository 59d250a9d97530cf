package console

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"s3fanout/internal/console"
	"s3fanout/internal/operator/document"
)

// crowd is a set of twenty Regions with a hundred thousand dead letters, whose keys
// are hostile. What is not asked of it here would panic.
type crowd struct {
	console.Source

	regions []string
}

func (c crowd) Status(context.Context) (document.Status, error) {
	s := document.Status{ReplicaSet: "media"}
	for i, r := range c.regions {
		letters := 5000
		row := document.StatusRegion{Region: r, Parts: map[string]string{"bucket": "ok"}, DeadLetters: &letters}
		for j, source := range c.regions {
			if i != j {
				row.Lag = append(row.Lag, document.StatusLag{SourceRegion: source, P50: 100, P99: 120_000})
			}
		}
		s.Regions = append(s.Regions, row)
	}
	return s, nil
}

func (c crowd) Trends(context.Context) (list []console.Trend, _ error) {
	one := 1.0
	for _, target := range c.regions {
		for _, source := range c.regions {
			t := console.Trend{SourceRegion: source, TargetRegion: target, Start: time.Unix(0, 0), Period: 5 * time.Minute}
			for range 36 {
				t.Replicas, t.P99Seconds = append(t.Replicas, &one), append(t.P99Seconds, &one)
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func (c crowd) DeadLetters(_ context.Context, read func(int)) (document.Redrive, error) {
	d := document.Redrive{}
	for i := range 100_000 {
		d.Letters = append(d.Letters, document.RedriveLetter{
			Region: c.regions[i%len(c.regions)], MessageID: fmt.Sprint(i), Reason: hostile, Outcome: "waiting",
			Objects: []document.RedriveObject{{Key: fmt.Sprint(i, hostile)}},
		})
	}
	read(len(d.Letters))
	return d, nil
}

// TestCrowd shows a set as large as one can be. The page stays small enough for a
// browser, and no key is HTML.
func TestCrowd(t *testing.T) {
	c := crowd{}
	for i := range 20 {
		c.regions = append(c.regions, fmt.Sprintf("xx-region-%d", i))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	urls, ended := make(chan string, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		ended <- console.Serve(ctx, l, console.Options{Source: c, Set: "media", Regions: c.regions}, func(url string) { urls <- url })
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	b := newBrowser(t)
	b.run(t, chromedp.Navigate(<-urls), chromedp.EmulateViewport(1400, 1000))
	b.until(t, `document.querySelectorAll(".card").length == 20 && document.querySelectorAll("table tbody tr").length == 380`)
	b.until(t, `document.querySelectorAll(".spark canvas").length == 380`)
	b.run(t, chromedp.Navigate("http://"+l.Addr().String()+"/letters"), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-letters")?.innerText.includes("100,000 dead letters")`)
	b.run(t, chromedp.Navigate("http://"+l.Addr().String()+"/letters"))
	var nodes, images int
	var title string
	b.run(t, chromedp.Evaluate(`document.querySelectorAll("*").length`, &nodes), chromedp.Evaluate(`document.images.length`, &images), chromedp.Title(&title))
	if nodes > 5000 || images > 0 || title == "owned" {
		t.Errorf("%d nodes, %d images, title %q", nodes, images, title)
	}
	b.fine(t)
}
