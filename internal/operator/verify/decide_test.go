package verify

import (
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/policy"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const grace = 5 * time.Minute
	// at is an object that was written so long ago, later ones newer.
	at := func(age time.Duration, size int64, etag string, checksums ...policy.Checksum) policy.State {
		return policy.State{
			Presence: policy.Present, Modified: now.Add(-age), Figures: policy.Figures{Size: size, ETag: etag, Checksums: checksums},
		}
	}
	old := func(size int64, etag string, checksums ...policy.Checksum) policy.State {
		return at(48*time.Hour, size, etag, checksums...)
	}
	tagged := func(s policy.State, value string) policy.State {
		s.Tags = map[string]string{}
		if value != "" {
			s.Tags["t"] = value
		}
		return s
	}
	kms := func(s policy.State) policy.State { s.Opaque = true; return s }
	full := func(value string) policy.Checksum {
		return policy.Checksum{Algorithm: "CRC64NVME", Type: policy.FullObject, Value: value}
	}
	parts := func(value string) policy.Checksum {
		return policy.Checksum{Algorithm: "SHA256", Type: policy.Composite, Value: value}
	}
	absent, deleted := policy.State{Presence: policy.Absent}, policy.State{Presence: policy.Deleted, Modified: now.Add(-time.Hour)}
	judge := func(states []policy.State, began time.Duration, grace time.Duration) verdict {
		var w watch
		listed := make([]bool, len(states))
		for i, s := range states {
			listed[i] = s.Here()
		}
		w.see(states, listed, now.Add(-began))
		w.see(states, listed, now)
		return w.judge(grace)
	}
	if v := judge([]policy.State{at(-time.Second, 1, "a"), absent}, 0, 0); v.young != 0 || len(v.findings) != 1 {
		t.Errorf("without a grace: %+v, want a finding", v)
	}
	tests := []struct {
		name   string
		states []policy.State
		began  time.Duration // before now
		want   string
	}{
		{"equal", []policy.State{old(1, "a"), old(1, "a")}, 0, "same"},
		{"gone", []policy.State{absent, deleted}, 0, "gone"},
		{"missing", []policy.State{old(1, "a"), absent, deleted}, 0, "missing [1 2] deleted"},
		{"absent", []policy.State{absent, old(1, "a"), absent}, 0, "missing [0 2] absent"},
		{"just missing", []policy.State{at(grace-time.Second, 1, "a"), absent}, 0, "young 1s"},
		{"missing as long as the grace", []policy.State{at(grace, 1, "a"), absent}, 0, "missing [1] absent"},
		{"just overwritten", []policy.State{old(1, "a"), at(time.Minute, 2, "b")}, 0, "young 4m0s"},
		{"dated in the future", []policy.State{at(-time.Minute, 1, "a"), absent}, 0, "young 5m0s"},
		{"dated in the future for a grace", []policy.State{at(-time.Minute, 1, "a"), absent}, grace, "missing [1] absent"},
		{"just deleted", []policy.State{{Presence: policy.Deleted, Modified: now.Add(-time.Minute)}, old(1, "a")}, 0, "young 4m0s"},
		{"deleted, nobody says when", []policy.State{{Presence: policy.Deleted}, old(1, "a")}, 0, "young 5m0s"},
		{"deleted long ago, nobody says when", []policy.State{{Presence: policy.Deleted}, old(1, "a")}, grace, "missing [0] deleted"},
		{"other tags", []policy.State{tagged(old(1, "a"), "1"), tagged(old(1, "a"), "2")}, 0, "different [1] tags"},
		{"other tags, just written", []policy.State{tagged(old(1, "a"), "1"), tagged(at(time.Minute, 1, "a"), "2")}, 0, "young 4m0s"},
		{"no tags and none", []policy.State{tagged(old(1, "a"), ""), tagged(old(1, "a"), "")}, 0, "same"},
		{"new but equal", []policy.State{at(0, 1, "a"), at(0, 1, "a")}, 0, "same"},
		{"size", []policy.State{old(1, "a"), old(2, "b")}, 0, "different [1] size"},
		{"size, the original is the second", []policy.State{old(1, "a"), at(72*time.Hour, 2, "b")}, 0, "different [0] size"},
		{"etag", []policy.State{old(1, "a"), old(1, "b"), old(1, "a")}, 0, "different [1] etag"},
		{"equal etag counts more than checksums", []policy.State{old(1, "a", full("x")), old(1, "a", full("y"))}, 0, "same"},
		{"in parts, equal checksum", []policy.State{old(1, "a-2", full("x")), old(1, "b-3", full("x"))}, 0, "same"},
		{"in parts, unequal checksum", []policy.State{old(1, "a-2", full("x")), old(1, "b-3", full("y"))}, 0, "different [1] checksum"},
		{"in parts and not, equal checksum", []policy.State{old(1, "a-2", full("x")), old(1, "b", full("x"))}, 0, "same"},
		{"in parts, no checksum", []policy.State{old(1, "a-2"), old(1, "b-3")}, 0, "size only"},
		{"in parts and not", []policy.State{old(1, "a-2"), old(1, "b")}, 0, "size only"},
		{"in parts, checksums of two kinds", []policy.State{old(1, "a-2", parts("x")), old(1, "b-3", full("y"))}, 0, "size only"},
		{"in parts, same algorithm of two types",
			[]policy.State{
				old(1, "a-2", policy.Checksum{Algorithm: "CRC32", Type: policy.Composite, Value: "x-2"}),
				old(1, "b", policy.Checksum{Algorithm: "CRC32", Type: policy.FullObject, Value: "y"}),
			}, 0, "size only"},
		{"in parts, equal composite", []policy.State{old(1, "a-2", parts("x-2")), old(1, "b-2", parts("x-2"))}, 0, "same"},
		{"in parts, unequal composite", []policy.State{old(1, "a-2", parts("x-2")), old(1, "b-3", parts("y-3"))}, 0, "size only"},
		{"one of two checksums is unequal", []policy.State{old(1, "a-2", parts("x-2"), full("x")), old(1, "b-2", parts("x-2"), full("y"))},
			0, "different [1] checksum"},
		{"KMS", []policy.State{kms(old(1, "a")), old(1, "b")}, 0, "size only"},
		{"KMS, unequal size", []policy.State{kms(old(1, "a")), old(2, "b")}, 0, "different [1] size"},
		{"KMS, unequal checksum", []policy.State{kms(old(1, "a", full("x"))), kms(old(1, "b", full("y")))}, 0, "different [1] checksum"},
		{"unequal without the original", []policy.State{old(1, "a-2"), old(1, "b"), old(1, "c")}, 0, "different [2] etag"},
		{"both", []policy.State{old(1, "a"), absent, old(2, "b")}, 0, "missing [1] absent, different [2] size"},
		{"missing one of parts, seen just now", []policy.State{at(time.Hour, 1, "a-2"), absent}, 0, "young 5m0s"},
		{"missing one of parts, seen long ago", []policy.State{at(time.Hour, 1, "a-2"), absent}, grace, "missing [1] absent"},
		{"missing one of parts, very old", []policy.State{at(25*time.Hour, 1, "a-2"), absent}, 0, "missing [1] absent"},
	}
	for _, tt := range tests {
		v := judge(tt.states, tt.began, grace)
		got := ""
		for _, f := range v.findings {
			if got != "" {
				got += ", "
			}
			got += fmt.Sprintf("%s %v %s", f.kind, f.indexes, f.why)
		}
		switch {
		case v.gone:
			got += "gone"
		case v.young > 0:
			got += fmt.Sprint("young ", v.young)
		case v.sizeOnly:
			got += "size only"
		case got == "":
			got = "same"
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
