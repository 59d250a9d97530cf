package verify

import (
	"container/heap"
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"s3fanout/internal/policy"
)

const (
	// mostHot is how many keys that are waited for are looked at again every few
	// seconds. More of them are parked if they can be, so that the listing goes on.
	mostHot = mostSuspects / 2
	// mostParked is how many keys are parked. By the time that so many have been
	// looked at, about a grace has passed, and the first ones are due.
	mostParked = 1 << 16
)

// parkedKey is a key that is looked at again when a grace has passed, and not
// before. It has no goroutine, and of what was seen only what tells whether it is
// still the same: there can be tens of thousands.
type parkedKey struct {
	key    string
	listed []bool
	seen   uint64    // digest of the states
	began  time.Time // of the look, by S3's clock
	due    time.Time // by this machine's
}

// parking has the keys that are parked. It also knows how many keys are not
// finished, parked or not, so that the one who takes them out knows the end.
type parking struct {
	mu     sync.Mutex
	keys   byDue
	open   int  // keys that are not finished
	walked bool // no more keys come
	woken  chan struct{}
	seed   maphash.Seed
}

func newParking() *parking {
	return &parking{woken: make(chan struct{}, 1), seed: maphash.MakeSeed()}
}

// change does something under the lock, and has next look again.
func (p *parking) change(do func()) {
	p.mu.Lock()
	do()
	p.mu.Unlock()
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *parking) begun()  { p.change(func() { p.open++ }) }
func (p *parking) ended()  { p.change(func() { p.open-- }) }
func (p *parking) closed() { p.change(func() { p.walked = true }) }

// put parks a key; it says whether there was room.
func (p *parking) put(k parkedKey) (ok bool) {
	p.change(func() {
		if ok = len(p.keys) < mostParked; ok {
			heap.Push(&p.keys, k)
		}
	})
	return ok
}

// next takes out the key that is due first, once it is. ok is false when all keys
// are finished, and when ctx has ended.
func (p *parking) next(ctx context.Context) (k parkedKey, ok bool) {
	for {
		p.mu.Lock()
		wait, end := time.Duration(-1), p.walked && p.open == 0
		if len(p.keys) > 0 {
			if wait = time.Until(p.keys[0].due); wait <= 0 {
				k = heap.Pop(&p.keys).(parkedKey)
				p.mu.Unlock()
				return k, true
			}
		}
		p.mu.Unlock()
		if end {
			return k, false
		}
		if !p.wait(ctx, wait) {
			return k, false
		}
	}
}

// wait waits for so long, unless it is negative, and not after a change. It is false when
// ctx has ended.
func (p *parking) wait(ctx context.Context, d time.Duration) bool {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-p.woken:
	case <-due:
	}
	return true
}

// parkable says whether nothing is known of a key but that it was uploaded in parts
// and may be new, so that a grace has to pass from the first look on, whenever that
// is. Keys with a date are old at the same time, and hold the listing up once.
func (w *watch) parkable() bool {
	return slices.ContainsFunc(w.states, func(s policy.State) bool { return s.Here() && s.InParts() }) &&
		!slices.ContainsFunc(w.states, func(s policy.State) bool { return s.Presence == policy.Deleted }) &&
		!slices.ContainsFunc(w.changed, func(t time.Time) bool { return !t.IsZero() })
}

// digest is the same for states that are Equal, and nearly never for others.
func (p *parking) digest(states []policy.State) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	text := func(s string) { _, _ = h.WriteString(strconv.Quote(s)) }
	for _, s := range states {
		_, _ = h.WriteString(strconv.Itoa(int(s.Presence)) + " " + strconv.FormatInt(s.Size, 10) + " ")
		if s.Here() {
			_, _ = h.WriteString(strconv.FormatInt(s.Modified.UnixNano(), 10))
		}
		text(s.VersionID)
		text(s.ETag)
		for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
			text(name)
			text(s.Tags[name])
		}
		_ = h.WriteByte('\n')
	}
	return h.Sum64()
}

// byDue is a heap of keys, the one that is due first on top.
type byDue []parkedKey

func (b byDue) Len() int           { return len(b) }
func (b byDue) Less(i, j int) bool { return b[i].due.Before(b[j].due) }
func (b byDue) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

// Push is for container/heap.
func (b *byDue) Push(x any) { *b = append(*b, x.(parkedKey)) }

// Pop is for container/heap.
func (b *byDue) Pop() any {
	last := (*b)[len(*b)-1]
	(*b)[len(*b)-1] = parkedKey{}
	*b = (*b)[:len(*b)-1]
	return last
}
