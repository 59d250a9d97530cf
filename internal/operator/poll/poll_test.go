package poll

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var limits = Limits{Question: 10 * time.Second, Pace: 15 * time.Second, Patience: 3 * time.Second}

// world has Regions that answer at once, with how often they were asked, and some that
// hang until their question's time is up.
type world struct {
	mu    sync.Mutex
	asked map[string]int
	hangs map[string]bool
}

func (w *world) hang(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs = map[string]bool{}
	for _, n := range names {
		w.hangs[n] = true
	}
}

func (w *world) ask(ctx context.Context, name string) string {
	w.mu.Lock()
	w.asked[name]++
	text, hangs := fmt.Sprint("answer ", w.asked[name]), w.hangs[name]
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return "none"
	}
	return text
}

func try(t *testing.T, f func(w *world, get func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{asked: map[string]int{}}
		p := New(t.Context(), limits, w.ask)
		f(w, func() string {
			answers, pending := p.Get(t.Context(), "a", "b")
			text := ""
			for _, name := range slices.Sorted(maps.Keys(answers)) {
				text += name + ": " + answers[name] + "; "
			}
			return fmt.Sprint(text, pending)
		})
		<-time.After(limits.Question) // for the questions' ends
	})
}

// One that hangs holds nobody up for longer than Get's patience: once the others have
// their answers, and each time the same.
func TestOneThatHangs(t *testing.T) {
	try(t, func(w *world, get func() string) {
		expect := func(after time.Duration, want string, took time.Duration) {
			t.Helper()
			<-time.After(after)
			began := time.Now()
			if got := get(); got != want || time.Since(began) != took {
				t.Errorf("%s after %v, want %s after %v", got, time.Since(began), want, took)
			}
		}
		expect(0, "a: answer 1; b: answer 1; false", 0)
		w.hang("b")
		expect(15*time.Second, "a: answer 2; b: answer 1; true", limits.Patience)
		// It is not asked again meanwhile, nor is who has answered lately.
		expect(0, "a: answer 2; b: answer 1; true", limits.Patience)
		// Its end is an answer.
		expect(5*time.Second, "a: answer 2; b: none; false", 0)
		expect(15*time.Second, "a: answer 3; b: none; true", limits.Patience)
		w.hang()
		expect(30*time.Second, "a: answer 4; b: answer 4; false", 0)
	})
}

// An answer that is old is none.
func TestOldAnswers(t *testing.T) {
	try(t, func(w *world, get func() string) {
		get()
		w.hang("a", "b")
		<-time.After(limits.keep() - limits.Patience)
		if got, want := get(), "a: answer 1; b: answer 1; true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		<-time.After(time.Second)
		if got, want := get(), "true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// Whoever does not wait any more gets what there is.
func TestGetEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{asked: map[string]int{}}
		w.hang("a")
		p := New(t.Context(), limits, w.ask)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if answers, pending := p.Get(ctx, "a"); len(answers) > 0 || !pending || time.Since(began) != time.Second {
			t.Errorf("%v, pending %v, after %v", answers, pending, time.Since(began))
		}
		<-time.After(limits.Question)
	})
}
