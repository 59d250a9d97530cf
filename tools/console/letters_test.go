package console

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// agree has the page ask nobody, and keeps what it would have asked. What it sets is gone
// when the page is loaded again.
const agree = `window.asked = []; window.confirm = (text) => { asked.push(text); return true; }; 0`

// TestDeadLettersAreReplayed breaks two Regions, sees the dead letters come without
// reloading, and replays one, those that a filter chooses, a group, and all: each shows
// its new state where it stands.
func TestDeadLettersAreReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	b := newBrowser(t)
	b.open(t, w)
	b.until(t, `document.querySelectorAll(".card.ok").length == 3`)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", "films/1.mp4", "films/2.mp4", "music/1.flac")
	w.fault(t, "eu-west-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", "films/3.mp4")
	b.until(t,
		`["ap-northeast-1", "eu-west-1"].map(r => document.querySelector(`+"`a[href=\"/letters?region=${r}\"]`"+
			`)?.textContent).join() == "4,1"`)

	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Evaluate(agree, nil),
		chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	const letters = `[...document.querySelectorAll("#letters [aria-label='Dead letters'] tbody tr")]`
	b.until(t, letters+`.length == 5`)
	press := func(button string) {
		t.Helper()
		b.run(t, chromedp.Evaluate(button+`.click(); 0`, nil))
	}
	press(letters + `.find(tr => tr.innerText.includes("films/1.mp4")).querySelector("button")`)
	b.until(t, letters+`.find(tr => tr.innerText.includes("films/1.mp4")).innerText.includes("failed again")`)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	w.fault(t, "eu-west-1", "s3-unavailable", 0)
	b.until(t, `document.querySelector("#job-replay [data-end]") != null`)
	press(letters + `.find(tr => tr.innerText.includes("films/1.mp4")).querySelector("button")`)
	b.until(t, letters+`.find(tr => tr.innerText.includes("films/1.mp4")).innerText.match(/replayed\s+copied/) != null`)
	b.until(t, `document.querySelector("#job-replay [data-end]")?.innerText.includes("1 replayed, 0 of the chosen left")`)

	// A group, on the page that was loaded before.
	const group = `[...document.querySelectorAll("#letters [aria-label='Reasons'] tbody tr")].find(tr => ` +
		`tr.innerText.includes("ap-northeast-1"))`
	b.until(t, group+`.innerText.includes("1 replayed")`)
	var asked []string
	b.run(t, chromedp.Evaluate(`asked`, &asked))
	if len(asked) != 2 || !strings.HasPrefix(asked[0], "Replay 1 dead letter: ") {
		t.Errorf("asked %q", asked)
	}

	// Those of a filter.
	b.run(t, chromedp.SendKeys("#prefix", "music/", chromedp.ByQuery), chromedp.Submit("#prefix", chromedp.ByQuery))
	b.until(t, `location.search.includes("prefix=music") && document.querySelector("main").innerText.includes("1 chosen")`)
	b.run(t, chromedp.Evaluate(agree, nil))
	press(`[...document.querySelectorAll("#letters button")].find(b => b.innerText == "Replay the 1 chosen")`)
	b.until(t, letters+`.length == 1 && `+letters+`[0].innerText.match(/replayed\s+copied/) != null`)
	b.until(t, `document.querySelector("#job-replay [data-end]") != null`)
	press(group + `.querySelector(".actions button")`)
	b.until(t, `document.querySelector("#job-replay [data-end]")?.innerText.includes("2 replayed, 0 of the chosen left")`)

	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Evaluate(agree, nil))
	press(`[...document.querySelectorAll("#letters button")].find(b => b.innerText == "Replay all 1")`)
	b.until(t, letters+`.length == 5 && `+letters+`.every(tr => tr.innerText.includes("replayed"))`)
	b.run(t, chromedp.Evaluate(`asked`, &asked))
	if len(asked) != 1 || asked[0] != "Replay 1 dead letter: all dead letters?" {
		t.Errorf("asked %q", asked)
	}
	// New ones come without being asked for: the list was read before.
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", "films/4.mp4")
	b.until(t, letters+`.some(tr => tr.innerText.match(/films.4.mp4\s+.*in the queue/) != null)`)
	b.fine(t)
}

// TestReplayIsStopped chooses dead letters by their Region and by their reason, and stops
// a replay of some: they are in the queue, and replayed by the next one.
func TestReplayIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--write")
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.fault(t, "eu-west-1", "s3-slowdown", 1)
	w.upload(t, "us-east-1", "films/1.mp4", "films/2.mp4")
	b := newBrowser(t)
	b.open(t, w)
	b.until(t,
		`["ap-northeast-1", "eu-west-1"].map(r => document.querySelector(`+"`a[href=\"/letters?region=${r}\"]`"+
			`)?.textContent).join() == "2,2"`)
	b.run(t, chromedp.Navigate(w.page("/letters")), chromedp.Click(`form[action="/letters/read"] button`, chromedp.ByQuery))
	const letters = `[...document.querySelectorAll("#letters [aria-label='Dead letters'] tbody tr")]`
	b.until(t, letters+`.length == 4`)

	// filter chooses by the options that have these texts.
	filter := func(region, reason string) {
		t.Helper()
		b.until(t, `[...document.querySelectorAll("#reason option")].some(o => o.text.includes("`+reason+`"))`)
		b.run(t, chromedp.Evaluate(`for (const [id, text] of [["region", "`+region+`"], ["reason", "`+reason+`"]]) {
			const select = document.getElementById(id);
			select.value = [...select.options].find(o => o.text.includes(text)).value;
		}
		document.getElementById("region").form.requestSubmit()`, nil))
		b.until(t, `document.readyState == "complete" && document.querySelector("main").innerText.includes("2 chosen")`)
		b.run(t, chromedp.Evaluate(agree, nil))
	}
	filter("eu-west-1", "all")
	b.until(t, letters+`.length == 2 && `+letters+`.every(tr => tr.innerText.includes("eu-west-1"))`)
	filter("all", "ServiceUnavailable")
	b.until(t, letters+`.length == 2 && `+letters+`.every(tr => tr.innerText.includes("ap-northeast-1"))`)

	w.fault(t, "ap-northeast-1", "s3-unavailable", 0)
	w.fault(t, "eu-west-1", "s3-slowdown", 0)
	w.fault(t, "ap-northeast-1", "s3-bandwidth", 1, "--bytes-per-second", "1") // no copy ends
	const replay = `[...document.querySelectorAll("#letters button")].find(b => b.innerText == "Replay the 2 chosen").click(); 0`
	b.run(t, chromedp.Evaluate(replay, nil), chromedp.Click(`[data-post="/stop/replay"]`, chromedp.ByQuery))
	b.until(t, `document.querySelector("#job-replay [data-end]")?.innerText == "Stopped. 0 of 2 replayed, 0 failed. `+
		`The others were not replayed."`)
	b.until(t, letters+`.length == 2 && `+letters+`.every(tr => tr.innerText.includes("in the queue"))`)
	w.fault(t, "ap-northeast-1", "s3-bandwidth", 0)
	b.run(t, chromedp.Evaluate(replay, nil))
	b.until(t, `document.querySelector("#job-replay [data-end]")?.innerText.includes("2 replayed, 0 of the chosen left")`)
	b.run(t, chromedp.Navigate(w.page("/letters")))
	b.until(t, `["replayed", "in the queue"].every(state => `+letters+`.filter(tr => tr.innerText.includes(state)).length == 2)`)
	b.fine(t)
}
