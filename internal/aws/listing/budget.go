package listing

// budget bounds the requests that look for places to split, which cost as much as
// pages, by the pages that were read.
type budget struct {
	pages int // that were read
	sent  int // probes
	found int // probes that found keys, of which there are many then
	least int // probes that are allowed however few pages were read
}

const (
	// ahead is how many probes may find little before any page is read, and one more
	// for every few pages.
	ahead         = 12
	pagesPerProbe = 8
	// aheadInAll and pagesPerProbeInAll bound all probes.
	aheadInAll         = 36
	pagesPerProbeInAll = 4
)

// left is how many probes may be sent now.
func (b budget) left() int {
	empty := max(b.least, ahead+b.pages/pagesPerProbe) - (b.sent - b.found)
	all := max(b.least, aheadInAll+b.pages/pagesPerProbeInAll) - b.sent
	return max(0, min(empty, all))
}
