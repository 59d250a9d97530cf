package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
)

func difference(kind, key string) document.VerifyDifference {
	return document.VerifyDifference{Kind: kind, Key: key, Why: "absent", Without: []string{"eu-west-1"}}
}

// Differences are there while the comparison goes on, by prefix and kind; Stop ends it
// and says that it is of a part.
func TestDifferencesAreLive(t *testing.T) {
	f := &fake{}
	for i := range 300 {
		f.differences = append(f.differences, difference("missing", fmt.Sprintf("films/%d/a.mp4", i)))
	}
	f.differences = append(f.differences, difference("different", `music/"><script>alert(1)</script>/x`), difference("missing", "top"))
	u := serve(t, Options{Source: f})
	before := u.get("/compare")
	u.send(http.MethodPost, "/compare/verify", url.Values{"prefix": {"long"}})
	page := u.until("/compare", "302 keys; the first 200 are listed")
	for _, want := range []string{"The Regions are being compared", ">films/</a> 300", "missing 301", "different 1", "/stop/verify"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Count(page, "<tr>") > mostRows+1 {
		t.Errorf("a key is HTML, or %d rows", strings.Count(page, "<tr>"))
	}
	if part := u.get("/compare/part?within=films/&kind=missing"); !strings.Contains(part, "100 prefixes with fewer are not listed") ||
		!strings.Contains(part, "300 keys") {
		t.Errorf("below a prefix:\n%.2000s", part)
	}
	if part := u.get("/compare/part?kind=different"); !strings.Contains(part, "<p>1 key.") {
		t.Errorf("of a kind:\n%.2000s", part)
	}
	u.send(http.MethodPost, "/stop/verify", nil)
	page = u.until("/compare", "Stopped. 1 key compared")
	if !strings.Contains(page, "It ended early") || !strings.Contains(page, "302 keys") {
		t.Error("a comparison that was stopped looks whole, or has lost what was found")
	}
	if version := func(page string) string { return strings.SplitAfter(page, `data-version="`)[1][:2] }; version(before) == version(page) {
		t.Error("no browser is told that the part has changed")
	}
}

// A Region that cannot be asked ends a comparison, which does not look whole; no plan
// can be carried out that was not made.
func TestRegionsThatCannotBeAsked(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Write: true})
	u.send(http.MethodPost, "/compare/plan", nil)
	id := forms(u.until("/compare", "Copy for $1.10 at most"), "/compare/backfill")[0]
	f.fail(errors.New("region eu-west-1: no answer"))
	u.send(http.MethodPost, "/compare/verify", nil)
	page := u.until("/compare", "no answer; 1 key compared until then")
	if !strings.Contains(page, "job failed") || !strings.Contains(page, "It ended early") {
		t.Errorf("it looks as if all had answered:\n%s", page)
	}
	u.send(http.MethodPost, "/compare/plan", nil)
	if page = u.until("/compare", "region eu-west-1: no answer</p>"); len(forms(page, "/compare/backfill")) > 0 {
		t.Error("an old plan is offered as the newest")
	}
	if code, _ := u.send(http.MethodPost, "/compare/backfill", id); code != http.StatusConflict {
		t.Errorf("an old plan is carried out: %d", code)
	}
}

// A plan is offered once, with what it copies; what came of it is shown with reasons.
func TestPlanAndResult(t *testing.T) {
	f := &fake{failures: []document.CopyFailure{{Region: "eu-west-1", Key: "<b>", Class: "denied", Reason: "AccessDenied: <i>"}}}
	u := serve(t, Options{Source: f, Write: true})
	u.send(http.MethodPost, "/compare/plan", url.Values{"key": {"it's"}})
	page := u.until("/compare", "1 object to copy, 5 B")
	for _, want := range []string{
		"Copy 1 object, 5 B, for $1.10 at most?", "Estimated cost: <strong>$1.00</strong>",
		"s3fanout backfill --key=&#39;it&#39;\\&#39;&#39;s&#39;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the plan does not say %q:\n%s", want, page)
		}
	}
	u.send(http.MethodPost, "/compare/backfill", forms(page, "/compare/backfill")[0])
	page = u.until("/compare", "AccessDenied: &lt;i&gt;")
	if !strings.Contains(page, "It was carried out") || len(forms(page, "/compare/backfill")) > 0 {
		t.Errorf("a plan that was carried out is offered again:\n%s", page)
	}
}

// grown is a set in which more is missing than was planned: a copy waits, and is refused.
type grown struct {
	*fake

	refuse chan error
}

func (g *grown) Backfill(ctx context.Context, m Missing, progress func(int, int)) (Copied, error) {
	d, err := g.fake.Backfill(ctx, m, progress)
	if !m.DryRun {
		err = <-g.refuse
	}
	return d, err
}

// A plan says that it was carried out once it was, and no sooner; one that was refused
// says that nothing was copied.
func TestPlanSaysHowFarItIs(t *testing.T) {
	const goesOn, was, nothing = "It is being carried out", "It was carried out",
		"Nothing was copied: it would cost $9, more than was agreed to; make a new plan"
	for _, c := range []struct {
		end        error
		says, lies string
	}{
		{nil, was, nothing},
		{errors.New("no answer"), was, nothing},
		{fmt.Errorf("it would cost $9, %w", ErrOverLimit), nothing, was},
	} {
		g := &grown{fake: &fake{}, refuse: make(chan error)}
		u := serve(t, Options{Source: g, Write: true})
		u.send(http.MethodPost, "/compare/plan", nil)
		page := u.until("/compare", "Copy for $1.10 at most")
		u.send(http.MethodPost, "/compare/backfill", forms(page, "/compare/backfill")[0])
		if page = u.get("/compare"); !strings.Contains(page, goesOn) || strings.Contains(page, was) || strings.Contains(page, nothing) {
			t.Errorf("while it goes on, the page says\n%s", page)
		}
		g.refuse <- c.end
		page = u.until("/compare", c.says)
		if strings.Contains(page, c.lies) || strings.Contains(page, goesOn) ||
			strings.Contains(page, "<h2>Copied</h2>") != (c.says == was) {
			t.Errorf("after %v the page says\n%s", c.end, page)
		}
	}
}
