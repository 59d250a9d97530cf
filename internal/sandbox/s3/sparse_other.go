//go:build !linux

package s3

import "os"

// nextData takes the whole rest for data: holes are only looked for on Linux.
func nextData(_ *os.File, at, end int64) (data, hole int64, err error) { return at, end, nil }
