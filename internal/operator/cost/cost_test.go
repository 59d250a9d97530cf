package cost

import (
	"math"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/replicaset"
)

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-6*math.Max(1, math.Abs(want)) }

// The sums below were reckoned by hand, from us-east-1's prices.
func TestBillsOfAMillionUploads(t *testing.T) {
	million := Usage{Regions: Alike(3), Objects: 1e6, Size: 1 << 20}
	type sum struct{ quantity, dollars float64 }
	want := map[Design]map[Item]sum{
		S3Fanout: {
			Writes:   {2e6, 10},         // two CopyObject an upload, $5 a million
			Transfer: {1953.125, 39.06}, // 2,000,000 MiB at $0.02 a GiB
			// The upload's and two replicas', $0.50 a million.
			Publishes: {3e6, 1.50},
			// Those three, by two filters each: 6,000,000 events of 1000 bytes.
			Filtering:   {5.587935, 0.502914},
			Deliveries:  {3.911555, 0.078231}, // 2,000,000 of 2100 bytes
			Invocations: {2e6, 0.40},
			// 2,000,000 times 0.2 s and 1/50 s, an eighth of a GiB.
			FunctionTime: {55e3, 0.733337},
			Logs:         {1.20, 0.60}, // 2,000,000 times 600 bytes
			Metrics:      {9, 2.70},    // in each Region 1, and 1 for each of 2 others
			Alarms:       {30, 3},
			Dashboards:   {1, 3},
		},
		CRR: {Writes: {2e6, 10}, Transfer: {1953.125, 39.06}},
		// Six rules have three metrics each.
		CRRRTC: {Writes: {2e6, 10}, Transfer: {1953.125, 39.06}, TimeControl: {1953.125, 29.296875}, Metrics: {18, 5.40}},
		Original: {
			Writes:      {2e6, 10},
			Reads:       {6e6, 2.40}, // a HEAD in each of 3·2 invocations
			Transfer:    {1953.125, 39.06},
			Publishes:   {3e6, 1.50},
			Deliveries:  {11.734664, 0.234693},
			Invocations: {6e6, 1.20},
			// 2,000,000 times 0.27 s, 4,000,000 times 0.05 s, an eighth of a GiB.
			FunctionTime: {92.5e3, 1.541670},
			Logs:         {1.98, 0.99},
		},
	}
	bills := Bills(million)
	if len(bills) != len(want) {
		t.Fatalf("%d bills, want %d", len(bills), len(want))
	}
	for _, bill := range bills {
		total := 0.0
		for _, item := range Items() {
			w := want[bill.Design][item]
			if item == Transfer {
				w.dollars = 39.0625
			}
			total += w.dollars
			if got := bill.Of(item); !near(got.Quantity, w.quantity) || !near(got.Dollars, w.dollars) {
				t.Errorf("%s, %s: got %v for $%v, want %v for $%v", bill.Design, item, got.Quantity, got.Dollars, w.quantity, w.dollars)
			}
		}
		if !near(bill.Dollars(), total) {
			t.Errorf("%s: got $%v, want $%v", bill.Design, bill.Dollars(), total)
		}
	}
	if got := bills[0].Fixed(); !near(got, 8.70) {
		t.Errorf("the fixed part: got $%v, want $8.70", got)
	}
}

// Likewise by hand: what following changes adds to the bill above.
func TestBillOfFollowing(t *testing.T) {
	plain := Usage{Regions: Alike(3), Objects: 1e6, Size: 1 << 20}
	follows := plain
	follows.Follow = replicaset.Follow{Overwrites: true}
	deletes := plain
	deletes.Follow, deletes.Deletions = replicaset.Follow{Overwrites: true, Deletions: true}, 1e6
	type sum struct{ quantity, dollars float64 }
	for _, c := range []struct {
		name       string
		usage, but Usage
		want       map[Item]sum // besides what but has
	}{
		{"overwrites", follows, plain, map[Item]sum{
			Reads: {4e6, 1.60}, // two HEADs for each of 2,000,000 replicas
			// 2,000,000 times 0.1 s, an eighth of a GiB.
			FunctionTime: {25e3, 0.333335},
		}},
		{"a million deletions", deletes, follows, map[Item]sum{
			Writes: {2e6, 10}, // a LIST in each of two Regions' functions
			// Those two look at both sides, and so do two for each of their markers.
			Reads: {12e6, 4.80},
			// The deletion's and two markers'.
			Publishes:  {3e6, 1.50},
			Filtering:  {5.587935, 0.502914},
			Deliveries: {11.734664, 0.234693}, // 6,000,000 of 2100 bytes
			// Three Regions' markers or deletions, two functions each.
			Invocations: {6e6, 1.20},
			// 2,000,000 times 0.2 s and 4,000,000 times 0.1 s, an eighth of a GiB.
			FunctionTime: {100e3, 1.33334},
			Logs:         {3.60, 1.80},
			Metrics:      {6, 1.80},
			Alarms:       {3, 0.30},
		}},
	} {
		got, but := c.usage.fanout(), c.but.fanout()
		for _, item := range Items() {
			g, b, w := got.Of(item), but.Of(item), c.want[item]
			if !near(g.Quantity-b.Quantity, w.quantity) || math.Abs(g.Dollars-b.Dollars-w.dollars) > 1e-5 {
				t.Errorf("%s, %s: got %v more for $%v, want %v for $%v",
					c.name, item, g.Quantity-b.Quantity, g.Dollars-b.Dollars, w.quantity, w.dollars)
			}
		}
	}
	ignored := follows
	ignored.Deletions = 1e6
	if got, want := ignored.fanout().Dollars(), follows.fanout().Dollars(); got != want {
		t.Errorf("deletions that nobody follows: got $%v, want $%v", got, want)
	}
}

