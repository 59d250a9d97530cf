package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

var someTime = time.Unix(1, 0)

// forms are the fields of the forms of a page that post to an address.
func forms(page, action string) []url.Values {
	var list []url.Values
	for _, form := range regexp.MustCompile(`(?s)<form method="post" action="`+action+`".*?</form>`).FindAllString(page, -1) {
		fields := url.Values{}
		for _, m := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
			fields.Add(m[1], sent(m[2]))
		}
		list = append(list, fields)
	}
	return list
}

// Each selection that the page offers replays what it says, no more than it says, and
// the part that browsers ask for shows the new states.
func TestReplaysOfThePage(t *testing.T) {
	letters := func() []document.RedriveLetter {
		list := []document.RedriveLetter{
			letter("us-east-1", 1, "AccessDenied"), letter("us-east-1", 2, "AccessDenied"), letter("us-east-1", 3, "NoSuchKey"),
			letter("eu-west-1", 4, "AccessDenied"),
		}
		list[1].Objects[0].Key = "music/bad.mp3"
		return list
	}
	for name, c := range map[string]struct {
		page   string
		form   string // the fields of the form, but for the token and the number
		most   string
		replay string // as it is asked for
		says   []string
	}{
		"one": {"/letters", "message=us-east-13&region=us-east-1", "1",
			"{us-east-1    us-east-13 1}", []string{"1 replayed, 0 of the chosen left", "copied", "3 dead letters, read"}},
		"a group": {"/letters", "reason-encoded=AccessDenied&region=us-east-1", "2", "{us-east-1  AccessDenied   2}",
			[]string{"1 replayed, 1 of the chosen left", "failed again", "the function failed again: NoSuchKey", "1 replayed"}},
		"filtered": {"/letters?prefix=films/&reason=AccessDenied", "prefix-encoded=films%252F&reason-encoded=AccessDenied", "2",
			"{ films/ AccessDenied   2}", []string{"2 replayed, 0 of the chosen left", "2 dead letters, read"}},
		"all": {"/letters?prefix=films/", "", "4",
			"{     4}", []string{"3 replayed, 1 of the chosen left", "1 dead letter, read", "3 were replayed since"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{letters: letters()}
			u := serve(t, Options{Source: f, Write: true, Regions: []string{"us-east-1", "eu-west-1"}})
			u.send(http.MethodPost, "/letters/read", nil)
			u.until("/letters", "4 dead letters, read")
			var form url.Values
			for _, fields := range forms(u.get(c.page), "/letters/replay") {
				most := fields.Get("most")
				fields.Del("most")
				fields.Del("csrf")
				if fields.Encode() == c.form && most == c.most {
					form = fields
				}
			}
			if form == nil {
				t.Fatalf("no form of %s has %s and replays %s:\n%v", c.page, c.form, c.most, forms(u.get(c.page), "/letters/replay"))
			}
			form.Set("most", c.most)
			if code, text := u.send(http.MethodPost, "/letters/replay", form, "HX-Request", "true"); code != http.StatusNoContent {
				t.Fatalf("%d %s", code, text)
			}
			page := u.until("/letters", c.says[0])
			for _, want := range c.says[1:] {
				if part := u.get("/letters/part?"); !strings.Contains(part, want) || !strings.Contains(page, want) {
					t.Errorf("the page, or its part, does not say %q:\n%s", want, part)
				}
			}
			if calls := f.called(); calls[len(calls)-1] != "replay "+c.replay {
				t.Errorf("got %q, want %q", calls, c.replay)
			}
		})
	}
}

