package cost

import (
	"math"
	"testing"

	"s3fanout/internal/replicaset"
)

// TestPriceOfTheAuditTrail adds up by hand: $0.10 for 100,000 events, and 1700 bytes
// of each at $0.50 a GB.
func TestPriceOfTheAuditTrail(t *testing.T) {
	const event = 0.10/100_000 + 1700*0.50/1e9
	follow := replicaset.Follow{Overwrites: true, Deletions: true}
	for _, tt := range []struct {
		what  string
		usage Usage
		own   bool
		want  float64 // events
	}{
		{"uploads", Usage{Objects: 1e6}, false, 1e6},
		{"uploads and replicas", Usage{Objects: 1e6}, true, 3e6},
		{"deletions", Usage{Objects: 1e6, Deletions: 1e5, Follow: follow}, false, 1.1e6},
		{"followed deletions", Usage{Objects: 1e6, Deletions: 1e5, Follow: follow}, true, 3.3e6},
		{"copies in parts", Usage{Objects: 100, Size: 1 << 30}, true, 100 + 200*(2+64)},
		{"from one Region", Usage{Objects: 1e6, From: "Region 2"}, true, 3e6},
	} {
		tt.usage.Regions = Alike(3)
		if got := tt.usage.Audit(tt.own); math.Abs(got-tt.want*event) > 1e-6 {
			t.Errorf("%s: $%f, want $%f", tt.what, got, tt.want*event)
		}
	}
}
