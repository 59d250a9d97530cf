package lambda

import "sync/atomic"

// How far a function's execution environments may grow in number.
const (
	// leastConcurrency environments of each function run without asking.
	leastConcurrency = 8
	// environmentBytes is more than an environment's process needs.
	environmentBytes = 32 << 20
	// spareBytes stay available for everything else on the machine.
	spareBytes = 1 << 30
	// unknownConcurrency is how many run where the memory is not known.
	unknownConcurrency = 64
)

// affordable is how many more environments the memory has room for, of those
// wanted, where so many run already.
func affordable(wanted, running int, available int64) int {
	if available < 0 {
		return max(0, min(wanted, unknownConcurrency-running))
	}
	return int(max(0, min(int64(wanted), (available-spareBytes)/environmentBytes)))
}

// room tells how many more environments of a Region may run, of those wanted:
// all of its functions share the account's quota.
func (s *Service) room(region *atomic.Int64, wanted int) int {
	running := int(region.Load())
	left := min(wanted, accountConcurrency-running)
	if left <= 0 {
		return 0
	}
	afforded := affordable(left, running, availableMemory())
	if afforded < left {
		s.short.Do(func() {
			s.cfg.Logger.Warn("no memory for more execution environments; events wait for those that run", "running", running)
		})
	}
	return afforded
}
