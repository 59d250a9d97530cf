package copier

import "fmt"

// S3's limits (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const (
	maxParts          = 10_000
	maxPartSize int64 = 5 << 30
	// MaxObject is the largest object, in bytes, that fits into S3's parts,
	// 48.8 TiB. S3's own limit, 50 TB, is below it.
	MaxObject = maxParts * maxPartSize
)

// What parts are planned by. Each part is a request, which costs what moving a
// quarter of a megabyte between Regions does: with parts of 8 MiB requests add
// 3 % to the price of the transfer, with 128 MiB 0.2 %.
const (
	mebibyte int64 = 1 << 20
	// wantedParts is how many parts an object should have, so that the default
	// number of them is under way at a time.
	wantedParts = DefaultParallel
	// leastPart bounds what that costs for smaller objects.
	leastPart = 8 * mebibyte
	// mostPart is the largest part that is chosen freely. Large parts wait less for
	// answers: between continents a request takes 100 ms before bytes count, and
	// one of 128 MiB two seconds. Small parts lose little when one is slow or has
	// to be repeated, and stop soon before a deadline.
	mostPart = 128 * mebibyte
)

// planPartSize is the size, in bytes, of all parts but the last of an object
// of size bytes, which is at most MaxObject. If fixed is positive, that is the
// size, unless it made too many parts. Else the object has about 64 parts or a multiple
// of that, so that all requests end with full hands: of 8 to 128 MiB, and more from
// 1.2 TiB on, in whole MiB.
func planPartSize(size, fixed int64) int64 {
	least := divideUp(size, maxParts)
	if fixed > 0 {
		return min(max(fixed, least), maxPartSize)
	}
	rounds := divideUp(size, wantedParts*mostPart)
	part := max(leastPart, divideUp(size, rounds*wantedParts), least)
	return min(divideUp(part, mebibyte)*mebibyte, maxPartSize)
}

// ownPartsFrom is the size from which planOwnPartSize has its way.
const ownPartsFrom = leastPart * (leastPart + mebibyte) / mebibyte

// planOwnPartSize is planPartSize for a replica that is known by the number of its
// parts. Tools such as aws s3 cp copy objects in parts of 8 MiB by default, metadata
// and all: from 72 MiB on, what they make of a replica has another number, and is the
// write of whoever ran them.
func planOwnPartSize(size, fixed int64) int64 {
	part := planPartSize(size, fixed)
	if fixed <= 0 && part == leastPart && size >= ownPartsFrom {
		part += mebibyte
	}
	return part
}

// Parts is how many parts an object of size bytes is copied in once it is
// copied in parts; an object over MaxObject is not.
func Parts(size int64) int { return partCount(size, planPartSize(size, 0)) }

// partCount is how many parts an object has.
func partCount(size, partSize int64) int { return int(divideUp(size, partSize)) }

// partRange is the first and the last byte of the part with index i, from 0.
func partRange(size, partSize int64, i int) (first, last int64) {
	first = int64(i) * partSize
	return first, min(first+partSize, size) - 1
}

// rangeHeader is x-amz-copy-source-range of a part; nil if the part is all,
// because S3 takes no range of a source up to 5 MB.
func rangeHeader(size, partSize int64, i int) *string {
	first, last := partRange(size, partSize, i)
	if first == 0 && last == size-1 {
		return nil
	}
	s := fmt.Sprintf("bytes=%d-%d", first, last)
	return &s
}

func divideUp(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