// What is shown stays what it is when it is read again: a dead letter that failed again
// has its reason still, and one that was replayed is not in a new list.
func TestStatesSurviveAnotherReading(t *testing.T) {
	old := newQueues(document.Redrive{
		Letters: []document.RedriveLetter{
			letter("us-east-1", 1, "SlowDown"), letter("us-east-1", 2, "SlowDown"), letter("us-east-1", 3, "SlowDown"),
		},
	}, someTime, queues{}, false)
	failed, done := letter("us-east-1", 1, "SlowDown"), letter("us-east-1", 2, "SlowDown")
	failed.Outcome, failed.Detail = "failed", "AccessDenied"
	done.Outcome, done.Did = "replayed", map[string]int{"sourceGone": 1}
	old.note(failed)
	old.note(done)
	again := document.Redrive{Letters: []document.RedriveLetter{letter("us-east-1", 4, "SlowDown"), letter("us-east-1", 1, "SlowDown")}}
	for kept, want := range map[bool]string{
		false: "[us-east-11 failed again AccessDenied  us-east-14 in the queue  ] 2 0",
		true:  "[us-east-11 failed again AccessDenied  us-east-12 replayed  dropped: its source is gone us-east-14 in the queue  ] 2 1",
	} {
		q := newQueues(again, someTime, old, kept)
		v := q.view(Letters{})
		var texts []string
		for _, l := range v.Letters {
			texts = append(texts, fmt.Sprint(l.MessageID, " ", l.State(), " ", l.Detail, " ", l.Became()))
		}
		if got := fmt.Sprint(texts, v.Total, v.Done); got != want {
			t.Errorf("kept %v: %s, want %s", kept, got, want)
		}
	}
	// One that is back although it was replayed is in the queue again.
	q := newQueues(document.Redrive{Letters: []document.RedriveLetter{letter("us-east-1", 2, "SlowDown")}}, someTime, old, true)
	if v := q.view(Letters{}); v.Total != 1 || v.Letters[0].Gone() {
		t.Errorf("a letter that is back counts as replayed: %+v", v)
	}
}

// Of what does not fit, the dead letters that are left are listed.
func TestReplayedLettersDoNotHideOthers(t *testing.T) {
	var d document.Redrive
	for i := range mostRows + 10 {
		l := letter("us-east-1", i, "SlowDown")
		if i < mostRows {
			l.Outcome = "replayed"
		}
		d.Letters = append(d.Letters, l)
	}
	q := newQueues(d, someTime, queues{}, false)
	v := q.view(Letters{})
	if len(v.Letters) != 10 || v.MoreLetters != 0 || v.Total != 10 || v.Done != mostRows || v.Groups[0].Count != 10 {
		t.Errorf("%d are listed, %d more, %d in the queue, %d replayed", len(v.Letters), v.MoreLetters, v.Total, v.Done)
	}
}

func TestWhatBecame(t *testing.T) {
	for want, did := range map[string]map[string]int{
		"":       nil,
		"copied": {"copied": 1, "exists": 0},
		"copied × 2; was there already; dropped: a later write is there": {"superseded": 1, "exists": 1, "copied": 2},
	} {
		if got := became(did); got != want {
			t.Errorf("%v: %q, want %q", did, got, want)
		}
	}
}

func TestCommandsOfSelections(t *testing.T) {
	for want, c := range map[string]Letters{
		"s3fanout redrive": {},
		"":                 {Prefix: "films/", Key: "music/1"}, // redrive refuses both together
		`s3fanout redrive --reason='s3://… isn'\''t' --region='us-east-1'`: {
			Region: "us-east-1", Reason: "s3://… isn't",
		},
		`s3fanout redrive --prefix='it'\''s; rm' --region='us-east-1'`: {Region: "us-east-1", Prefix: "it's; rm"},
		`s3fanout redrive --region='x; rm'`:                            {Region: "x; rm"}, // of a link, not of the set
		`s3fanout redrive --key=$'a\012b' --message='0000-1' --region='ap-northeast-1'`: {
			Region: "ap-northeast-1", Key: "a\nb", Message: "0000-1",
		},
		`s3fanout redrive --key='films/1'`: {Prefix: "films/", Key: "films/1"},
	} {
		if got := c.Command(); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
	if got, want := (Missing{Keys: []string{"-a", "b'c"}, Prefix: "x"}).Command(),
		`s3fanout backfill --key='-a' --key='b'\''c'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The command of a group chooses the dead letters that its button does. Where it would
// choose those of another group too, there is none.
func TestCommandOfAGroup(t *testing.T) {
	reason := func(key string) string {
		const form = "1 of 1 failed: denied: replicate s3://b-us/KEY to s3://b-eu (eu-west-1): AccessDenied, request KEY: it's denied"
		return strings.ReplaceAll(form, "KEY", key)
	}
	d := document.Redrive{Letters: []document.RedriveLetter{
		letter("us-east-1", 1, reason("a")), letter("us-east-1", 2, reason("b")), letter("us-east-1", 3, "SlowDown"),
		letter("eu-west-1", 4, "retryable: SLOWDOWN"), letter("eu-west-1", 5, "SlowDown"),
		letter("ap-northeast-1", 6, "InternalError"), letter("ap-northeast-1", 7, "denied: SlowDown, request InternalError: denied"),
	}}
	q := newQueues(d, someTime, queues{}, false)
	for _, c := range []struct {
		of     Letters
		want   string
		chosen int
	}{
		{Letters{Region: "us-east-1", Reason: deadletter.Cause(reason("c"))},
			`s3fanout redrive --reason='denied: AccessDenied it'\''s denied' --region='us-east-1'`, 2},
		{Letters{Region: "us-east-1", Reason: "SlowDown"}, `s3fanout redrive --reason='SlowDown' --region='us-east-1'`, 1},
		{Letters{Region: "eu-west-1", Reason: "SlowDown"}, "", 1},
		{Letters{Region: "eu-west-1", Reason: "retryable: SLOWDOWN"},
			`s3fanout redrive --reason='retryable: SLOWDOWN' --region='eu-west-1'`, 1},
		{Letters{Reason: "SlowDown"}, "", 2},
		// It is in a reason alone, and not in what that has in common with others.
		{Letters{Region: "ap-northeast-1", Reason: "InternalError"}, "", 1},
	} {
		v := q.view(c.of)
		if v.Command != c.want || v.Chosen != c.chosen {
			t.Errorf("%+v: %s chooses %d, want %s and %d", c.of, v.Command, v.Chosen, c.want, c.chosen)
		}
		inShell := redrive.Filter{Reason: c.of.Reason}
		n := 0
		for _, l := range q.letters {
			if (c.of.Region == "" || l.Region == c.of.Region) && inShell.Chooses(candidate(l), someTime) {
				n++
			}
		}
		if (n == c.chosen) != (c.want != "") {
			t.Errorf("%+v: redrive chooses %d, the button %d, and the command is %q", c.of, n, c.chosen, v.Command)
		}
	}
}

