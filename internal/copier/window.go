package copier

// window decides how many parts may be under way. It begins at its most, grows
// by one for each windowful of successes, and is halved when S3 asks for less:
// additive increase, multiplicative decrease.
type window struct {
	size float64
	most int
	// cut is how many requests had been sent when the size was halved last.
	cut int
}

func newWindow(most int) window { return window{size: float64(most), most: most} }

// limit is how many parts may be under way, at least one.
func (w window) limit() int { return int(w.size) }

// success is the window after a part was copied.
func (w window) success() window {
	w.size = min(float64(w.most), w.size+1/w.size)
	return w
}

// throttle is the window after S3 has asked for less in its answer to the n-th
// request, from 0, when so many had been sent. Requests sent before the last
// cut say nothing new: one overload counts once, however many it refuses.
func (w window) throttle(n, sent int) window {
	if n < w.cut {
		return w
	}
	w.size = max(1, w.size/2)
	w.cut = sent
	return w
}
