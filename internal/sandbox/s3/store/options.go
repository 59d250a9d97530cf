package store

import (
	"io"
	"time"
)

// Options change what a store takes from outside. The zero Options are those
// of an ordinary process.
type Options struct {
	Now    func() time.Time                  // time.Now if nil; called concurrently
	Offset func(region string) time.Duration // by how much a Region's clock is ahead of Now; none is if nil; called concurrently
	Random io.Reader                         // of version and upload IDs; crypto/rand if nil
}
