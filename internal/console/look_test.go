package console

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

// A Region that does not answer is told as such, and its figures are none.
func TestSilentRegionsAreNamed(t *testing.T) {
	away := document.StatusRegion{Region: "eu-west-1", MetricsUnavailable: "the Region does not answer"}
	look := Look{Status: document.Status{Regions: []document.StatusRegion{region("us-east-1"), away}}}
	look.Silent = map[string]time.Time{"eu-west-1": time.Date(2026, 11, 29, 20, 31, 7, 0, time.UTC)}
	u := serve(t, Options{Source: &fake{look: look}, Regions: []string{"us-east-1", "eu-west-1"}})
	text := u.watch().until("overview", "eu-west-1")
	_, card, _ := strings.Cut(text, `aria-label="eu-west-1"`)
	card, _, _ = strings.Cut(card, "</section>")
	if !strings.Contains(card, "Not available since 20:31:07 UTC") || strings.Contains(card, "<dd>0") || strings.Contains(card, ">0<") {
		t.Errorf("the card says\n%s", card)
	}
}

// turning fails each second look.
type turning struct {
	*fake

	looks int
}

func (f *turning) Status(ctx context.Context) (Look, error) {
	look, err := f.fake.Status(ctx)
	if f.looks++; f.looks%2 == 0 {
		err = errors.New("no Region answers")
	}
	return look, err
}

// What is shown while a look fails has the time that it is of.
func TestTroubleTellsFromWhenTheFiguresAre(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 29, 20, 31, 7, 0, time.UTC) }
	u := serve(t, Options{Source: &turning{fake: &fake{}}, Interval: 10 * time.Millisecond, Now: now})
	e := u.watch()
	e.until("trouble", "what is shown is of 2026-11-29 20:31:07 UTC. no Region answers")
	for {
		if name, data := e.next(); name == "trouble" && strings.TrimSpace(data) == "" {
			return // it goes with the next look
		}
	}
}

// A page is not sent the parts that it is without.
func TestPartsThatAPageIsWithout(t *testing.T) {
	h := newHub()
	h.set("overview", "1")
	h.set("clock", "1")
	l := h.join([]string{"overview"})
	if news := h.take(l); len(news) != 1 || news["clock"] != "1" {
		t.Errorf("at first: %v", news)
	}
	h.set("overview", "2")
	h.set("clock", "2")
	if news := h.take(l); len(news) != 1 || news["clock"] != "2" {
		t.Errorf("then: %v", news)
	}
}

// Nothing but the time of the look is sent while nothing changes.
func TestQuiet(t *testing.T) {
	at := time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC)
	now := func() time.Time {
		at = at.Add(time.Second) // of the looks alone
		return at
	}
	look := Look{Status: document.Status{Regions: []document.StatusRegion{region("us-east-1"), region("eu-west-1")}}}
	e := serve(t, Options{Source: &fake{look: look}, Interval: time.Millisecond, Now: now}).watch()
	sent := map[string]int{}
	for sent["clock"] < 50 {
		name, _ := e.next()
		sent[name]++
	}
	// The first look is sent before its alarms are known, and after.
	for name, n := range sent {
		if name != "clock" && n > 2 {
			t.Errorf("%s was sent %d times in 50 looks", name, n)
		}
	}
}
