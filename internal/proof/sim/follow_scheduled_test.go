package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/uploads"
)

// GetBucketLifecycleConfiguration has a rule for each key that one acts on.
func (c followClient) GetBucketLifecycleConfiguration(
	ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput, opts ...func(*s3.Options),
) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return followSend(ctx, c, opLifecycle, *in.Bucket, "", opts,
		func(b *store, _ string) (*s3.GetBucketLifecycleConfigurationOutput, error) {
			out := &s3.GetBucketLifecycleConfigurationOutput{ResultMetadata: c.w.answered(b.region)}
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

// reconcileScheduled has the functions that compare go through all keys, first while
// things fail, and holds the world against promise 1 once more: now without the
// excuse that events alone cannot do it. A second comparison finds nothing.
func (w *world) reconcileScheduled(context.Context) {
	w.mu.Lock()
	w.calm = false
	w.mu.Unlock()
	w.ticksInBadWeather()
	w.tasks.Wait()
	w.quieten()
	calm := time.Now()
	round := func(n int, again bool) {
		w.wait(max(w.set.Reconcile.Every, uploads.IdleTime)) // also until nobody takes what was killed for somebody at work
		for _, region := range w.set.Regions {
			w.compareAll(fmt.Sprintf("comparison %d", n), region, calm, again, w.mayStayDifferent(), "1")
		}
		w.tasks.Wait()
		w.mu.Lock()
		w.judgeReconciled()
		w.mu.Unlock()
	}
	round(0, false)
	round(1, true)
	if w.killTicks("1") {
		round(2, false)
	}
}

// mayStayDifferent says that some key cannot be repaired.
func (w *world) mayStayDifferent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.schedule.profile.emulated ||
		slices.ContainsFunc(w.follow.trace.keys(), func(key string) bool { return !w.endsWithReconcile(key) })
}