// changing is a set whose dead letters change; a reading can be held up.
type changing struct {
	*fake

	mu      sync.Mutex
	counted int
	drained bool // by somebody, one at each look
	others  bool // another reader holds dead letters
	looks   int
	hidden  int           // no reading finds so many
	held    bool          // a reading is
	reading chan struct{} // receives when a reading is held up
}

func (c *changing) set(counted int, held bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted, c.held = counted, held
}

func (c *changing) Status(context.Context) (Look, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks++; c.drained {
		c.counted--
	}
	look := Look{Held: c.others}
	look.Regions = []document.StatusRegion{{Region: "us-east-1", DeadLetters: pointer(c.counted)}}
	return look, nil
}

func (c *changing) DeadLetters(ctx context.Context, _ func(int)) (document.Redrive, error) {
	c.mu.Lock()
	n, held := c.counted-c.hidden, c.held
	c.mu.Unlock()
	if held {
		select {
		case c.reading <- struct{}{}:
			<-ctx.Done()
		case <-ctx.Done():
		}
		return document.Redrive{}, ctx.Err()
	}
	d := document.Redrive{Regions: []document.RedriveRegion{{Region: "us-east-1"}}}
	for i := range n {
		d.Letters = append(d.Letters, letter("us-east-1", i, "SlowDown"))
	}
	return d, c.call("letters")
}

// look connects as a browser that shows a page does.
func (u *user) look(page string) {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.base+"/live?page="+page, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	resp, err := u.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, resp.Body) // until the test ends
		_ = resp.Body.Close()
	}()
}

