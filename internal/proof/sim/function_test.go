package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/copier/copiertest"
	"s3fanout/internal/follow"
	"s3fanout/internal/follow/followtest"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/replicator"
)

const (
	killed       fault = "the function is killed"
	lostInvoke   fault = "Lambda loses the event"
	twiceInvoke  fault = "Lambda repeats the event"
	lostLetter   fault = "the dead letter is lost"
	refusedAsync fault = "the invocation is refused"
	unanswered   fault = "the invocation is not answered"
)

// functionTime is the function's time-out.
const functionTime = time.Minute

// mostAge is the maximum age of an event.
const mostAge = 6 * time.Hour

// mostChain is where Lambda stops invocations that cause each other.
const mostChain = 16

// invokeAsync queues an invocation.
func (w *world) invokeAsync(region string, payload []byte, id string, chain int) {
	named := w.versionsIn(string(payload))
	if w.happens(w.schedule.profile.lost/4, id, lostInvoke) {
		w.lose(named, region, "Lambda lost it")
		return
	}
	if w.happens(w.schedule.profile.twice, id, twiceInvoke) {
		w.queueInvocation(region, payload, id+" again", chain)
	}
	w.queueInvocation(region, payload, id, chain)
}

func (w *world) queueInvocation(region string, payload []byte, id string, chain int) {
	queued := time.Now()
	w.after(w.seed.between(time.Millisecond, 200*time.Millisecond, id, "queue"), func() {
		w.tryThrice(region, payload, id, chain, queued)
	})
}

// tryThrice is what Lambda does with an asynchronous invocation.
func (w *world) tryThrice(region string, payload []byte, id string, chain int, queued time.Time) {
	var err error
	for attempt := 1; attempt <= 3; attempt++ {
		w.back(region, id)
		if w.circles() {
			return
		}
		if time.Since(queued) > mostAge {
			w.letter(region, payload, id, "EventAgeExceeded", attempt-1, nil)
			return
		}
		if err = w.execute(region, payload, fmt.Sprintf("%s attempt %d", id, attempt), chain); err == nil {
			return
		}
		w.wait(time.Duration(attempt)*time.Minute + w.seed.between(0, 5*time.Second, id, fmt.Sprint(attempt)))
	}
	w.letter(region, payload, id, "RetriesExhausted", 3, err)
}

// letter sends what failed to the on-failure destination.
func (w *world) letter(region string, payload []byte, id, condition string, attempts int, failure error) {
	w.back(region, id)
	if isForged(payload) {
		return // whoever reads its reason deletes it
	}
	if w.happens(w.schedule.profile.lost/8, id, lostLetter) {
		w.lose(w.versionsIn(string(payload)), region, "its letter was lost")
		return
	}
	e := envelope{RequestPayload: payload, Timestamp: "2026-11-21T00:00:00.000Z", Version: "1.0"}
	e.RequestContext.ApproximateInvokeCount, e.RequestContext.Condition = attempts, condition
	e.RequestContext.FunctionARN, e.RequestContext.RequestID = namesOf(region).functionARN+":$LATEST", id
	if failure != nil {
		e.ResponseContext = &responseContext{"$LATEST", "Unhandled", http.StatusOK}
		e.ResponsePayload = &responsePayload{failure.Error(), "ReplicationError"}
	}
	body, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	w.queues[region].send(id, string(body))
}

// envelope is what Lambda sends to an on-failure destination.
type (
	envelope struct {
		RequestContext struct {
			ApproximateInvokeCount int    `json:"approximateInvokeCount"`
			Condition              string `json:"condition"`
			FunctionARN            string `json:"functionArn"`
			RequestID              string `json:"requestId"`
		} `json:"requestContext"`
		RequestPayload  json.RawMessage  `json:"requestPayload"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		ResponsePayload *responsePayload `json:"responsePayload,omitempty"`
		Timestamp       string           `json:"timestamp"`
		Version         string           `json:"version"`
	}
	responseContext struct {
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError"`
		StatusCode      int    `json:"statusCode"`
	}
	responsePayload struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}
)

