// Package knob has what the simulation turns in a Follower, and nobody else:
// outside of internal/follow nobody can name it. See package followtest.
package knob

// Random is a source of jitter: numbers in [0, 1). It is safe for concurrent use.
type Random func() float64
