package verify

import (
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/contents"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const grace = 5 * time.Minute
	// at is an object that was written so long ago, later ones newer.
	at := func(age time.Duration, size int64, etag string, checksums ...contents.Checksum) state {
		return state{present: true, modified: now.Add(-age), Figures: contents.Figures{Size: size, ETag: etag, Checksums: checksums}}
	}
	old := func(size int64, etag string, checksums ...contents.Checksum) state {
		return at(48*time.Hour, size, etag, checksums...)
	}
	tagged := func(s state, value string) state {
		s.tags = map[string]string{}
		if value != "" {
			s.tags["t"] = value
		}
		return s
	}
	kms := func(s state) state { s.Opaque = true; return s }
	full := func(value string) contents.Checksum {
		return contents.Checksum{Algorithm: "CRC64NVME", Type: contents.FullObject, Value: value}
	}
	parts := func(value string) contents.Checksum {
		return contents.Checksum{Algorithm: "SHA256", Type: contents.Composite, Value: value}
	}
	absent, deleted := state{}, state{deleted: true, modified: now.Add(-time.Hour)}
	judge := func(states []state, began time.Duration, grace time.Duration) verdict {
		var w watch
		listed := make([]bool, len(states))
		for i, s := range states {
			listed[i] = s.present
		}
		w.see(states, listed, now.Add(-began))
		w.see(states, listed, now)
		return w.judge(grace)
	}
	if v := judge([]state{at(-time.Second, 1, "a"), {}}, 0, 0); v.young != 0 || len(v.findings) != 1 {
		t.Errorf("without a grace: %+v, want a finding", v)
	}
	tests := []struct {
		name   string
		states []state
		began  time.Duration // before now
		want   string
	}{
		{"equal", []state{old(1, "a"), old(1, "a")}, 0, "same"},
		{"gone", []state{absent, deleted}, 0, "gone"},
		{"missing", []state{old(1, "a"), absent, deleted}, 0, "missing [1 2] deleted"},
		{"absent", []state{absent, old(1, "a"), absent}, 0, "missing [0 2] absent"},
		{"just missing", []state{at(grace-time.Second, 1, "a"), absent}, 0, "young 1s"},
		{"missing as long as the grace", []state{at(grace, 1, "a"), absent}, 0, "missing [1] absent"},
		{"just overwritten", []state{old(1, "a"), at(time.Minute, 2, "b")}, 0, "young 4m0s"},
		{"dated in the future", []state{at(-time.Minute, 1, "a"), absent}, 0, "young 5m0s"},
		{"dated in the future for a grace", []state{at(-time.Minute, 1, "a"), absent}, grace, "missing [1] absent"},
		{"just deleted", []state{{deleted: true, modified: now.Add(-time.Minute)}, old(1, "a")}, 0, "young 4m0s"},
		{"deleted, nobody says when", []state{{deleted: true}, old(1, "a")}, 0, "young 5m0s"},
		{"deleted long ago, nobody says when", []state{{deleted: true}, old(1, "a")}, grace, "missing [0] deleted"},
		{"other tags", []state{tagged(old(1, "a"), "1"), tagged(old(1, "a"), "2")}, 0, "different [1] tags"},
		{"other tags, just written", []state{tagged(old(1, "a"), "1"), tagged(at(time.Minute, 1, "a"), "2")}, 0, "young 4m0s"},
		{"no tags and none", []state{tagged(old(1, "a"), ""), tagged(old(1, "a"), "")}, 0, "same"},
		{"new but equal", []state{at(0, 1, "a"), at(0, 1, "a")}, 0, "same"},
		{"size", []state{old(1, "a"), old(2, "b")}, 0, "different [1] size"},
		{"size, the original is the second", []state{old(1, "a"), at(72*time.Hour, 2, "b")}, 0, "different [0] size"},
		{"etag", []state{old(1, "a"), old(1, "b"), old(1, "a")}, 0, "different [1] etag"},
		{"equal etag counts more than checksums", []state{old(1, "a", full("x")), old(1, "a", full("y"))}, 0, "same"},
		{"in parts, equal checksum", []state{old(1, "a-2", full("x")), old(1, "b-3", full("x"))}, 0, "same"},
		{"in parts, unequal checksum", []state{old(1, "a-2", full("x")), old(1, "b-3", full("y"))}, 0, "different [1] checksum"},
		{"in parts and not, equal checksum", []state{old(1, "a-2", full("x")), old(1, "b", full("x"))}, 0, "same"},
		{"in parts, no checksum", []state{old(1, "a-2"), old(1, "b-3")}, 0, "size only"},
		{"in parts and not", []state{old(1, "a-2"), old(1, "b")}, 0, "size only"},
		{"in parts, checksums of two kinds", []state{old(1, "a-2", parts("x")), old(1, "b-3", full("y"))}, 0, "size only"},
		{"in parts, same algorithm of two types", []state{old(1, "a-2", contents.Checksum{Algorithm: "CRC32", Type: contents.Composite, Value: "x-2"}), old(1, "b", contents.Checksum{Algorithm: "CRC32", Type: contents.FullObject, Value: "y"})}, 0, "size only"},
		{"in parts, equal composite", []state{old(1, "a-2", parts("x-2")), old(1, "b-2", parts("x-2"))}, 0, "same"},
		{"in parts, unequal composite", []state{old(1, "a-2", parts("x-2")), old(1, "b-3", parts("y-3"))}, 0, "size only"},
		{"one of two checksums is unequal", []state{old(1, "a-2", parts("x-2"), full("x")), old(1, "b-2", parts("x-2"), full("y"))}, 0, "different [1] checksum"},
		{"KMS", []state{kms(old(1, "a")), old(1, "b")}, 0, "size only"},
		{"KMS, unequal size", []state{kms(old(1, "a")), old(2, "b")}, 0, "different [1] size"},
		{"KMS, unequal checksum", []state{kms(old(1, "a", full("x"))), kms(old(1, "b", full("y")))}, 0, "different [1] checksum"},
		{"unequal without the original", []state{old(1, "a-2"), old(1, "b"), old(1, "c")}, 0, "different [2] etag"},
		{"both", []state{old(1, "a"), absent, old(2, "b")}, 0, "missing [1] absent, different [2] size"},
		{"missing one of parts, seen just now", []state{at(time.Hour, 1, "a-2"), absent}, 0, "young 5m0s"},
		{"missing one of parts, seen long ago", []state{at(time.Hour, 1, "a-2"), absent}, grace, "missing [1] absent"},
		{"missing one of parts, very old", []state{at(25*time.Hour, 1, "a-2"), absent}, 0, "missing [1] absent"},
	}
	for _, tt := range tests {
		v := judge(tt.states, tt.began, grace)
		got := ""
		for _, f := range v.findings {
			if got != "" {
				got += ", "
			}
			got += fmt.Sprintf("%s %v %s", f.kind, f.places, f.why)
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
