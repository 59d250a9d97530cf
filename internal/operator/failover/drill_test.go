package failover

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stage is a replica set in which a drill takes place. Times are from its beginning.
type stage struct {
	routing
	mu      sync.Mutex
	began   time.Time
	events  map[time.Duration]func(*stage) // what happens from then on
	letters map[string]int
	away    map[string]string
	reads   Reads
}

// now lets happen what is due. A drill looks and reads at once.
func (s *stage) now() (unlock func()) {
	s.mu.Lock()
	for at, event := range s.events {
		if time.Since(s.began) >= at {
			delete(s.events, at)
			event(s)
		}
	}
	return s.mu.Unlock
}

func (s *stage) look(ctx context.Context, _ time.Time) ([]Figures, error) {
	defer s.now()()
	var list []Figures
	for _, r := range routesOf("111") {
		list = append(list, Figures{Region: r.Region, DeadLetters: ptr(s.letters[r.Region]), Away: s.away[r.Region]})
	}
	return list, ctx.Err()
}

func (s *stage) read(context.Context) Reads {
	defer s.now()()
	return s.reads
}

// Each drill shifts away from eu-west-1 for ten minutes.
func TestDrill(t *testing.T) {
	const home = "eu-west-1"
	healthy := Reads{Tried: 21}
	failing := Reads{Tried: 21, Failed: 2, Why: "503"}
	for name, c := range map[string]struct {
		events   map[time.Duration]func(*stage)
		stop     time.Duration // when it is interrupted
		slow     time.Duration
		settle   time.Duration
		submit   map[string]error
		unsure   bool
		outcome  Outcome
		took     time.Duration
		dials    string // at the end
		submits  int
		problems []string
	}{
		"all is well": {outcome: Passed, took: 10*time.Minute + 2*70*time.Second, dials: "111", submits: 2},
		"interrupted": {stop: 3 * time.Minute, outcome: Interrupted, took: 3*time.Minute + 70*time.Second, dials: "111", submits: 2},
		"interrupted before the change is effective": {
			stop: 5 * time.Second, outcome: Interrupted, took: 2 * 70 * time.Second, dials: "111", submits: 2,
		},
		"interrupted before that, and its bucket is away": {
			events: map[time.Duration]func(*stage){time.Second: func(s *stage) { s.away[home] = "503" }},
			stop:   5 * time.Second, outcome: Interrupted, took: 5 * time.Second, dials: "111", submits: 1, unsure: true,
			problems: []string{"not shifted back: eu-west-1: its bucket does not answer: 503"},
		},
		"never effective": {slow: time.Hour, outcome: Failed, took: 2*time.Minute + EffectTime, dials: "111", submits: 1, unsure: true,
			problems: []string{"not shifted: the change is not effective after 2m0s: eu-west-1 is not passive yet", "Conflict: no"}},
		"traffic follows what S3 shows": {slow: time.Second, settle: EffectTime, outcome: Passed,
			took:  EffectTime + 10*time.Minute + 2*time.Second,
			dials: "111", submits: 2},
		"the answer is lost, and the others deny": {submit: submitting(errLost), outcome: Passed, took: 10*time.Minute + 2*70*time.Second,
			dials: "111", submits: 2},
		"reads fail": {
			events: map[time.Duration]func(*stage){
				4 * time.Minute: func(s *stage) { s.reads = failing }, 5 * time.Minute: func(s *stage) { s.reads = healthy },
			},
			outcome: Failed, took: 4*time.Minute + 40*time.Second + 70*time.Second, dials: "111", submits: 2,
			problems: []string{"2 of 21 reads failed: 503", "2 of 21 reads failed: 503"},
		},
		"one look at which a key is missing": {
			events: map[time.Duration]func(*stage){
				4 * time.Minute:   func(s *stage) { s.reads.Missing = []string{"films/one"} },
				270 * time.Second: func(s *stage) { s.reads = healthy },
			},
			outcome: Failed, took: 10*time.Minute + 2*70*time.Second, dials: "111", submits: 2,
			problems: []string{`missing: ["films/one"]`},
		},
		"somebody else fails over meanwhile": {
			events:  map[time.Duration]func(*stage){4 * time.Minute: func(s *stage) { s.routes = routesOf("001") }},
			outcome: Failed, took: 10*time.Minute + 70*time.Second, dials: "001", submits: 1,
			problems: []string{"not shifted back: somebody else has changed the routes meanwhile"},
		},
		"copies fail meanwhile, and nobody redrives them": {
			events:  map[time.Duration]func(*stage){4 * time.Minute: func(s *stage) { s.letters[home] = 2 }},
			outcome: Failed, took: 10*time.Minute + 70*time.Second + arriveTime, dials: "101", submits: 1,
			problems: []string{
				"not shifted back: eu-west-1: dead letters: 2; redrive them first", "eu-west-1 has 2 dead letters more than before",
			},
		},
		"copies fail meanwhile, and somebody redrives them": {
			events: map[time.Duration]func(*stage){
				4 * time.Minute: func(s *stage) { s.letters[home] = 2 }, 12 * time.Minute: func(s *stage) { s.letters[home] = 0 },
			},
			outcome: Passed, took: 12*time.Minute + 10*time.Second + 70*time.Second, dials: "111", submits: 2,
		},
		"interrupted while its bucket is away": {
			events: map[time.Duration]func(*stage){2 * time.Minute: func(s *stage) { s.away[home] = "503" }},
			stop:   3 * time.Minute, outcome: Interrupted, took: 3 * time.Minute, dials: "101", submits: 1,
			problems: []string{"not shifted back: eu-west-1: its bucket does not answer: 503"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{began: time.Now(), events: c.events, letters: map[string]int{}, away: map[string]string{}, reads: healthy}
				s.routes, s.slow, s.submit = routesOf("111"), 69*time.Second, c.submit
				if c.slow != 0 {
					s.slow = c.slow
				}
				ctx := t.Context()
				if c.stop != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.stop)
					defer cancel()
				}
				d := Drill{Control: s.control(), Look: s.look, Read: s.read, Routes: routesOf("111"), Shifted: routesOf("101"),
					For: 10 * time.Minute, Every: 30 * time.Second, Settle: c.settle}
				first, risks, err := d.Check(ctx)
				if err != nil || len(risks) != 0 {
					t.Fatalf("not begun: %v, %v", risks, err)
				}
				r := d.Run(ctx, first)
				dials := ""
				for _, route := range s.routes {
					dials += map[bool]string{true: "1", false: "0"}[route.Active]
				}
				took := r.Ended.Sub(r.Began)
				if r.Outcome != c.outcome || dials != c.dials || s.submits != c.submits || took != c.took ||
					r.Restored != (c.dials == "111" && !c.unsure) || r.Unsure != c.unsure {
					t.Errorf("%s after %v, routes %s, %d changes, restored %v, unsure %v; want %s after %v, routes %s, %d changes",
						r.Outcome, took, dials, s.submits, r.Restored, r.Unsure, c.outcome, c.took, c.dials, c.submits)
				}
				if len(r.Problems) != len(c.problems) {
					t.Fatalf("problems %q, want %q", r.Problems, c.problems)
				}
				for i, want := range c.problems {
					if !strings.HasSuffix(r.Problems[i], want) {
						t.Errorf("problem %q, want %q", r.Problems[i], want)
					}
				}
				phases := []Phase{}
				for _, m := range r.Moments {
					phases = append(phases, m.Phase)
				}
				if !slices.IsSortedFunc(phases, func(a, b Phase) int { return order(a) - order(b) }) || phases[0] != Before ||
					(phases[len(phases)-1] == After) != r.Restored {
					t.Errorf("phases %v", phases)
				}
			})
		})
	}
}

