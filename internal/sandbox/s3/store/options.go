package store

import (
	"io"
	"time"
)

// Options change what a store takes from outside. The zero Options are those
// of an ordinary process.
type Options struct {
	Now    func() time.Time // time.Now if nil; called concurrently
	Random io.Reader        // of version and upload IDs; crypto/rand if nil
}
