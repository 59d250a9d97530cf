package console

import (
	"fmt"
	"math"
)

// The ring's size, in the units of its SVG.
const (
	ringWidth, ringHeight = 640.0, 420.0
	ringRadius            = 145.0
	circle                = 17.0
)

// What the ring draws: all arrows of so many Regions, of more only those that are not
// well, and never more than so many of them; and what the arrows say where there is
// room beside them.
const (
	allArrows    = 6
	mostArrows   = allArrows * (allArrows - 1)
	labelsArrows = 4
)

// arrow is a pair's line in the ring, with its lag beside it where there is room.
type arrow struct {
	pairView

	X1, Y1, X2, Y2 float64
	Label          string
	LabelX, LabelY float64
	Turn           float64 // of the label, in degrees
}

// addArrows draws the pairs, which have the worst first. Better ones are drawn before
// them, and so below them.
func (o *overview) addArrows() {
	places := map[string]regionView{}
	for _, r := range o.Regions {
		places[r.Region] = r
	}
	for _, p := range o.Pairs {
		if len(o.Regions) > allArrows && cmpStates(p.State, stateUnknown) <= 0 || len(o.Arrows) == mostArrows {
			break
		}
		a := newArrow(p, places[p.Source], places[p.Target])
		if len(o.Regions) > labelsArrows {
			a.Label = ""
		}
		o.Arrows = append([]arrow{a}, o.Arrows...)
	}
}

func (r *regionView) place(i, n int) {
	angle := 2*math.Pi*float64(i)/float64(n) - math.Pi/2
	sin, cos := math.Sin(angle), math.Cos(angle)
	r.X, r.Y = ringWidth/2+1.35*ringRadius*cos, ringHeight/2+ringRadius*sin
	r.MarkY = r.Y + 5
	r.LabelX, r.LabelY = r.X+1.6*circle*cos, r.Y+2.1*circle*sin+5
	switch {
	case cos > 0.3:
		r.Anchor = "start"
	case cos < -0.3:
		r.Anchor = "end"
	default:
		r.Anchor = "middle"
	}
}

// newArrow ends at the circles' edges, beside the arrow of the other direction.
func newArrow(p pairView, from, to regionView) arrow {
	dx, dy := to.X-from.X, to.Y-from.Y
	length := max(math.Hypot(dx, dy), 1)
	ux, uy := dx/length, dy/length
	const beside, gap, apart, along = 5.0, circle + 5, 13.0, 0.42
	ox, oy := -uy*beside, ux*beside
	a := arrow{
		pairView: p,
		X1:       from.X + ux*gap + ox, Y1: from.Y + uy*gap + oy,
		X2: to.X - ux*(gap+5) + ox, Y2: to.Y - uy*(gap+5) + oy,
	}
	if p.Lag == nil {
		return a
	}
	a.Label = fmt.Sprintf("%s / %s", duration(p.Lag.P50), duration(p.Lag.P99))
	a.LabelX, a.LabelY = from.X+dx*along-uy*apart, from.Y+dy*along+ux*apart
	// Text stands on its base line: it is turned so that it can be read, never on its head.
	if a.Turn = math.Atan2(uy, ux) * 180 / math.Pi; a.Turn > 90 || a.Turn < -90 {
		a.Turn += 180
	} else {
		a.LabelX, a.LabelY = a.LabelX-uy*8, a.LabelY+ux*8
	}
	return a
}
