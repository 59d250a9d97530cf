package redrive

// returns counts the dead letters that come back while a queue is drained: those that
// stay are held until the end, but a hold may run out.
type returns struct {
	count int
	done  int // dead letters that were deleted when it was last asked
}

// nothingNew says that the queue has nothing new: more dead letters came back than are
// held, with none that was new and none done between them. One that came back just
// before it was done says nothing of those that are left.
func (r *returns) nothingNew(fresh, again, held, done int) bool {
	r.count += again
	if fresh > 0 || done > r.done {
		r.count = 0
	}
	r.done = done
	return r.count > held
}
