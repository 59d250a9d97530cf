package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// This file has the function that compares on a schedule, in either mode.

const (
	opLifecycle = "GetBucketLifecycleConfiguration"
	opLoad      = "GetItem"
	opSave      = "PutItem"
)

// reconcileTime is the time-out of the function that compares, and tickEvery how often
// it is invoked.
const (
	reconcileTime = 15 * time.Minute
	tickEvery     = 15 * time.Minute
)

// document is what a Region's table has.
type document struct {
	content  []byte
	revision int64
}

// table is a process's way to the table of its Region.
type table struct{ *process }

func (t table) Load(ctx context.Context) (content []byte, revision int64, err error) {
	d, err := call(ctx, t.process, t.region, opLoad, "table of "+t.region, sdkRetries, func(string) (document, error) {
		return t.w.tables[t.region], nil
	})
	return d.content, d.revision, err
}

// Save is not tried again: an answer that is lost may be that to a save that was done.
func (t table) Save(ctx context.Context, content []byte, revision int64) error {
	_, err := call(ctx, t.process, t.region, opSave, fmt.Sprintf("table of %s, revision %d", t.region, revision), 1,
		func(string) (struct{}, error) {
			if t.w.tables[t.region].revision != revision {
				return struct{}{}, reconcile.ErrConflict
			}
			t.w.tables[t.region] = document{content, revision + 1}
			return struct{}{}, nil
		})
	return err
}

// reconciler is the function that compares, of a Region. grace is as in its Handler.
func (w *world) reconciler(p *process, grace time.Duration) *reconcile.Handler {
	config := functionenv.OfReconcile(w.set, namesOf(p.region).Member)
	config.MultipartThreshold = threshold
	p.sessionName = w.set.ReconcileSession()
	copies := w.copier(p)
	read := func(region string) reconcile.S3 { return client{w.member(p, region)} }
	var followed reconcile.Follower
	if w.follow != nil {
		read = func(region string) reconcile.S3 { return followClient{w.member(p, region)} }
		followed = w.follower(p, config.Config, copies).(reconcile.Follower)
	}
	return &reconcile.Handler{
		Config: config, Copier: copies, Follower: followed, Checkpoints: table{p}, Read: read,
		Log: quiet, Now: time.Now, Sleep: smithytime.SleepWithContext,
		// Pages of one key make a checkpoint possible after each.
		PageSize: 1, Parallel: 2, Grace: grace,
	}
}

// tick invokes the function that compares, as its schedule does.
func (w *world) tick(p *process, grace, timeout time.Duration) (reconcile.Answer, error) {
	ctx, cancel := context.WithTimeout(lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: p.id}),
		timeout)
	defer cancel()
	die := w.seed.between(time.Millisecond, pickTime(w.seed, p.id, time.Second, 10*time.Second, timeout), p.id, "when")
	if w.happens(w.schedule.profile.kills, p.id, killed) {
		alarm := time.AfterFunc(die, func() {
			p.kill()
			cancel()
		})
		defer alarm.Stop()
	}
	p.end = cancel
	var a reconcile.Answer
	raw, err := w.reconciler(p, grace).Invoke(ctx, []byte(`{"tick": true}`))
	if p.killed() {
		err = errKilled
	}
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	w.mu.Lock()
	w.say("%s: ends with %s, %s", p.id, raw, answerOf(err))
	if err == nil && a.Status == reconcile.Complete && w.follow == nil {
		w.checkProof(p, a)
	}
	w.mu.Unlock()
	return a, err
}

// ticksInBadWeather has functions compare while things fail.
func (w *world) ticksInBadWeather() {
	for i := range w.seed.below(4, "ticks") {
		region := w.set.Regions[w.seed.below(len(w.set.Regions), "tick where", fmt.Sprint(i))]
		id := fmt.Sprintf("tick %d in %s", i, region)
		w.after(w.seed.between(0, 20*time.Second, id), func() { w.tickInBadWeather(id, region) })
	}
}

func (w *world) tickInBadWeather(id, region string) {
	w.mu.Lock()
	member := w.set.Contains(region)
	w.mu.Unlock()
	if !member {
		return // not yet, or no more
	}
	grace := time.Duration(0)
	if w.seed.chance(700, id, "no grace") {
		grace = -1
	}
	_, _ = w.tick(w.newProcess(id, region), grace, pickTime(w.seed, id+" time", 2*time.Second, 20*time.Second, reconcileTime))
}

// mostTicks is how many ticks a comparison may take that nothing hinders.
const mostTicks = 4

// compareAll ticks until all is compared that was begun since a time: what failed in a
// comparison is left to the next one. again says that nothing may be found to repair, and
// may that some key cannot be repaired. A comparison that fails breaks the given promise.
func (w *world) compareAll(what, region string, since time.Time, again, may bool, promise string) (a reconcile.Answer) {
	var err error
	for i := range mostTicks {
		p := w.newProcess(fmt.Sprintf("%s, tick %d in %s", what, i, region), region)
		if a, err = w.tick(p, 0, reconcileTime); a.Status != reconcile.Complete {
			w.wait(tickEvery)
		} else if a.Began.Before(since) {
			w.wait(w.set.Reconcile.Every)
		} else {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil || a.Status != reconcile.Complete:
		w.broken(promise, "a comparison in %s that nothing hindered ends as %q after %d ticks: %v", region, a.Status, mostTicks, err)
	case again && a.Repaired > 0:
		w.broken(promise, "a second comparison in %s repairs %d keys", region, a.Repaired)
	case a.Unrepaired > 0 && !may:
		w.broken(promise, "a comparison in %s leaves %d keys: %+v", region, a.Unrepaired, a.Counts)
	}
	return a
}
