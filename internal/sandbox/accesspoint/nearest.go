package accesspoint

import (
	"cmp"
	"slices"

	"s3fanout/internal/sandbox/distance"
)

// Nearest returns the active bucket of the access point that is nearest to a client
// in the Region. S3 goes by the network's distance; this goes by the map's.
func (p Point) Nearest(client string) Bucket {
	active := slices.DeleteFunc(slices.Clone(p.Buckets), func(b Bucket) bool { return b.Passive })
	return slices.MinFunc(active, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(distance.Between(client, a.Region), distance.Between(client, b.Region)), cmp.Compare(a.Region, b.Region))
	})
}
