package cost

import (
	"math"
	"testing"
)

// TestPriceOfAccessPoints adds up by hand: 100 GiB uploaded and 900 GiB read.
func TestPriceOfAccessPoints(t *testing.T) {
	got := Usage{Regions: Alike(3), Objects: 100, Size: 1 << 30}.Access(900<<30, 6)
	want := Access{Routing: 3.30, Least: 100*0.0025 + 900*0.005, Most: 60, Endpoints: 43.80, EndpointData: 10}
	for _, c := range [][2]float64{
		{got.Routing, want.Routing}, {got.Least, want.Least}, {got.Most, want.Most}, {got.Endpoints, want.Endpoints},
		{got.EndpointData, want.EndpointData},
	} {
		if math.Abs(c[0]-c[1]) > 1e-9 {
			t.Errorf("got %+v, want %+v", got, want)
			break
		}
	}
}
