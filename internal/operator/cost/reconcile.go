package cost

import (
	"time"

	"s3fanout/internal/operator/price"
)

// What a scheduled comparison of the Regions' buckets adds. Tests hold the first
// three against the templates and against what the function writes.
const (
	// ReconcileMemoryMiB is the memory of the function that compares.
	ReconcileMemoryMiB = 512
	// AlarmMetricsOfReconcile and MetricsOfReconcile are those of each Region as long
	// as nothing differs: KeysCompared, ProofAge, ProofTime and a KeysUnrepaired of zero.
	AlarmMetricsOfReconcile = 2
	MetricsOfReconcile      = 4
	// ReconcileTicks are how often a month the function is started.
	ReconcileTicks = hoursInMonth * 4

	hoursInMonth = 730
	tickTime     = 200 * time.Millisecond // of one on which nothing is due
	keysInPage   = 1000                   // of a LIST
	listedBytes  = 300                    // of a key in a listing
	// KeysPerSecond is how many keys one function compares: a page of the bucket that
	// is farthest away takes about 0.3 seconds.
	KeysPerSecond = 3300
)

// reconcile adds what comparing costs, as long as nothing differs. Each Region's
// function lists all buckets; the listings of the other Regions are transferred. A
// request to the table for each tick is left out: it is less than a cent a month.
func (u Usage) reconcile(t tally, second float64) {
	if u.Reconcile == nil {
		return
	}
	n := float64(len(u.Regions))
	t.add(Alarms, n*AlarmMetricsOfReconcile, price.AlarmMonth)
	t.add(Metrics, n*MetricsOfReconcile, price.MetricMonth)
	t.add(Invocations, n*ReconcileTicks, price.Invocation)
	const memory = ReconcileMemoryMiB / 1024.0
	t.add(FunctionTime, n*ReconcileTicks*tickTime.Seconds()*memory, second)
	comparisons := float64(hoursInMonth) / u.Reconcile.Every.Hours()
	keys := comparisons * float64(u.Keys)
	for _, here := range u.Regions {
		for _, listed := range u.Regions {
			t.add(Writes, keys/keysInPage, writePrice(listed))
			if listed != here {
				t.add(Transfer, keys*listedBytes/gib, prices(listed).Transfer)
			}
		}
		t.add(FunctionTime, keys/KeysPerSecond*memory, second)
		t.add(Logs, ReconcileTicks*LogLineBytes/gb, prices(here).Logs)
	}
}
