package s3

import (
	"hash/maphash"
	"sync"
)

// keyLocks serialises what changes one key. Keys share a fixed number of
// locks, so a holder must never take a second one.
type keyLocks struct {
	seed    maphash.Seed
	stripes [256]sync.RWMutex
}

func newKeyLocks() *keyLocks { return &keyLocks{seed: maphash.MakeSeed()} }

func (l *keyLocks) of(bucket, key string) *sync.RWMutex {
	return &l.stripes[maphash.String(l.seed, bucket+"/"+key)%uint64(len(l.stripes))]
}

// lock waits until nothing else reads or changes the key.
func (l *keyLocks) lock(bucket, key string) (unlock func()) {
	m := l.of(bucket, key)
	m.Lock()
	return sync.OnceFunc(m.Unlock)
}

// rlock waits until nothing changes the key.
func (l *keyLocks) rlock(bucket, key string) (unlock func()) {
	m := l.of(bucket, key)
	m.RLock()
	return sync.OnceFunc(m.RUnlock)
}
