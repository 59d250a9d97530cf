//go:build !linux

package lambda

// availableMemory is not known here.
func availableMemory() int64 { return -1 }