// execute runs the function once.
func (w *world) execute(region string, payload []byte, id string, chain int) error {
	w.mu.Lock()
	w.stats.invocations++
	w.say("%s: invoked", id)
	w.mu.Unlock()
	p := w.newProcess(id, region)
	p.named, p.chain = versionIDs(string(payload)), chain
	ctx, cancel := context.WithTimeout(context.Background(), functionTime)
	defer cancel()
	die := functionTime
	if w.happens(w.schedule.profile.kills, id, killed) {
		die = w.seed.between(time.Millisecond, pickTime(w.seed, id, time.Second/10, time.Second, functionTime), id, "when")
	}
	alarm := time.AfterFunc(die, func() {
		p.kill()
		cancel()
	})
	defer alarm.Stop()
	answer, err := w.handler(p).Invoke(ctx, payload)
	if p.killed() {
		err = errKilled
		w.mu.Lock()
		w.stats.kills++
		w.mu.Unlock()
	}
	w.mu.Lock()
	w.say("%s: ends with %s %s", id, answer, answerOf(err))
	if err == nil && isForged(payload) {
		w.broken("e", "%s: a forged continuation succeeded", id)
	}
	w.mu.Unlock()
	return err
}

// handler is the function's own, with the model for AWS.
func (w *world) handler(p *process) *replicator.Handler {
	config := w.configs[p.region]
	var c copier.S3 = client{p}
	if w.follow != nil {
		c = followClient{p}
	}
	copies := w.copier(p)
	return &replicator.Handler{
		Config: config, Copier: copies, Follower: w.follower(p, config, copies), Self: self{p},
		Abort: func(ctx context.Context, u copier.Upload) error {
			_, err := c.AbortMultipartUpload(ctx, abortInput(config.Target.Bucket, u))
			return err
		},
		Log: quiet, Now: time.Now,
	}
}

// copier is the real one to the process's Region.
func (w *world) copier(p *process) labelled {
	var c copier.S3 = client{p}
	if w.follow != nil {
		c = followClient{p}
	}
	return labelled{p: p, Copier: copier.New(c, copier.Target{Region: p.region, Bucket: w.buckets[p.region].name},
		copier.WithLogger(quiet),
		copier.WithMultipart(threshold, parallel), copiertest.WithPartSize(partSize),
		copier.WithRole(namesOf(p.region).roleARN),
		copiertest.WithRandom(w.jitter(p)))}
}

// jitter is a source of randomness for a process.
func (w *world) jitter(p *process) func() float64 {
	n := 0
	return func() float64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		n++
		return float64(w.seed.roll(p.id, "jitter", fmt.Sprint(n))>>11) / (1 << 53)
	}
}

// follower is the real one to the process's Region; nil where the first write wins.
func (w *world) follower(p *process, config functionenv.Config, copies labelled) replicator.Follower {
	if w.follow == nil {
		return nil
	}
	return labelledFollower{p, follow.New(followClient{p}, copies, copier.Target{Region: p.region, Bucket: w.buckets[p.region].name},
		follow.WithOrigins(func(region string) (string, bool) {
			source, member := config.Sources.In(region)
			return source.Bucket, member
		}),
		follow.WithSince(config.Follow.Since), followtest.WithRandom(w.jitter(p)))}
}

// labelledFollower has the calls for one record be told apart from those for
// another of the same invocation.
type labelledFollower struct {
	p *process
	*follow.Follower
}

func (l labelledFollower) Follow(ctx context.Context, r follow.Request) (copier.Result, error) {
	s := r.Source
	// Two records of one version begin at the same moment. If they differ, which of them is
	// the first is not for Go to say.
	name := fmt.Sprintf("follow %s %s in %s, %d of %d, %q", s.Key, s.VersionID, s.Region, r.Kind, r.At.UnixNano(), s.ETag)
	label := l.p.identity(ctx, name)
	return l.Follower.Follow(context.WithValue(ctx, copyKey{}, label), r)
}

// self is what the function hands a copy over with.
type self struct{ *process }

func (s self) Invoke(ctx context.Context, payload []byte) error {
	w := s.w
	id := s.identity(ctx, "continue")
	if cut := s.pause(ctx, w.seed.between(time.Millisecond, 100*time.Millisecond, id)); cut {
		return s.cutOff(ctx, id)
	}
	accept := func() {
		w.mu.Lock()
		w.stats.handovers++
		if s.chain+1 >= mostChain {
			w.broken("b", "%s: Lambda would stop a chain of %d invocations", id, s.chain+1)
		}
		w.mu.Unlock()
		w.invokeAsync(s.region, payload, id, s.chain+1)
	}
	switch {
	case w.happens(w.schedule.profile.faults, id, refusedAsync):
		return &replicator.InvokeError{
			Status: pickOf(w.seed, []string{id, "status"}, http.StatusTooManyRequests, 500, 403), Code: "Refused",
			Message: "as the simulation wants it",
		}
	case w.happens(w.schedule.profile.faults/2, id, unanswered):
		if w.seed.chance(500, id, "arrives") {
			accept()
		}
		return networkError("Invoke", "read", syscall.ECONNRESET)
	}
	accept()
	return nil
}
