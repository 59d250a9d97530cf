// Package followtest has an option of a Follower for tests of other packages: a
// simulation plays a schedule again only if it knows the jitter.
package followtest

import (
	"s3fanout/internal/follow"
	"s3fanout/internal/follow/internal/knob"
)

// WithRandom replaces the source of jitter: numbers in [0, 1). It must be safe for
// concurrent use.
func WithRandom(random func() float64) follow.Option { return follow.WithKnob(knob.Random(random)) }
