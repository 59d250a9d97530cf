package listing

// budget bounds what splitting costs by the pages that were read: the requests that look
// for places to split, which cost as much as pages, and the pages that are cut there.
type budget struct {
	pages int // that were read
	sent  int // probes
	found int // probes that found keys, of which there are many then
	least int // probes that are allowed however few pages were read

	buckets int
	ranges  int  // that may be walked through at once
	cut     int  // pages that splits have cost, or can cost
	many    bool // a probe has shown that there are many keys
}

const (
	// ahead is how many probes may be sent before any page is read, and mostEmpty how
	// many of them may find few keys. There is one more for every pagesPerProbe.
	ahead         = 36
	mostEmpty     = 16
	pagesPerProbe = 4
	// cutPages is how many pages of each bucket a split can cost: the one that has the
	// first key of the upper range, and the next one, if that was asked for already.
	// Beyond what as many ranges cost as are walked through at once, one page of
	// pagesPerCut may be such a page.
	cutPages    = 2
	pagesPerCut = 4
)

// left is how many probes may be sent now.
func (b budget) left() int {
	paid := b.needed() / pagesPerProbe
	empty := max(b.least, mostEmpty+paid) - (b.sent - b.found)
	all := max(b.least, ahead+paid) - b.sent
	return max(0, min(empty, all))
}

// needed is how many pages were read that had to be, however ranges were split, at least.
func (b budget) needed() int { return max(0, b.pages-b.cut) }

// splits is how many ranges may be split off now.
func (b budget) splits() int {
	each := cutPages * b.buckets
	return max(0, ((b.ranges-1)*each+b.needed()/pagesPerCut-b.cut)/each)
}

// split reserves what so many splits can cost.
func (b *budget) split(n int) { b.cut += n * cutPages * b.buckets }

// ended gives back what a range that was cut has not cost.
func (b *budget) ended(cost int) { b.cut -= max(0, cutPages*b.buckets-cost) }
