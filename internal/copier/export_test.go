package copier

import (
	"context"
	"time"

	"s3fanout/internal/copier/internal/knob"
)

// WithSleep replaces the wait between attempts, but for those of a part. It
// must return the context's error as soon as the context ends.
func WithSleep(sleep func(context.Context, time.Duration) error) Option {
	return func(c *Copier) { c.sleep = sleep }
}

// WithRandom is that of package copiertest.
func WithRandom(random func() float64) Option { return WithKnobs(knob.Knobs{Random: random}) }

// WithPartSize is that of package copiertest.
func WithPartSize(size int64) Option { return WithKnobs(knob.Knobs{PartSize: size}) }
