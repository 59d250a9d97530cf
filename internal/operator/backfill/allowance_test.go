package backfill

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/sandbox/network"
)

// One prefix of a bucket over a network like AWS's takes 3,500 copies a second, and so
// many at once before. More than 256 are under way until S3 says SlowDown; from then on
// about as many end in a second as it takes, few are refused, and none is lost.
func TestCopiesToOnePrefixSettleAtWhatS3Takes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const source, target, objects, takes = "us-east-1", "eu-west-1", 26_000, 3500
		w := newWorld(source, target)
		w.fillOf(source, objects)
		n := network.AWS(1, target)
		refused, most := 0, 0      // most under way when the first was refused
		ended := map[int]float64{} // by second
		began := time.Now()
		w.onCopy = func(ctx context.Context, region string, o copier.Object) error {
			if !n.Admit(region, o.Key, true, time.Now()) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if refused++; refused == 1 {
					most = w.flying[region]
				}
				return slowDown()
			}
			if err := network.Pass(ctx, n.Request("s3", target, target)+n.RoundTrip(target, source)); err != nil {
				return err
			}
			w.mu.Lock()
			ended[int(time.Since(began).Seconds())]++
			w.mu.Unlock()
			return nil
		}
		report := w.fillIn(t, func(o *Options) { o.To = []string{target} }, Observer{})
		if b := report.Targets[0]; b.Copied != objects || b.Failed != 0 || len(w.keys(target)) != objects {
			t.Errorf("%+v, %d at the target; want all %d", b, len(w.keys(target)), objects)
		}
		if most <= firstConcurrency || refused == 0 || refused > 200 {
			t.Errorf("%d were under way when S3 first said SlowDown, which it said %d times; want more than %d, and few times",
				most, refused, firstConcurrency)
		}
		settled := (ended[2] + ended[3] + ended[4] + ended[5]) / 4 // what was saved at first is used up
		if settled < 0.9*takes || settled > 1.05*takes {
			t.Errorf("%.0f copies a second of the %d that S3 takes, by seconds %v", settled, takes, ended)
		}
		t.Logf("%.0f a second of %d, %d refused, %d at once; by seconds %v", settled, takes, refused, most, ended)
	})
}
