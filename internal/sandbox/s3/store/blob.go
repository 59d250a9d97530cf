package store

// Blob is a body that has been staged. It belongs to one request; its methods
// must not be called concurrently.
type Blob struct {
	started Started
	size    int64
	sums    map[Algorithm]string // base64; MD5 is always there
	discard func() error         // removes it unless it was put
}

// Size is how many bytes the body has.
func (b *Blob) Size() int64 { return b.size }

// Sum returns the body's checksum in base64, "" if it was not staged with the
// algorithm. MD5 is always there.
func (b *Blob) Sum(a Algorithm) string { return b.sums[a] }

// Close removes the body unless it was put. It may be called twice.
func (b *Blob) Close() error {
	discard := b.discard
	b.discard = nil
	if discard == nil {
		return nil
	}
	return discard()
}
