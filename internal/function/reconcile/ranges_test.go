package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// paused is a copier that has copies in parts go on in another invocation, once.
type paused struct {
	reconcile.Copier
	key  string // of the keys
	mu   *sync.Mutex
	seen *[]copier.Request
}

func (p paused) Copy(ctx context.Context, r copier.Request) (copier.Result, error) {
	if !strings.Contains(r.Source.Key, p.key) {
		return p.Copier.Copy(ctx, r)
	}
	p.mu.Lock()
	*p.seen = append(*p.seen, r)
	p.mu.Unlock()
	if r.Resume == nil {
		return copier.Result{Outcome: copier.Unfinished, Upload: &copier.Upload{Source: r.Source, UploadID: "u", PartSize: 5}}, nil
	}
	r.Resume = nil // the test's bucket has no such upload
	return p.Copier.Copy(ctx, r)
}

func (w *world) pauses(key string) *[]copier.Request {
	var seen []copier.Request
	var mu sync.Mutex
	w.change = func(h *reconcile.Handler) {
		h.Copier, h.Parallel = paused{h.Copier, key, &mu, &seen}, 1
	}
	return &seen
}

// A large copy for which the time does not suffice is gone on with by the next tick,
// and not begun anew.
func TestALargeCopyIsGoneOnWith(t *testing.T) {
	w := newWorld(t, nil)
	for _, key := range []string{"a", "large", "z"} {
		w.Put(there, key, "body")
	}
	seen := w.pauses("large")
	if a := w.tick(); a.Status != reconcile.Paused || a.Counts != (reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1}) {
		t.Errorf("got %+v", a)
	}
	if s := w.checkpoints.state(t); s.After != "a" || len(s.Unfinished) != 1 || s.Unfinished[0].UploadID != "u" || s.Lease != nil {
		t.Errorf("the checkpoint is %+v", s)
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 3, Missing: 3, Repaired: 3})
	if len(*seen) != 2 || (*seen)[1].Resume == nil || (*seen)[1].Resume.UploadID != "u" {
		t.Errorf("copies: %+v", *seen)
	}
	if s := w.checkpoints.state(t); s.Unfinished != nil {
		t.Errorf("the checkpoint is %+v", s)
	}
}

// Of several large copies one is begun at a time, and none is begun anew: an upload
// that nobody remembers would be taken for somebody's at work.
func TestLargeCopiesGoOnOneByOne(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.MultipartThreshold = 4 })
	const n = 5
	for i := range n {
		w.Put(there, fmt.Sprintf("%d/large", i), "large body")
		w.Put(there, fmt.Sprintf("%d/small", i), "body")
	}
	seen := w.pauses("large")
	one := w.change
	w.change = func(h *reconcile.Handler) {
		one(h)
		h.Parallel, h.PageSize = 2*n, 0
	}
	ticks := 1
	for ; w.tick().Status == reconcile.Paused; ticks++ {
		if s := w.checkpoints.state(t); len(s.Unfinished) == 0 || ticks == 1 && len(s.Unfinished) > 1 || ticks > 2*n {
			t.Fatalf("after %d ticks: %+v", ticks, s)
		}
	}
	begun := map[string]int{}
	for _, r := range *seen {
		if r.Resume == nil {
			begun[r.Source.Key]++
		}
	}
	for i := range n {
		key := fmt.Sprintf("%d/large", i)
		if w.shows(key, "large body", "large body", "-"); begun[key] != 1 {
			t.Errorf("%s was begun %d times", key, begun[key])
		}
	}
}

// What a state machine does: it plans, has each range compared, again and again as
// long as something is left of it, and proves. Items are passed on as they are.
func TestAMapOfRanges(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges = 4 })
	for i := range 30 {
		w.Put(there, fmt.Sprintf("%02d", i), "body")
	}
	w.Put(there, "15/large", "body")
	if a := w.tick(); a.Status != reconcile.Observed {
		t.Errorf("a tick is %s", a.Status)
	}
	seen := w.pauses("15/large")
	raw := func(event any) (answer map[string]json.RawMessage) {
		payload, err := json.Marshal(event)
		if err == nil {
			payload, err = w.handler().Invoke(t.Context(), payload)
		}
		if err == nil {
			err = json.Unmarshal(payload, &answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	w.Pass(reconcile.Grace)
	began := w.Now()
	plan := raw(map[string]any{"plan": map[string]int{"ranges": 4}})
	var ranges []json.RawMessage
	if err := json.Unmarshal(plan["ranges"], &ranges); err != nil {
		t.Fatal(err)
	}
	// So few keys are one range. A large bucket is divided, as here by hand.
	if len(ranges) != 1 || string(ranges[0]) != `{"after":"","through":""}` {
		t.Errorf("got the ranges %s", plan["ranges"])
	}
	ranges = []json.RawMessage{[]byte(`{"after":"","through":"07"}`), []byte(`{"after":"07","through":"20"}`), []byte(`{"after":"20","through":""}`)}
	invocations, sum := 0, reconcile.Counts{}
	for _, item := range ranges {
		for done := false; !done; invocations++ {
			answer := raw(map[string]json.RawMessage{"range": item, "began": plan["began"]})
			var counted reconcile.Counts
			for name, into := range map[string]any{"done": &done, "compared": &counted.Compared, "repaired": &counted.Repaired} {
				if member, given := answer[name]; given {
					if err := json.Unmarshal(member, into); err != nil {
						t.Fatal(err)
					}
				}
			}
			sum.Compared += counted.Compared
			sum.Repaired += counted.Repaired
			item = answer["range"]
		}
	}
	if want := (reconcile.Counts{Compared: 31, Repaired: 31}); sum != want || invocations != len(ranges)+1 || len(*seen) != 2 || (*seen)[1].Resume == nil {
		t.Errorf("%d invocations: %+v, want %+v", invocations, sum, want)
	}
	w.Pass(time.Hour)
	raw(map[string]any{"prove": map[string]json.RawMessage{"began": plan["began"]}})
	if s := w.checkpoints.state(t); !s.Proof.Equal(began) {
		t.Errorf("proved %v, want %v", s.Proof, began)
	}
	line := w.lines("reconcile")
	if last := line[len(line)-1]; last["ProofTime"] != 3600.0 || last["ProofAge"] != 3600.0 {
		t.Errorf("got %v", last)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	w := newWorld(t, nil)
	for event, want := range map[string]string{
		``:                                      "the event is not understood",
		`{}`:                                    "the event asks for 0 things", // bad input: fn-56
		`{"tick": true, "plan": {"ranges": 2}}`: "the event asks for 2 things",
		`{"tick": true} {}`:                     "the event is not understood",
		`{"tock": true}`:                        "the event is not understood",
		`{"plan": {"ranges": 0}}`:               "ask for 1 to 1000",
		`{"range": {"after": "b", "through": "a"}}`: "ends before it begins", // bad input: fn-57
		`{"prove": {}}`: "does not say when",
	} {
		_, err := w.invoke(event)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %q", event, err, want)
		}
	}
}

// A checkpoint that is none is not taken for none: nobody begins anew because of it.
func TestACheckpointThatIsNone(t *testing.T) {
	w := newWorld(t, nil)
	w.checkpoints.document, w.checkpoints.revision = []byte("{"), 1
	if _, err := w.invoke(`{"tick": true}`); err == nil || !strings.Contains(err.Error(), "delete the item") {
		t.Errorf("got %v", err)
	}
}
