package price

import (
	"math"
	"testing"

	"s3fanout/internal/replicaset"
)

func TestPrices(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"a million copies in us-east-1", Requests("us-east-1", 1_000_000, 0), 5},
		{"a million HEADs in us-east-1", Requests("us-east-1", 0, 1_000_000), 0.4},
		{"both in sa-east-1", Requests("sa-east-1", 1_000_000, 1_000_000), 7.56},
		{"1 TiB out of eu-west-1", Transfer("eu-west-1", "us-east-1", 1<<40), 20.48},
		{"1 GiB out of Tokyo", Transfer("ap-northeast-1", "eu-west-1", 1<<30), 0.09},
		{"within a Region", Transfer("sa-east-1", "sa-east-1", 1<<40), 0},
		{"an unknown Region's gibibyte", Transfer("xx-nowhere-1", "us-east-1", 1<<30), Default().Transfer},
		{"an unknown Region's requests", Requests("xx-nowhere-1", 1000, 1000), Default().Write + Default().Read},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: got $%v, want $%v", c.name, c.got, c.want)
		}
	}
}

func TestTableHasRealRegionsAndPlausiblePrices(t *testing.T) {
	for region, p := range Table() {
		if replicaset.Partition(region) != "aws" || replicaset.OptIn(region) {
			t.Errorf("%s is no default Region", region)
		}
		// A mistaken decimal place shows: writes cost ten times as much as reads
		// or more everywhere, and nothing is far from us-east-1.
		if p.Write < 10*p.Read || p.Write < 0.004 || p.Write > 0.01 || p.Transfer < 0.02 || p.Transfer > 0.15 || p.Logs < 0.5 ||
			p.Logs > 1 {
			t.Errorf("%s: %+v is not plausible", region, p)
		}
	}
	if _, known := Of("us-east-1"); !known {
		t.Error("us-east-1 is not known")
	}
	if _, known := Of("af-south-1"); known {
		t.Error("af-south-1 is known")
	}
}
