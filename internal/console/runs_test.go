package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

func letter(region string, i int, reason string) document.RedriveLetter {
	sent := time.Date(2026, 11, 29, 12, 0, i%60, 0, time.UTC)
	return document.RedriveLetter{
		Region: region, MessageID: fmt.Sprint(region, i), SentAt: &sent, Reason: reason, Outcome: "waiting", Attempts: 3,
		Objects: []document.RedriveObject{{Bucket: "b", Key: fmt.Sprintf("films/%d.mp4", i)}},
	}
}

// Twenty thousand dead letters are grouped, and few of them are listed.
func TestManyDeadLetters(t *testing.T) {
	f := &fake{}
	for i := range 20_000 {
		reason := "AccessDenied"
		if i%10 == 0 {
			reason = "NoSuchKey"
		}
		f.letters = append(f.letters, letter("us-east-1", i, reason))
	}
	u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1"}})
	u.send(http.MethodPost, "/letters/read", nil)
	page := u.until("/letters", "20,000 dead letters, read")
	for _, want := range []string{"18,000", "2,000", "The first 200 are listed"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if len(page) > 300_000 {
		t.Errorf("a page of %d bytes", len(page))
	}
	u.send(http.MethodPost, "/letters/replay", url.Values{"reason": {"NoSuchKey"}, "most": {"2000"}})
	u.until("/letters", "2,000 replayed, 0 of the chosen left")
	if page := u.get("/letters"); !strings.Contains(page, "18,000 dead letters, read") {
		t.Error("what was replayed is still counted")
	}
}

// One run of a kind goes on at a time; it can be stopped.
func TestRunsAreStopped(t *testing.T) {
	u := serve(t, Options{})
	long := url.Values{"prefix": {"long"}}
	if code, text := u.send(http.MethodPost, "/compare/verify", long, "HX-Request", "true"); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, text)
	}
	if code, text := u.send(http.MethodPost, "/compare/verify", long); code != http.StatusConflict ||
		!strings.Contains(text, "already under way") {
		t.Errorf("a second one: %d %s", code, text)
	}
	// It leads nowhere, whatever the request asks for.
	if code, text := u.send(http.MethodPost, "/stop/verify", url.Values{"back": {`/\attacker.example`}}); code != http.StatusNoContent {
		t.Errorf("to stop it: %d %s", code, text)
	}
	u.until("/compare", "Stopped.")
}

// A replay that is stopped, or that one Region fails, says what it did and nothing of
// dead letters that did not come: it did not wait for them.
func TestReplaysThatEndEarly(t *testing.T) {
	for name, c := range map[string]struct {
		partly  error
		stopped bool
		says    string
	}{
		"stopped": {nil, true, "Stopped. 1 of 4 replayed, 1 failed. Replayed: copied. The others were not replayed."},
		"stopped, failing": {errors.New("region eu-west-1: no answer"), true,
			"Stopped. 1 of 4 replayed, 1 failed. Replayed: copied. The others were not replayed."},
		"failing": {errors.New("region eu-west-1: no answer"), false,
			"1 of 4 replayed, 1 failed. Replayed: copied. The others were not replayed. region eu-west-1: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{
				letters: []document.RedriveLetter{letter("us-east-1", 1, "SlowDown"), letter("us-east-1", 2, "SlowDown")}, partly: c.partly,
			}
			f.letters[1].Objects[0].Key = "bad"
			if c.stopped {
				f.letters = append(f.letters, letter("us-east-1", 3, "SlowDown"), letter("us-east-1", 4, "SlowDown"))
				f.letters[2].Objects[0].Key = "long"
			}
			u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1", "eu-west-1"}})
			u.send(http.MethodPost, "/letters/replay", url.Values{"most": {"4"}})
			if c.stopped {
				u.until("/letters", "1 of 4 replayed, 1 not")
				u.send(http.MethodPost, "/stop/replay", nil)
			}
			if page := u.until("/letters", c.says); strings.Contains(page, "did not come") {
				t.Errorf("letters are said not to have come:\n%s", page)
			}
		})
	}
}

// A run that is stopped says what came of it, also where there is nothing to say.
func TestStoppedRunsSayWhatCameOfThem(t *testing.T) {
	u := serve(t, Options{})
	u.send(http.MethodPost, "/compare/plan", url.Values{"prefix": {"long"}})
	u.until("/compare", "1 missing so far")
	u.send(http.MethodPost, "/stop/plan", nil)
	u.until("/compare", "Stopped. There is no plan.")

	ended := make(chan job, 1)
	runs := newJobs(t.Context(), time.Now, func(_ string, j job) {
		if !j.Running() {
			ended <- j
		}
	})
	runs.start("replay", "Replay", func(ctx context.Context, _ progress) (string, error) {
		<-ctx.Done()
		return "", errors.New("2 replayed, 1 left")
	})
	runs.stop("replay")
	if j := <-ended; j.Text != "Stopped. 2 replayed, 1 left" || !j.Stopped || j.Failed {
		t.Errorf("it ended with %+v", j)
	}
}

// The plan's price bounds what a copy may cost.
func TestCopiesKeepToThePlan(t *testing.T) {
	f := &fake{}
	u := serve(t, Options{Source: f, Write: true})
	u.send(http.MethodPost, "/compare/plan", url.Values{"prefix": {"films/"}})
	page := u.until("/compare", "Copy for $1.10 at most")
	id := regexp.MustCompile(`name="plan" value="(\w+)"`).FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("the form has no plan:\n%s", page)
	}
	u.send(http.MethodPost, "/compare/backfill", url.Values{"plan": {id[1]}})
	u.until("/compare", "0 copied, 0 failed, 0 left")
	if calls := f.called(); !strings.Contains(calls[len(calls)-1], "{Prefix:films/ Keys:[] DryRun:false Limit:1.1}") {
		t.Errorf("%q", calls)
	}
	if code, _ := u.send(http.MethodPost, "/compare/backfill", url.Values{"plan": {id[1]}}); code != http.StatusConflict {
		t.Errorf("a plan is carried out twice: %d", code)
	}
}

// What changes is sent to whoever watches; nobody is asked before.
func TestLive(t *testing.T) {
	f := &fake{
		look: Look{
			Status: document.Status{ReplicaSet: "media", Regions: []document.StatusRegion{{Region: "us-east-1"}, {Region: "eu-west-1"}}},
		},
	}
	u := serve(t, Options{Source: f, Regions: []string{"us-east-1", "eu-west-1"}})
	u.get("/")
	if calls := f.called(); len(calls) > 0 {
		t.Errorf("nobody watches, and it asked %q", calls)
	}
	u.watch().until("overview", "eu-west-1")
}
