package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/listing/listtest"
	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// paused is a copier that has copies in parts go on in another invocation, once.
type paused struct {
	reconcile.Copier
	key  string // of the keys
	id   string // of the upload
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
		return copier.Result{Outcome: copier.Unfinished, Upload: &copier.Upload{Source: r.Source, UploadID: p.id, PartSize: 5}}, nil
	}
	r.Resume = nil // the test's bucket has no such upload
	return p.Copier.Copy(ctx, r)
}

func (w *world) pauses(key string) *[]copier.Request { return w.pausesAs(key, "u") }

// pausesAs has the copies have an upload.
func (w *world) pausesAs(key, id string) *[]copier.Request {
	var seen []copier.Request
	var mu sync.Mutex
	w.change = func(h *reconcile.Handler) {
		h.Copier, h.Parallel = paused{h.Copier, key, id, &mu, &seen}, 1
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
	ranges = []json.RawMessage{
		[]byte(`{"after":"","through":"07"}`), []byte(`{"after":"07","through":"20"}`), []byte(`{"after":"20","through":""}`),
	}
	invocations, sum := 0, reconcile.Counts{}
	for _, item := range ranges {
		for done := false; !done; invocations++ {
			answer := raw(map[string]json.RawMessage{"range": item, "began": plan["began"]})
			var counted reconcile.Counts
			for name, into := range map[string]any{"done": &done, "compared": &counted.Compared, "repaired": &counted.Repaired} {
				if member, ok := answer[name]; ok {
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
	want := (reconcile.Counts{Compared: 31, Repaired: 31})
	if sum != want || invocations != len(ranges)+1 || len(*seen) != 2 || (*seen)[1].Resume == nil {
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

// Keys that fail one after another keep a range from nothing but themselves: it is gone
// on with after them, with the copies in parts that were begun, and each key is counted
// once. Only where nothing at all can be done the invocation fails, and counts nothing.
func TestARangeGoesOnAfterKeysThatFail(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges, c.MultipartThreshold = 4, 8 })
	const n = 40
	for i := range n {
		w.Put(there, fmt.Sprintf("%02d", i), "body")
	}
	w.Put(there, "09/large", "large body")
	w.Pass(reconcile.Grace)
	var seen []copier.Request
	var mu sync.Mutex
	denied := func(h *reconcile.Handler) {
		h.Parallel, h.PageSize = 1, 0
		h.Copier = copying{paused{h.Copier, "large", "u", &mu, &seen}, func(_ context.Context, r copier.Request) error {
			if key := r.Source.Key; key >= "10" && key < "32" {
				return &copier.Error{Class: copier.Denied, Err: errors.New("denied")}
			}
			return nil
		}}
	}
	w.change = denied
	item, sum, lefts := reconcile.Range{}, reconcile.Counts{}, []string{}
	for done := false; !done; {
		event, err := json.Marshal(reconcile.Event{Range: &item, Began: w.Now()})
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.invoke(string(event))
		if err != nil || len(lefts) > 5 {
			t.Fatalf("after %v: %v", lefts, err)
		}
		sum.Compared += a.Compared
		sum.Repaired += a.Repaired
		sum.Unrepaired += a.Unrepaired
		if done = a.Done; !done {
			item = *a.Range
			lefts = append(lefts, fmt.Sprint(item.After, " ", a.Wait, " ", len(item.Unfinished)))
		}
	}
	if want := []string{"09 false 1", "18 true 0", "27 true 0"}; !slices.Equal(lefts, want) {
		t.Errorf("the range was left after %q, want %q", lefts, want)
	}
	if want := (reconcile.Counts{Compared: n + 1, Repaired: n + 1 - 22, Unrepaired: 22}); sum != want {
		t.Errorf("counted %+v, want %+v", sum, want)
	}

	lines := len(w.lines("reconcile"))
	w.change = func(h *reconcile.Handler) {
		h.Read = func(region string) reconcile.S3 { return deaf{w.Clients[region]} }
	}
	if _, err := w.invoke(`{"range": {"after": "", "through": ""}}`); err == nil {
		t.Error("a range that cannot be listed does not fail")
	}
	if last := w.lines("reconcile")[lines:]; len(last) != 1 || last[0]["_aws"] != nil {
		t.Errorf("metrics of nothing: %v", last)
	}
}

// A copy in parts that was begun is remembered though a key before it failed.
func TestACopyInPartsIsRememberedBesideAFailure(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges, c.MultipartThreshold = 4, 8 })
	for i := range 10 {
		w.Put(there, fmt.Sprintf("%02d", i), "body")
	}
	w.Put(there, "large", "large body")
	w.Pass(reconcile.Grace)
	var seen []copier.Request
	var mu sync.Mutex
	begun, failed := make(chan struct{}), make(chan struct{})
	var failures atomic.Int32
	w.change = func(h *reconcile.Handler) {
		h.PageSize = 0
		h.Copier = copying{paused{h.Copier, "large", "u", &mu, &seen}, func(_ context.Context, r copier.Request) error {
			if r.Source.Key == "large" {
				close(begun)
				<-failed
				return nil
			}
			<-begun
			if failures.Add(1) == 10 {
				close(failed)
			}
			return &copier.Error{Class: copier.Denied, Err: errors.New("denied")}
		}}
	}
	a, err := w.invoke(`{"range": {"after": "", "through": ""}}`)
	if err != nil || a.Status != reconcile.Paused || a.Range == nil || len(a.Range.Unfinished) != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
}

// deaf is a bucket that cannot be listed.
type deaf struct{ reconcile.S3 }

func (deaf) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return nil, errors.New("denied")
}

// Nothing is proved if a range could not be compared.
func TestNothingIsProvedOfRangesThatFailed(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges = 4 })
	prove := func(answers string) (reconcile.Answer, error) {
		return w.invoke(`{"prove": {"began": "2026-01-02T03:04:05Z", "ranges": [` + answers + `]}}`)
	}
	a, err := prove(`{"status": "complete", "done": true, "compared": 5}, {"status": "failed", "done": false}`)
	if err != nil || a.Status != reconcile.Incomplete || a.Done {
		t.Errorf("got %+v, %v", a, err)
	}
	if s := w.checkpoints.state(t); !s.Proof.IsZero() {
		t.Errorf("the checkpoint is %+v", s)
	}
	if a, err := prove(`{"status": "complete", "done": true}`); err != nil || !a.Done {
		t.Errorf("got %+v, %v", a, err)
	}
	if s := w.checkpoints.state(t); s.Proof.IsZero() {
		t.Errorf("the checkpoint is %+v", s)
	}
}

