package copier

// Window decides how many requests of a kind may be under way: the parts of one
// copy, or the copies to one target. It grows by one for each windowful of
// successes, and is halved when S3 asks for less: additive increase,
// multiplicative decrease. It is a plain value.
type Window struct {
	size float64
	most int
	// cut is how many requests had been sent when the size was halved last.
	cut int
}

// NewWindow begins with so many and never allows more than most, which is at
// least one.
func NewWindow(begin, most int) Window { return Window{size: float64(min(begin, most)), most: most} }

// Limit is how many requests may be under way, at least one.
func (w Window) Limit() int { return int(w.size) }

// Success is the window after a request was answered well.
func (w Window) Success() Window {
	w.size = min(float64(w.most), w.size+1/w.size)
	return w
}

// Throttle is the window after S3 has asked for less in its answer to the n-th
// request, from 0, when so many had been sent. Requests sent before the last
// cut say nothing new: one overload counts once, however many it refuses.
func (w Window) Throttle(n, sent int) Window {
	if n < w.cut {
		return w
	}
	w.size = max(1, w.size/2)
	w.cut = sent
	return w
}
