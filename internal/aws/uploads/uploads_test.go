package uploads

import (
	"testing"
	"time"

	"s3fanout/internal/aws/initiator"
)

// Whose copy it is counts, and whether it still moves: one that was left behind is
// no reason to wait for it.
func TestCopying(t *testing.T) {
	if _, got := (Found{Uploads: []Upload{{By: initiator.ByReplicator, Last: time.Now()}}}).Copying(); got {
		t.Error("without a time nobody knows whether it moves")
	}
	if got := (Found{Uploads: []Upload{{By: initiator.ByReplicator}}}).Abandoned(); got != nil {
		t.Error("without a time nobody knows whether it was left behind")
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		by   initiator.Writer
		idle time.Duration
		want bool
	}{
		{initiator.ByReplicator, 0, true}, {initiator.ByReplicator, IdleTime - time.Second, true}, {initiator.ByReplicator, IdleTime, false}, {initiator.ByOther, 0, false}, {initiator.ByUnknown, 0, false},
	} {
		f := Found{Now: now, Uploads: []Upload{{By: initiator.ByOther, Last: now}, {By: tc.by, Last: now.Add(-tc.idle)}}}
		if _, got := f.Copying(); got != tc.want {
			t.Errorf("%s, idle for %v: got %t", tc.by, tc.idle, got)
		}
		if got := len(f.Abandoned()) > 0; got != (tc.by == initiator.ByReplicator && !tc.want) {
			t.Errorf("%s, idle for %v: abandoned is %t", tc.by, tc.idle, got)
		}
	}
}
