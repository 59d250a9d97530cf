package copier

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/errorcode"
)

// maxPartAttempts bounds how often one part is tried. With the delays of
// backoff that is at least half a minute.
const maxPartAttempts = 12

// transfer copies the missing parts of one upload. One goroutine decides; each
// part under way has a goroutine of its own, and there are never more than the
// window allows.
type transfer struct {
	*Copier
	upload Upload
	// etags has a place for each part, as S3 gave it, empty while the part is
	// missing.
	etags  []string
	window Window
	pace   pace
	// list asks again which parts are there; nil if nobody else can copy any.
	list func(context.Context) ([]string, error)
	// first is the part to begin with: twins that begin at different ones copy
	// different ones.
	first int

	next    int // so many parts from the first on have been started once, or were there
	waiting []partTry
	flying  map[int]time.Time // when each was sent
	answers chan partAnswer
	sent    int // requests
	err     error

	listing  bool
	listed   chan []string
	listNext time.Time
}

// listEvery is how often to look what a twin has copied.
const listEvery = time.Minute

// partTry is a part that waits to be tried again.
type partTry struct {
	index, attempt int
	due            time.Time
}

// partAnswer is how a try ended.
type partAnswer struct {
	partTry
	number int // of the request, from 0
	sent   time.Time
	etag   string
	err    error
}

// run copies until all parts are there, the pace says stop, the context ends
// or a part fails for good; then it waits for the parts under way. An error is
// that part's, S3's own.
func (t *transfer) run(ctx context.Context) error {
	t.flying = make(map[int]time.Time, t.parallel)
	t.answers = make(chan partAnswer, t.parallel)
	t.listed = make(chan []string, 1)
	t.listNext = time.Now().Add(listEvery)
	defer func() {
		if t.listing {
			<-t.listed
		}
	}()
	alarm := time.NewTimer(listEvery) // set before each wait
	defer alarm.Stop()
	ended := ctx.Done()
	for {
		if t.err == nil && ctx.Err() == nil {
			t.start(ctx)
		}
		now := time.Now()
		wake, idle := t.nextStart(now)
		if len(t.flying) == 0 && (idle || t.err != nil || ctx.Err() != nil) {
			return t.err
		}
		wake = t.askAgain(ctx, now, wake)
		alarm.Reset(wake.Sub(now))
		select {
		case a := <-t.answers:
			t.take(a, time.Now())
		case etags := <-t.listed:
			t.learn(etags, time.Now())
		case <-alarm.C:
		case <-ended:
			ended = nil // the parts under way end by themselves now
		}
	}
}

// askAgain lists the parts if it is time to, beside those under way, and returns
// when to wake at the latest.
func (t *transfer) askAgain(ctx context.Context, now, wake time.Time) time.Time {
	switch {
	case t.list == nil || t.listing:
		return wake
	case now.Before(t.listNext):
		if t.listNext.Before(wake) {
			return t.listNext
		}
		return wake
	}
	t.listing = true
	go func() {
		etags, err := t.list(ctx)
		if err != nil {
			etags = nil // it will be asked again; what matters fails by itself
		}
		t.listed <- etags
	}()
	return wake
}

// learn enters the parts that somebody else has copied.
func (t *transfer) learn(etags []string, now time.Time) {
	t.listing, t.listNext = false, now.Add(listEvery)
	for i, etag := range etags {
		if _, flying := t.flying[i]; !flying && t.etags[i] == "" {
			t.etags[i] = etag
		}
	}
	t.waiting = slices.DeleteFunc(t.waiting, func(try partTry) bool { return t.etags[try.index] != "" })
}

// missing reports whether there are parts that are not copied.
func (t *transfer) missing() bool { return slices.Contains(t.etags, "") }