// What a look found before a reading is not how many are in the queue by now.
func TestReadingIsNewerThanTheLookBefore(t *testing.T) {
	d := document.Redrive{
		Regions: []document.RedriveRegion{{Region: "us-east-1"}, {Region: "eu-west-1", Error: "denied"}},
		Letters: []document.RedriveLetter{letter("us-east-1", 0, "SlowDown"), letter("us-east-1", 1, "SlowDown")},
	}
	q := newQueues(d, time.Unix(20, 0), queues{now: map[string]int{"us-east-1": 0, "eu-west-1": 5}}, true)
	if got, want := q.changed(), []queueChange{{Region: "eu-west-1", Now: 5}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Nor is it so when the list is taken in; a look meanwhile is newer.
func TestListIsNewerThanTheLookBefore(t *testing.T) {
	var newer map[string]int
	s := &Server{news: map[string]*news{"letters": {send: func(string) {}}}, queues: queues{now: map[string]int{"us-east-1": 0}}}
	s.o.Now = func() time.Time { // between the list and what is kept
		if newer != nil {
			s.queues.now = newer
		}
		return time.Unix(20, 0)
	}
	d := document.Redrive{
		Regions: []document.RedriveRegion{{Region: "us-east-1"}},
		Letters: []document.RedriveLetter{letter("us-east-1", 0, "SlowDown")},
	}
	s.keepQueues(d, false)
	if got := s.queues.changed(); len(got) != 0 {
		t.Errorf("got %v of a look that is older than the list", got)
	}
	newer = map[string]int{"us-east-1": 3}
	s.keepQueues(d, false)
	if got, want := s.queues.changed(), []queueChange{{Region: "us-east-1", Known: 1, Now: 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// While somebody looks at the list, it follows the queues; nobody else's does. A replay
// does not wait for such a reading.
func TestListFollowsTheQueues(t *testing.T) {
	c := &changing{
		fake: &fake{letters: []document.RedriveLetter{letter("us-east-1", 0, "SlowDown")}}, counted: 1, reading: make(chan struct{}),
	}
	u := serve(t, Options{Source: c, Write: true, Regions: []string{"us-east-1"}, Interval: 5 * time.Millisecond})
	u.send(http.MethodPost, "/letters/read", nil)
	u.until("/letters", "1 dead letter, read")
	u.look("overview")
	c.set(3, false)
	u.until("/letters", "about 3 are in the queue by now, 1 are known here")
	u.look("letters")
	c.set(2, false)
	u.until("/letters", "2 dead letters, read")
	c.set(mostQuietly+1, false)
	u.until("/letters", "about 1,001 are in the queue by now, 2 are known here")
	c.set(4, true)
	<-c.reading
	u.send(http.MethodPost, "/letters/replay", url.Values{"most": {"1"}})
	u.until("/letters", "1 replayed, 0 of the chosen left")
}

// While a redrive in a shell empties a queue, or anybody holds its dead letters, the
// list leaves it alone; once it stands still, it is read once.
func TestListLeavesARedriveItsLetters(t *testing.T) {
	c := &changing{fake: &fake{}, counted: 500, reading: make(chan struct{})}
	u := serve(t, Options{Source: c, Write: true, Regions: []string{"us-east-1"}, Interval: time.Millisecond})
	u.send(http.MethodPost, "/letters/read", nil)
	u.until("/letters", "500 dead letters, read")
	u.look("letters")
	pass := func(change func()) {
		c.mu.Lock()
		change()
		until := c.looks + 10
		c.mu.Unlock()
		for looks := 0; looks < until; {
			c.mu.Lock()
			looks = c.looks
			c.mu.Unlock()
			u.get("/letters/part?")
		}
	}
	readings := func() string { return fmt.Sprint(strings.Count(strings.Join(c.called(), " "), "letters")) }
	pass(func() { c.drained = true })
	pass(func() { c.drained, c.others = false, true })
	if got := readings(); got != "1" {
		t.Errorf("%s readings, want the one that was asked for", got)
	}
	pass(func() { c.others = false })
	if got := readings(); got != "2" {
		t.Errorf("%s readings once the queue stands still, want one more", got)
	}
	// One that differs still has been read at its count.
	c.mu.Lock()
	c.hidden = 1
	c.mu.Unlock()
	pass(func() { c.counted++ })
	pass(func() {})
	if got := readings(); got != "3" {
		t.Errorf("%s readings, want one at each count", got)
	}
}

// A replay waits for a reading that somebody asked for, and can be stopped meanwhile:
// what the reading holds is no other reader's.
func TestOneRunAtATimeHasTheLetters(t *testing.T) {
	c := &changing{fake: &fake{}, held: true, reading: make(chan struct{})}
	u := serve(t, Options{Source: c, Write: true, Regions: []string{"us-east-1"}})
	u.send(http.MethodPost, "/letters/read", nil)
	<-c.reading
	u.send(http.MethodPost, "/letters/replay", url.Values{"most": {"1"}})
	u.until("/letters", "Waiting for the end of the run that has the dead letters")
	u.send(http.MethodPost, "/stop/replay", nil)
	u.until("/letters", "Stopped. Nothing was replayed.")
	u.send(http.MethodPost, "/stop/letters", nil)
	u.until("/letters", "Stopped. The list is as it was.")
	for _, call := range c.called() {
		if strings.HasPrefix(call, "replay") {
			t.Errorf("it ran %q", call)
		}
	}
}