func order(p Phase) int { return slices.Index([]Phase{Before, During, After}, p) }

// A drill does not begin where readers would miss something, there or back, or where
// they can read nothing already.
func TestDrillIsRefused(t *testing.T) {
	s := &stage{
		letters: map[string]int{"eu-west-1": 1}, away: map[string]string{"us-east-1": "503"}, reads: Reads{Tried: 1, Failed: 1, Why: "no"},
	}
	d := Drill{Look: s.look, Read: s.read, Routes: routesOf("111"), Shifted: routesOf("101")}
	_, risks, err := d.Check(t.Context())
	want := "us-east-1: its bucket does not answer: 503; eu-west-1: dead letters: 1; redrive them first; " +
		"reads through the access point fail before anything is changed: 1 of 1 reads failed: no"
	if got := Sentence(risks); err != nil || got != want {
		t.Errorf("%v: %s, want %s", err, got, want)
	}
}

// Who may look at routes and not change them is told so, and nothing is to be undone.
func TestDrillByWhoMayNot(t *testing.T) {
	s := &stage{letters: map[string]int{}, away: map[string]string{}}
	s.routes, s.submit = routesOf("111"), submitting(refusal(403, "AccessDenied"))
	d := Drill{
		Control: s.control(), Look: s.look, Read: s.read, Routes: routesOf("111"), Shifted: routesOf("101"), For: time.Minute,
		Every: time.Minute,
	}
	first, _, err := d.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := d.Run(t.Context(), first)
	if r.Outcome != Failed || !r.Restored || len(r.Problems) != 1 ||
		!strings.Contains(r.Problems[0], "nothing was changed: regions us-west-2") {
		t.Errorf("%+v", r)
	}
}

// Who interrupts a drill before its shift has changed nothing, whatever has become of
// the Regions.
func TestDrillInterruptedBeforeItsShift(t *testing.T) {
	s := &stage{letters: map[string]int{}, away: map[string]string{}}
	s.routes = routesOf("111")
	d := Drill{
		Control: s.control(), Look: s.look, Read: s.read, Routes: routesOf("111"), Shifted: routesOf("101"), For: time.Minute,
		Every: time.Minute,
	}
	first, _, err := d.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.away["eu-west-1"] = "503"
	if r := d.Run(ctx, first); r.Outcome != Interrupted || !r.Restored || r.Unsure || s.submits != 0 || len(r.Problems) != 0 {
		t.Errorf("%d changes, %+v", s.submits, r)
	}
}