// lister is a bucket that is listed alone.
type lister struct {
	reconcile.S3
	bucket *listtest.Bucket
}

func (l lister) ListObjectsV2(
	ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	return l.bucket.ListObjectsV2(ctx, in, options...)
}

// A bucket that was made anew is compared in ranges as before: the keys are those of
// the others.
func TestThePlanIsOfTheBucketWithTheMostKeys(t *testing.T) {
	const n, ranges = 40_000, 10
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("objects/%09d.bin", i))
	}
	for name, has := range map[string]map[string]int{
		"empty":        {here: 0, there: n, third: n},
		"begun":        {here: n / 4, there: n / 2, third: n}, // in the order of the keys
		"alone":        {here: n, there: 0, third: 10},
		"all the same": {here: n, there: n, third: n},
	} {
		w := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges = ranges })
		all := map[string]*listtest.Bucket{}
		for region, first := range has {
			all[region] = &listtest.Bucket{}
			for _, key := range keys[:first] {
				all[region].Put(key, s3.HeadObjectOutput{
					ContentLength: aws.Int64(1), ETag: aws.String(`"1"`), LastModified: aws.Time(time.Unix(1, 0)),
				})
			}
		}
		w.change = func(h *reconcile.Handler) {
			h.Read = func(region string) reconcile.S3 { return lister{bucket: all[region]} }
		}
		a, err := w.invoke(fmt.Sprintf(`{"plan": {"ranges": %d}}`, ranges))
		if err != nil || len(a.Ranges) < ranges/2 {
			t.Errorf("%s: %d ranges, %v", name, len(a.Ranges), err)
			continue
		}
		largest, last := 0, 0
		for _, r := range a.Ranges {
			end := n
			if r.Through != "" {
				end, _ = slices.BinarySearch(keys, r.Through)
			}
			largest, last = max(largest, end-last), end
		}
		if largest > 4*n/ranges {
			t.Errorf("%s: the largest of %d ranges has %d of %d keys", name, len(a.Ranges), largest, n)
		}
		if has[here] == n {
			mine, _ := all[here].Requests()
			others, _ := all[there].Requests()
			if others >= mine {
				t.Errorf("%s: %d requests to another bucket, %d to the own one", name, others, mine)
			}
		}
	}
}
