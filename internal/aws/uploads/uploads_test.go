package uploads

import (
	"testing"
	"time"
)

func TestWriter(t *testing.T) {
	const role = "media-replicator-eu-west-1"
	for _, tc := range []struct {
		initiator string
		want      Writer
	}{
		{"arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator", ByReplicator},
		{"arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-10/x", ByOther},
		{"arn:aws:iam::111122223333:user/ann", ByOther},
		{"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", ByUnknown},
		{"", ByUnknown},
	} {
		if got := writer(tc.initiator, role); got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.initiator, got, tc.want)
		}
	}
}

// Whose copy it is counts, and whether it still moves: one that was left behind is
// no reason to wait for it.
func TestCopying(t *testing.T) {
	if _, got := (Found{Uploads: []Upload{{By: ByReplicator, Last: time.Now()}}}).Copying(); got {
		t.Error("without a time nobody knows whether it moves")
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		by   Writer
		idle time.Duration
		want bool
	}{
		{ByReplicator, 0, true}, {ByReplicator, IdleTime - time.Second, true}, {ByReplicator, IdleTime, false}, {ByOther, 0, false}, {ByUnknown, 0, false},
	} {
		f := Found{Now: now, Uploads: []Upload{{By: ByOther, Last: now}, {By: tc.by, Last: now.Add(-tc.idle)}}}
		if _, got := f.Copying(); got != tc.want {
			t.Errorf("%s, idle for %v: got %t", tc.by, tc.idle, got)
		}
	}
}
