package backfill

import (
	"cmp"
	"maps"
	"slices"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/price"
)

// Estimate is what a run would send, and about what that costs: each object
// copied at its first try, at list prices, to storage class STANDARD.
type Estimate struct {
	Lists    int             // pages of listings, of objects and of versions
	Requests copier.Requests // of all targets, with the HEADs of sources
	Transfer []Transfer      // by source, then target
	// RequestDollars and TransferDollars are US dollars.
	RequestDollars, TransferDollars float64
	// Assumed are the Regions that there is no price of, so that a default
	// stands for it.
	Assumed []string
}

// Dollars is the estimated cost of all, in US dollars.
func (e Estimate) Dollars() float64 { return e.RequestDollars + e.TransferDollars }

// Transfer is what goes from one Region to another.
type Transfer struct {
	From, To string
	Bytes    int64
}

// bill adds up what is planned.
type bill struct {
	requests map[string]copier.Requests // by the Region that they are sent to
	bytes    map[[2]string]int64        // by source and target
	versions map[string]int             // pages of versions, by source
}

func newBill() bill {
	return bill{requests: map[string]copier.Requests{}, bytes: map[[2]string]int64{}, versions: map[string]int{}}
}

// add counts requests to a Region.
func (b bill) add(region string, n copier.Requests) { b.requests[region] = b.requests[region].Plus(n) }

// sources counts the questions about missing objects of a source, which all
// their copies share. Old versions, which fill pages too, are not known.
func (b bill) sources(o Options, index, small, large int) {
	region := o.Members[index].Region
	b.add(region, copier.Requests{Head: large})
	if small < o.VersionsWorth {
		b.add(region, copier.Requests{Head: small})
		return
	}
	b.versions[region] += (small + versionsPage - 1) / versionsPage
}

// checks counts the questions to a target about what it lacks: what was deleted
// there, and which large objects are being copied.
func (b bill) checks(o Options, index, small, large int) {
	region := o.Members[index].Region
	b.add(region, copier.Requests{List: large})
	if o.RestoreDeleted {
		return
	}
	b.add(region, copier.Requests{Head: large})
	if small < o.VersionsWorth {
		b.add(region, copier.Requests{Head: small})
		return
	}
	b.versions[region] += (small + versionsPage - 1) / versionsPage
}

// versionsPage is how many versions a page has at most.
const versionsPage = 1000

// copy counts the copy of one object.
func (b bill) copy(o Options, source, target int, size int64) {
	from, to := o.Members[source].Region, o.Members[target].Region
	b.bytes[[2]string{from, to}] += size
	if size <= min(o.Threshold, copier.MaxSize) {
		b.add(to, copier.Requests{Copy: 1})
		if o.HeadsSource {
			b.add(from, copier.Requests{Head: 1})
		}
		return
	}
	b.add(from, copier.Requests{Head: 1, Tags: 1})
	b.add(to, copier.Requests{Head: 1, Create: 1, Part: copier.Parts(size), Complete: 1})
}

// estimate is the bill's total, with the listings of all members. They are
// taken to be equally long.
func (b bill) estimate(o Options, lists int) Estimate {
	e := Estimate{Lists: lists}
	regions := map[string]bool{}
	for _, m := range o.Members {
		regions[m.Region] = true
		e.RequestDollars += price.Requests(m.Region, int64(lists), 0) / float64(len(o.Members))
	}
	for region, n := range b.versions {
		e.Lists += n
		e.RequestDollars += price.Requests(region, int64(n), 0)
	}
	for region, n := range b.requests {
		e.Requests = e.Requests.Plus(n)
		e.RequestDollars += price.Requests(region, int64(n.Copy+n.Create+n.Part+n.Complete+n.List), int64(n.Head+n.Tags))
	}
	for pair, bytes := range b.bytes {
		e.Transfer = append(e.Transfer, Transfer{From: pair[0], To: pair[1], Bytes: bytes})
		e.TransferDollars += price.Transfer(pair[0], pair[1], bytes)
	}
	slices.SortFunc(e.Transfer, func(a, b Transfer) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		if _, known := price.Of(region); !known {
			e.Assumed = append(e.Assumed, region)
		}
	}
	return e
}
