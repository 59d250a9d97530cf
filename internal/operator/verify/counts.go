package verify

import (
	"cmp"
	"slices"
	"strings"
)

// MaxPrefixes is how many prefixes Counts names; the others are counted.
const MaxPrefixes = 20

// Count is how many keys are not as they should be, in a Region or below a
// prefix there. A key that is Missing and Different counts as both.
type Count struct {
	Region                                            string
	Prefix                                            string // that the keys have, up to a slash; empty for those without one
	Missing, Copying, Different, Undeleted, Unsettled int64
}

func (c Count) total() int64 { return c.Missing + c.Copying + c.Different + c.Undeleted + c.Unsettled }

func (c *Count) add(k Kind) {
	switch k {
	case Missing:
		c.Missing++
	case Copying:
		c.Copying++
	case Different:
		c.Different++
	case Undeleted:
		c.Undeleted++
	case Unsettled:
		c.Unsettled++
	}
}

// Counts counts differences by Region, and by Region and prefix. It takes them in
// the order of their keys, in which the keys of a prefix come together, so that
// it holds one prefix at a time and the largest ones.
type Counts struct {
	root    string
	regions []string
	total   []Count
	loose   []Count // of keys without a slash after root, which come in between
	current []Count // of the prefix at hand
	largest []Count
	others  int
}

// NewCounts counts differences of keys with the prefix root in these Regions.
func NewCounts(root string, regions []string) *Counts {
	c := &Counts{root: root, regions: regions}
	c.total, c.loose = c.empty(""), c.empty(root)
	return c
}

func (c *Counts) empty(prefix string) []Count {
	list := make([]Count, len(c.regions))
	for i, r := range c.regions {
		list[i] = Count{Region: r, Prefix: prefix}
	}
	return list
}

// Add takes the next difference.
func (c *Counts) Add(d Difference) {
	prefix := prefixOf(d.Key, c.root)
	counts := c.loose
	if prefix != c.root {
		if c.current == nil || c.current[0].Prefix != prefix {
			c.close(c.current)
			c.current = c.empty(prefix)
		}
		counts = c.current
	}
	for _, list := range [][]string{d.Without, d.Differing} {
		for _, region := range list {
			if i := slices.Index(c.regions, region); i >= 0 {
				c.total[i].add(d.Kind)
				counts[i].add(d.Kind)
			}
		}
	}
}

// close puts the counts of a prefix among the largest, if they are.
func (c *Counts) close(counts []Count) {
	for _, count := range counts {
		if count.total() > 0 {
			c.largest = append(c.largest, count)
		}
	}
	slices.SortStableFunc(c.largest, func(a, b Count) int { return cmp.Compare(b.total(), a.total()) })
	if more := len(c.largest) - MaxPrefixes; more > 0 {
		c.others += more
		c.largest = c.largest[:MaxPrefixes]
	}
}

// Regions has the counts of the Regions that have any.
func (c *Counts) Regions() []Count {
	return slices.DeleteFunc(slices.Clone(c.total), func(n Count) bool { return n.total() == 0 })
}

// Prefixes has the MaxPrefixes largest counts of a Region and prefix, the largest
// first, and says how many others there are. Nothing may be added afterwards.
func (c *Counts) Prefixes() (largest []Count, others int) {
	c.close(c.current)
	c.close(c.loose)
	c.current, c.loose = nil, nil
	return c.largest, c.others
}

// prefixOf is what of a key comes before its first slash after root, with that
// slash.
func prefixOf(key, root string) string {
	rest, _ := strings.CutPrefix(key, root)
	i := strings.IndexByte(rest, '/')
	return key[:len(key)-len(rest)+i+1]
}