// start sends as many parts as are due and allowed, repetitions first.
func (t *transfer) start(ctx context.Context) {
	for len(t.flying) < t.window.Limit() {
		now := time.Now()
		if t.stopped(now) {
			return
		}
		try, ok := t.pick(now)
		if !ok {
			return
		}
		t.flying[try.index] = now
		number := t.sent
		t.sent++
		go func() {
			out, err := t.send(ctx, try.index)
			t.answers <- answerOf(partAnswer{partTry: try, number: number, sent: now, err: err}, out)
		}()
	}
}

// send copies a part, once it has its turn among those of the other copies. That wait
// counts as the part's, for the pace: it has to end by the deadline as well.
func (t *transfer) send(ctx context.Context, index int) (*s3.UploadPartCopyOutput, error) {
	if t.slots != nil {
		select {
		case t.slots <- struct{}{}:
			defer func() { <-t.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return t.client.UploadPartCopy(ctx, partInput(t.upload, t.target, index), inRegion(t.target.Region), unretried)
}

func answerOf(a partAnswer, out *s3.UploadPartCopyOutput) partAnswer {
	switch {
	case a.err != nil:
	case out.CopyPartResult == nil || deref(out.CopyPartResult.ETag) == "":
		a.err = retryable{errors.New("the answer to a part has no ETag")}
	default:
		a.etag = *out.CopyPartResult.ETag
	}
	return a
}

// pick takes the next part that may be sent now.
func (t *transfer) pick(now time.Time) (partTry, bool) {
	if len(t.waiting) > 0 && !t.waiting[0].due.After(now) {
		try := t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		return try, true
	}
	if !t.unstarted() {
		return partTry{}, false
	}
	t.next++
	return partTry{index: t.at(t.next - 1), attempt: 1}, true
}

// unstarted goes on to the next part that is missing and was never started, and
// reports whether there is one.
func (t *transfer) unstarted() bool {
	for t.next < len(t.etags) && t.etags[t.at(t.next)] != "" {
		t.next++
	}
	return t.next < len(t.etags)
}

// at is the n-th part from the first on.
func (t *transfer) at(n int) int { return (t.first + n) % len(t.etags) }

// stopped reports whether the deadline is too near. A part that is under way
// for long counts as slow before it ends.
func (t *transfer) stopped(now time.Time) bool {
	p := t.pace
	for _, sent := range t.flying {
		p = p.saw(now.Sub(sent))
	}
	return p.over(now)
}

// nextStart is when to look again whether a part can be started, if no answer
// comes before. It is idle if no part will be started any more.
func (t *transfer) nextStart(now time.Time) (wake time.Time, idle bool) {
	const far = time.Hour
	wake = now.Add(far)
	if t.unstarted() {
		return wake, t.stopped(now)
	}
	if len(t.waiting) == 0 || t.stopped(now) {
		return wake, true
	}
	if due := t.waiting[0].due; due.After(now) {
		wake = due
	}
	if stop := t.pace.stop(); !stop.IsZero() && stop.Before(wake) {
		wake = stop
	}
	return wake, false
}

// take digests an answer.
func (t *transfer) take(a partAnswer, now time.Time) {
	delete(t.flying, a.index)
	if a.err == nil {
		t.etags[a.index] = a.etag
		t.pace = t.pace.saw(now.Sub(a.sent))
		t.window = t.window.Success()
		return
	}
	if errorcode.Throttled(a.err) {
		t.window = t.window.Throttle(a.number, t.sent)
	}
	if interpret(copyPart, t.upload.Source, a.err) != failed || classify(a.err) != Retryable || a.attempt == maxPartAttempts {
		// The first failure is the cause; what follows may be its consequence.
		t.err = cmp.Or(t.err, a.err)
		return
	}
	again := partTry{index: a.index, attempt: a.attempt + 1, due: now.Add(backoff(a.attempt, t.random()))}
	at, _ := slices.BinarySearchFunc(t.waiting, again, func(x, y partTry) int { return x.due.Compare(y.due) })
	t.waiting = slices.Insert(t.waiting, at, again)
}