// What is deployed for three Regions by default may cost so much and no more: a new
// metric or alarm replaces one, or comes with a feature that is switched on.
func TestFixedPriceOfThreeRegions(t *testing.T) {
	for _, regions := range [][]string{Alike(3), {"us-east-1", "eu-west-1", "ap-northeast-1"}} {
		for _, c := range []struct {
			noDashboard bool
			most        float64
		}{{false, 8.70}, {true, 5.70}} {
			u := Usage{Regions: regions, Objects: 1e6, Size: 1, NoDashboard: c.noDashboard}
			if fixed := u.fanout().Fixed(); fixed > c.most+1e-9 {
				t.Errorf("%v, no dashboard %t: $%.2f a month, at most $%.2f", regions, c.noDashboard, fixed, c.most)
			}
		}
	}
}

// TestPriceOfAMillionReplicas bounds what a million replicas of small objects cost
// over the COPY of each, which they cost with S3's own replication too.
func TestPriceOfAMillionReplicas(t *testing.T) {
	for _, c := range []struct {
		noUserCopies bool
		most         float64
	}{{false, 1.88}, {true, 1.21}} {
		bill := Usage{Regions: Alike(3), Objects: 5e5, Size: 0, NoUserCopies: c.noUserCopies}.fanout()
		if over := bill.Dollars() - bill.Fixed() - bill.Of(Writes).Dollars; over > c.most {
			t.Errorf("no copies by users %t: a million replicas cost $%.4f over their COPY, at most $%.2f", c.noUserCopies, over, c.most)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name  string
		usage Usage
		item  Item
		want  float64 // of s3fanout
	}{
		{"five Regions, copies", Usage{Regions: Alike(5), Objects: 10, Size: 1}, Writes, 40},
		{"five Regions, invocations", Usage{Regions: Alike(5), Objects: 10, Size: 1}, Invocations, 40},
		{"five Regions, notifications", Usage{Regions: Alike(5), Objects: 10, Size: 1}, Publishes, 50},
		{"copies by users not announced", Usage{Regions: Alike(5), Objects: 10, Size: 1, NoUserCopies: true}, Publishes, 10},
		{"copies in parts are announced", Usage{Regions: Alike(5), Objects: 10, Size: 1 << 30, NoUserCopies: true}, Publishes, 50},
		{"copies by users not announced, messages scanned", Usage{Regions: Alike(5), Objects: 1 << 30, Size: 1, NoUserCopies: true},
			Filtering, 4 * EventBytes},
		{"five Regions, messages scanned", Usage{Regions: Alike(5), Objects: 1 << 30, Size: 1}, Filtering, 5 * 4 * EventBytes},
		{"five Regions, metrics", Usage{Regions: Alike(5), Objects: 10, Size: 1}, Metrics, 25},
		{"two Regions, metrics", Usage{Regions: Alike(2), Objects: 10, Size: 1}, Metrics, 4},
		{"one Region uploaded to", Usage{Regions: Alike(3), From: "Region 2", Objects: 10, Size: 1}, Writes, 20},
		{"one Region uploaded to, metrics of two others", Usage{Regions: Alike(3), From: "Region 2", Objects: 10, Size: 1}, Metrics, 4},
		{"no HEAD", Usage{Regions: Alike(3), Objects: 10, Size: 1}, Reads, 0},
		{"storage class of the source", Usage{Regions: Alike(3), Objects: 10, Size: 1, HeadsSource: true}, Reads, 20},
		{"at the threshold", Usage{Regions: Alike(2), Objects: 1, Size: 256 << 20}, Writes, 1},
		// 256 MiB and a byte: parts of 8 MiB, 33 of them, beginning and end.
		{"over the threshold", Usage{Regions: Alike(2), Objects: 1, Size: 256<<20 + 1}, Writes, 35},
		{"over the threshold, HEADs and tags", Usage{Regions: Alike(2), Objects: 1, Size: 256<<20 + 1}, Reads, 3},
		{"over another threshold", Usage{Regions: Alike(2), Objects: 1, Size: 16 << 20, Threshold: 8 << 20}, Writes, 4},
		{"over the largest threshold", Usage{Regions: Alike(2), Objects: 1, Size: 6 << 30, Threshold: 8 << 30}, Writes,
			float64(copier.Parts(6<<30) + 2)},
		{"more memory", Usage{Regions: Alike(2), Objects: 4, Size: 1, CopyTime: 2 * time.Second, MemoryMiB: 1024}, FunctionTime, 8},
		{"time that is known", Usage{Regions: Alike(2), Objects: 4, Size: 1 << 30, CopyTime: 2 * time.Second}, FunctionTime, 1},
		// 5 HEADs' time and one wave of parts of 16 MiB.
		{"time of parts", Usage{Regions: Alike(2), Objects: 1, Size: 1 << 30}, FunctionTime, (0.25 + 0.2 + 16.0/50) / 8},
		// 10 GiB are 128 parts of 80 MiB, in two waves of 64.
		{"time of more parts than at once", Usage{Regions: Alike(2), Objects: 1, Size: 10 << 30}, FunctionTime,
			(0.25 + 2*(0.2+80.0/50)) / 8},
	} {
		if got := c.usage.fanout().Of(c.item).Quantity; !near(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Requests are paid where they are sent to, transfer where it comes from.
func TestPricesOfRegions(t *testing.T) {
	u := Usage{Regions: []string{"us-east-1", "sa-east-1"}, From: "us-east-1", Objects: 1e6, Size: 1 << 20}
	away := u.fanout()
	u.From = "sa-east-1"
	home := u.fanout()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"copies in sa-east-1", away.Of(Writes).Dollars, 7},
		{"transfer out of us-east-1", away.Of(Transfer).Dollars, 976.5625 * 0.02},
		{"lines in sa-east-1", away.Of(Logs).Dollars, 0.60 * 0.90},
		{"copies in us-east-1", home.Of(Writes).Dollars, 5},
		{"transfer out of sa-east-1", home.Of(Transfer).Dollars, 976.5625 * 0.138},
		{"lines in us-east-1", home.Of(Logs).Dollars, 0.60 * 0.50},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: got $%v, want $%v", c.name, c.got, c.want)
		}
	}
	if got, want := Assumed([]string{"us-east-1", "af-south-1", "Region 1"}), []string{"af-south-1"}; !slices.Equal(got, want) {
		t.Errorf("assumed prices: got %v, want %v", got, want)
	}
}

func TestOriginalEndsAtFiveGiB(t *testing.T) {
	u := Usage{Regions: Alike(2), Objects: 1, Size: 5 << 30}
	if b := u.original(); b.Cannot != "" || b.Dollars() == 0 {
		t.Errorf("5 GiB: got %+v, want a bill", b)
	}
	u.Size++
	if b := u.original(); b.Cannot == "" || b.Dollars() != 0 {
		t.Errorf("a byte more: got %+v, want that it cannot", b)
	}
}

func TestBreakEven(t *testing.T) {
	for _, u := range []Usage{
		{Regions: Alike(3), Objects: 1},
		{Regions: Alike(3), Objects: 1000},
		{Regions: Alike(3), Objects: 1e6},
		{Regions: Alike(3), Objects: 1e9},
		{Regions: Alike(20), Objects: 1e6},
		{Regions: []string{"us-east-1", "sa-east-1"}, From: "sa-east-1", Objects: 1e6},
	} {
		size, ok := BreakEven(u)
		if !ok {
			t.Errorf("%v with %d uploads: none", u.Regions, u.Objects)
			continue
		}
		at, below := u, u
		at.Size, below.Size = size, size-1
		if a, b := at.fanout().Dollars(), at.replication(true).Dollars(); a > b {
			t.Errorf("%d uploads of %d bytes: $%v is more than $%v", u.Objects, size, a, b)
		}
		if size == 0 {
			continue // it is the metrics of Replication Time Control that cost more
		}
		if a, b := below.fanout().Dollars(), below.replication(true).Dollars(); a <= b {
			t.Errorf("%d uploads of %d bytes: $%v is not more than $%v", u.Objects, size-1, a, b)
		}
	}
	if size, ok := BreakEven(Usage{Regions: Alike(100), From: "Region 1", Objects: 1}); ok && size <= copier.MaxSize {
		t.Errorf("one upload to a hundred Regions pays from %d bytes on", size)
	}
	// By hand, for a billion uploads: 13.75 of s3fanout's dollars a million are
	// not CRR's 10, for two replicas at $0.015 a GiB, and 1/50 s a MiB.
	size, _ := BreakEven(Usage{Regions: Alike(3), Objects: 1e9})
	perReplica := (1.5+0.502914+0.078231+0.4+0.66667+0.60)/2e6 + (8.7-5.4)/2e9
	perByte := price.ReplicationTimeControlGiB/gib - 0.125*price.GBSecond/CopyRate
	if want := perReplica / perByte; math.Abs(float64(size)-want) > 2 {
		t.Errorf("a billion uploads: got %d bytes, want %.0f", size, want)
	}
}
