package sim

import "s3fanout/internal/copier"

// checkOutcome holds what a copy says against promise (f): a version that the
// target refuses is Exists or Diverged, by what was there. What is not certain
// is not judged: equal sizes may be all that S3 can tell.
func (w *world) checkOutcome(p *process, r copier.Request, outcome copier.Outcome) {
	id := r.Source.VersionID
	if r.Resume != nil {
		id = r.Resume.Source.VersionID
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	source := w.known[id]
	if source == nil {
		return
	}
	there, alike, other := 0, 0, 0 // ever, at the target
	for _, v := range w.known {
		if v.region != p.region || v.key != source.key {
			continue
		}
		there++
		if v.size == source.size {
			alike++
		}
		if v.content != source.content {
			other++
		}
	}
	switch {
	case outcome == copier.Exists && alike == 0:
		w.broken("f", "%s says that %s (%d bytes) is at %s; of the %d objects that were ever there none had its size",
			p.id, id, source.size, p.region, there)
	case outcome == copier.Diverged && other == 0:
		w.broken("f", "%s says that %s has other contents than %q at %s; all that was ever there has the same",
			p.id, id, source.key, p.region)
	}
}
