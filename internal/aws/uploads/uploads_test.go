package uploads

import (
	"testing"
	"time"

	"s3fanout/internal/aws/initiator"
)

// Whose copy it is counts, and whether it still moves: one that was left behind is
// no reason to wait for it.
func TestCopying(t *testing.T) {
	const own = "arn:aws:sts::111122223333:assumed-role/media/media-reconcile"
	if _, got := (Found{Uploads: []Upload{{By: initiator.ByReplicator, Last: time.Now()}}}).Copying(); got {
		t.Error("without a time nobody knows whether it moves")
	}
	if got := (Found{Uploads: []Upload{{By: initiator.ByReplicator, Initiator: own}}}).Abandoned("media-reconcile"); got != nil {
		t.Error("without a time nobody knows whether it was left behind")
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		by   initiator.Writer
		idle time.Duration
		want bool
	}{
		{initiator.ByReplicator, 0, true}, {initiator.ByReplicator, IdleTime - time.Second, true},
		{initiator.ByReplicator, IdleTime, false}, {initiator.ByOther, 0, false}, {initiator.ByUnknown, 0, false},
	} {
		f := Found{Now: now, Uploads: []Upload{{By: initiator.ByOther, Last: now}, {By: tc.by, Initiator: own, Last: now.Add(-tc.idle)}}}
		if _, got := f.Copying(); got != tc.want {
			t.Errorf("%s, idle for %v: got %t", tc.by, tc.idle, got)
		}
		if got := len(f.Abandoned("media-reconcile")) > 0; got != (tc.by == initiator.ByReplicator && !tc.want) {
			t.Errorf("%s, idle for %v: abandoned is %t", tc.by, tc.idle, got)
		}
	}
}

// What another session of the role has begun waits for its own event, however long that
// lies in a queue.
func TestAbandonedIsWhatTheSessionItselfHasBegun(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/media"
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for began, want := range map[string]int{
		"arn:aws:sts::111122223333:assumed-role/media/media-reconcile": 1,
		"arn:aws:sts::111122223333:assumed-role/media/media":           0,
		"arn:aws:sts::111122223333:assumed-role/media/media-operator":  0,
		"arn:aws:iam::111122223333:role/media-reconcile":               0,
		role: 0,
	} {
		u := Upload{By: initiator.ByReplicator, Initiator: began, Last: now.Add(-6 * 24 * time.Hour)}
		if got := (Found{Now: now, Uploads: []Upload{u}}).Abandoned("media-reconcile"); len(got) != want {
			t.Errorf("%s: got %v", began, got)
		}
	}
}
