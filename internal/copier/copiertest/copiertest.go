// Package copiertest has options of a Copier for tests of other packages: a
// simulation plays a schedule again only if it knows the jitter, and has parts in
// small objects too.
package copiertest

import (
	"s3fanout/internal/copier"
	"s3fanout/internal/copier/internal/knob"
)

// WithRandom replaces the source of jitter: numbers in [0, 1). It must be safe
// for concurrent use.
func WithRandom(random func() float64) copier.Option {
	return copier.WithKnobs(knob.Knobs{Random: random})
}

// WithPartSize makes parts of size bytes, which S3 would not take if it is below
// 5 MiB.
func WithPartSize(size int64) copier.Option { return copier.WithKnobs(knob.Knobs{PartSize: size}) }
