package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/listing/listtest"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

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
		return t.w.follow.tables[t.region], nil
	})
	return d.content, d.revision, err
}

// Save is not tried again: an answer that is lost may be that to a save that was done.
func (t table) Save(ctx context.Context, content []byte, revision int64) error {
	_, err := call(ctx, t.process, t.region, opSave, fmt.Sprintf("table of %s, revision %d", t.region, revision), 1, func(string) (struct{}, error) {
		if t.w.follow.tables[t.region].revision != revision {
			return struct{}{}, reconcile.ErrConflict
		}
		t.w.follow.tables[t.region] = document{content, revision + 1}
		return struct{}{}, nil
	})
	return err
}

// GetBucketLifecycleConfiguration has a rule for each key that one acts on.
func (c followClient) GetBucketLifecycleConfiguration(ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput, opts ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return followSend(ctx, c, opLifecycle, *in.Bucket, "", opts, func(b *store, _ string) (*s3.GetBucketLifecycleConfigurationOutput, error) {
		out := &s3.GetBucketLifecycleConfigurationOutput{ResultMetadata: listtest.Answered(c.w.now(b.region))}
		for _, a := range c.w.schedule.actions {
			if a.kind == expireCurrent && a.region == b.region {
				out.Rules = append(out.Rules, types.LifecycleRule{
					Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String(a.key)},
					Expiration: &types.LifecycleExpiration{Date: aws.Time(c.w.began.Add(-24 * time.Hour))},
				})
			}
		}
		if out.Rules == nil {
			return nil, apiError(opLifecycle, http.StatusNotFound, "NoSuchLifecycleConfiguration")
		}
		return out, nil
	})
}

// reconciler is the function that compares, of a Region. grace is as in its Handler.
func (w *world) reconciler(p *process, grace time.Duration) *reconcile.Handler {
	config := functionenv.OfReconcile(w.set, w.set.Member(account, p.region))
	config.MultipartThreshold = threshold
	p.sessionName = w.set.ReconcileSession()
	copies := w.copier(p)
	return &reconcile.Handler{
		Config: config, Copier: copies, Follower: w.follower(p, config.Config, copies).(reconcile.Follower), Checkpoints: table{p},
		Read:  func(region string) reconcile.S3 { return followClient{w.member(p, region)} },
		Log:   quiet,
		Now:   time.Now,
		Sleep: smithytime.SleepWithContext,
		// Pages of one key make a checkpoint possible after each.
		PageSize: 1, Parallel: 2, Grace: grace,
	}
}

// tick invokes the function that compares, as its schedule does.
func (w *world) tick(p *process, grace, timeout time.Duration) (reconcile.Answer, error) {
	ctx, cancel := context.WithTimeout(lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: p.id}), timeout)
	defer cancel()
	if die := w.seed.between(time.Millisecond, pickTime(w.seed, p.id, time.Second, 10*time.Second, timeout), p.id, "when"); w.happens(w.schedule.profile.kills, p.id, killed) {
		alarm := time.AfterFunc(die, func() {
			p.kill()
			cancel()
		})
		defer alarm.Stop()
	}
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
	w.mu.Unlock()
	return a, err
}

// reconcileMeanwhile has the function of a Region compare while users go on, once or
// twice at once, with the grace that it has or none, and in little time.
func (w *world) reconcileMeanwhile(a action) {
	for i := range 1 + w.seed.below(2, a.name, "ticks") {
		id := fmt.Sprintf("tick %d of %s in %s", i, a.name, a.region)
		w.after(w.seed.between(0, 5*time.Second, id), func() {
			w.tickInBadWeather(id, a.region)
		})
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

// reconcileScheduled has the functions that compare go through all keys, first while
// things fail, and holds the world against promise 1 once more: now without the
// excuse that events alone cannot do it. A second comparison finds nothing.
func (w *world) reconcileScheduled(context.Context) {
	w.mu.Lock()
	w.calm = false
	w.mu.Unlock()
	for i := range w.seed.below(4, "ticks") {
		region := w.set.Regions[w.seed.below(len(w.set.Regions), "tick where", fmt.Sprint(i))]
		id := fmt.Sprintf("tick %d in %s", i, region)
		w.after(w.seed.between(0, 20*time.Second, id), func() { w.tickInBadWeather(id, region) })
	}
	w.tasks.Wait()
	w.quieten()
	calm := time.Now()
	for round := range 2 {
		w.wait(max(w.set.Reconcile.Every, uploads.IdleTime)) // also until nobody takes what was killed for somebody at work
		for _, region := range w.set.Regions {
			w.compareAll(fmt.Sprintf("comparison %d", round), region, calm, round > 0)
		}
		w.tasks.Wait()
		w.mu.Lock()
		w.judgeReconciled()
		w.mu.Unlock()
	}
}

// compareAll ticks until all is compared that was begun since a time: what failed in a
// comparison is left to the next one. again says that nothing may be found to repair.
func (w *world) compareAll(what, region string, since time.Time, again bool) {
	var a reconcile.Answer
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
		w.broken("1", "a comparison in %s that nothing hindered ends as %q after %d ticks: %v", region, a.Status, mostTicks, err)
	case again && a.Repaired > 0:
		w.broken("1", "a second comparison in %s repairs %d keys", region, a.Repaired)
	case a.Unrepaired > 0 && !w.mayStayDifferent():
		w.broken("1", "a comparison in %s leaves %d keys: %+v", region, a.Unrepaired, a.Counts)
	}
}

// mayStayDifferent says that some key cannot be repaired.
func (w *world) mayStayDifferent() bool {
	return w.schedule.profile.emulated || slices.ContainsFunc(w.follow.trace.keys(), func(key string) bool { return !w.endsWithReconcile(key) })
}
