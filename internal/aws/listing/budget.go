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
	// ahead is how many probes may be sent before any page is read, and mostEmpty how
	// many of them may find few keys. There is one more for every pagesPerProbe.
	ahead         = 36
	mostEmpty     = 16
	pagesPerProbe = 4
)

// left is how many probes may be sent now.
func (b budget) left() int {
	paid := b.pages / pagesPerProbe
	empty := max(b.least, mostEmpty+paid) - (b.sent - b.found)
	all := max(b.least, ahead+paid) - b.sent
	return max(0, min(empty, all))
}
