// Package knob has what tests and the simulation turn in a Copier, and nobody
// else: outside of internal/copier nobody can name it. See package copiertest.
package knob

// Knobs change a Copier's inner workings; a zero value leaves it as it is.
type Knobs struct {
	// Random is the source of jitter, numbers in [0, 1), in place of math/rand. It
	// must be safe for concurrent use.
	Random func() float64
	// PartSize makes parts of so many bytes, and of more only where an object would
	// have more than 10,000 of them. S3 refuses parts, other than the last, of less
	// than 5 MiB when the upload is completed.
	PartSize int64
}
