package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
)

// unhurried explains a key in two steps: it holds the dead letters until read is
// closed, and then S3 answers when the set does.
type unhurried struct {
	*fake

	holds chan string   // the keys of those that hold dead letters
	read  chan struct{} // one for each that may go on
	set   chan struct{}
}

func (s *unhurried) Explain(
	ctx context.Context, key string, turn func(context.Context) (func(), error),
) (document.Explain, error) {
	end, err := turn(ctx)
	if err != nil {
		return document.Explain{}, err
	}
	s.holds <- key
	<-s.read
	end()
	<-s.set
	return document.Explain{Key: key, Text: "read"}, nil
}

// The page about a key holds dead letters while it reads them, and not until S3 has
// answered too: other such pages wait for that alone, and so does a replay.
func TestKeyHoldsLettersWhileItReadsThem(t *testing.T) {
	s := &unhurried{&fake{}, make(chan string), make(chan struct{}), make(chan struct{})}
	u := serve(t, Options{Source: s, Write: true, Regions: []string{"us-east-1"}})
	pages := make(chan string)
	for _, key := range []string{"a", "b"} {
		go func() {
			_, text := u.send(http.MethodGet, "/key?key="+key, nil)
			pages <- text
		}()
	}
	first := <-s.holds
	u.send(http.MethodPost, "/letters/replay", url.Values{"most": {"1"}})
	u.until("/letters", "Waiting for the end of the run that has the dead letters")
	u.send(http.MethodPost, "/stop/replay", nil)
	u.until("/letters", "Stopped. Nothing was replayed.")
	s.read <- struct{}{}
	if second := <-s.holds; second == first {
		t.Errorf("%s has the letters twice", first)
	}
	s.read <- struct{}{}
	// S3 has answered to neither.
	u.send(http.MethodPost, "/letters/replay", url.Values{"most": {"1"}})
	u.until("/letters", "0 replayed, 0 of the chosen left")
	close(s.set)
	for range 2 {
		if text := <-pages; strings.Contains(text, "were not read") {
			t.Errorf("no run had the letters, and the page says\n%s", text)
		}
	}
}

// A reading that nobody asked for makes way for a key's.
func TestQuietReadingMakesWayForAKey(t *testing.T) {
	turn := newTurn()
	reading, end, ok := turn.quietly(t.Context(), time.Hour)
	if !ok {
		t.Fatal("nobody has the turn, and it is not given")
	}
	go func() {
		<-reading.Done()
		end()
	}()
	end, err := turn.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := turn.quietly(t.Context(), time.Hour); ok {
		t.Error("two have the turn")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turn.key(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the page was left", err)
	}
	end()
	end, err = turn.run(t.Context(), func() { t.Error("nobody has the turn, and it is waited for") })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turn.key(t.Context()); !errors.Is(err, errHeld) {
		t.Errorf("got %v, want %v", err, errHeld)
	}
	end()
}

// A quiet reading that comes while a run waits for another one does not come before it.
func TestQuietReadingMakesWayForARunThatWaits(t *testing.T) {
	turn := newTurn()
	first, err := turn.run(t.Context(), func() { t.Error("nobody has the turn, and it is waited for") })
	if err != nil {
		t.Fatal(err)
	}
	second, err := turn.run(t.Context(), func() {
		first()
		if _, end, ok := turn.quietly(t.Context(), time.Hour); ok {
			t.Error("it comes before the run that waits")
			end()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	second()
	if _, _, ok := turn.quietly(t.Context(), time.Hour); !ok {
		t.Error("nobody has the turn, and it is not given")
	}
}

// Where no quiet reading is seen, its turn is free: a page about a key took it for a run's.
func TestQuietReadingEndsWithItsTurn(t *testing.T) {
	turn := newTurn()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200_000 {
			_, end, ok := turn.quietly(t.Context(), time.Hour)
			if !ok {
				t.Error("nobody has the turn, and it is not given")
				return
			}
			end()
		}
	}()
	for {
		turn.mu.Lock()
		held := turn.quiet == nil && len(turn.one) > 0
		turn.mu.Unlock()
		if held {
			t.Fatal("the reading has ended, and its turn is not free")
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// A page that is left waits for no reading, and keeps no other from its turn.
func TestKeyThatIsLeftGivesItsPlaceBack(t *testing.T) {
	turn := newTurn()
	reading, end, _ := turn.quietly(t.Context(), time.Hour) // does not end by itself
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := turn.key(ctx)
		left <- err
	}()
	<-reading.Done() // the page waits for it
	cancel()
	select {
	case err := <-left:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the page was left", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for the reading")
	}
	end()
	end, err := turn.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end()
}

// A key's page takes no dead letters from a run that has them, and says that it did
// not; nor does a run take them from the page.
func TestKeyLeavesARunItsLetters(t *testing.T) {
	c := &changing{
		fake: &fake{letters: []document.RedriveLetter{letter("us-east-1", 1, "AccessDenied")}}, held: true, reading: make(chan struct{}),
	}
	u := serve(t, Options{Source: c, Regions: []string{"us-east-1"}})
	const page, unread = "/key?key=films/1.mp4", "were not read: a run of this console has them"
	if text := u.get(page); strings.Contains(text, unread) {
		t.Errorf("no run has the letters, and the page says\n%s", text)
	}
	u.send(http.MethodPost, "/letters/read", nil)
	<-c.reading
	if text := u.get(page); !strings.Contains(text, unread) {
		t.Errorf("a run has the letters, and the page says\n%s", text)
	}
	u.send(http.MethodPost, "/stop/letters", nil)
	u.until("/letters", "Stopped. The list is as it was.")
	u.get(page)
	var asked []string
	for _, call := range c.called() {
		if strings.HasPrefix(call, "explain") {
			asked = append(asked, call)
		}
	}
	if got, want := fmt.Sprint(asked), "[explain films/1.mp4 true explain films/1.mp4 false explain films/1.mp4 true]"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}
