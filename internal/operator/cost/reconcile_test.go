package cost

import (
	"math"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

// TestBillOfComparing computes by hand what a million keys in three Regions add, at
// the prices of us-east-1.
func TestBillOfComparing(t *testing.T) {
	u := Usage{Regions: Alike(3), Objects: 1}
	without := u.fanout()
	u.Reconcile, u.Keys = &replicaset.Reconcile{Every: 24 * time.Hour}, 1_000_000
	with := u.fanout()
	const comparisons = 730.0 / 24
	for item, want := range map[Item]struct{ quantity, dollars float64 }{
		Writes:       {comparisons * 9 * 1000, comparisons * 9 * 0.005},
		Transfer:     {comparisons * 6 * 3e8 / gib, comparisons * 6 * 3e8 / gib * 0.02},
		Invocations:  {3 * 2920, 3 * 2920 * 0.20 / 1e6},
		FunctionTime: {3*2920*0.2*0.5 + comparisons*3*1e6/3300*0.5, (3*2920*0.2*0.5 + comparisons*3*1e6/3300*0.5) * 0.0000133334},
		Alarms:       {6, 0.60},
		Metrics:      {12, 3.60},
		Dashboards:   {0, 0},
		Reads:        {0, 0},
		Publishes:    {0, 0},
	} {
		quantity, dollars := with.Of(item).Quantity-without.Of(item).Quantity, with.Of(item).Dollars-without.Of(item).Dollars
		if math.Abs(quantity-want.quantity) > 1e-6*max(1, want.quantity) || math.Abs(dollars-want.dollars) > 1e-6 {
			t.Errorf("%s: %v for $%v more, want %v for $%v", item, quantity, dollars, want.quantity, want.dollars)
		}
	}
	if u.Keys = 0; u.fanout().Of(Writes) != without.Of(Writes) {
		t.Error("no keys are listed all the same")
	}
}
