//go:build !unix

package store

import "testing"

// wantUnlocked has nothing to do here: the test's directory cannot be removed
// while somebody has a file in it open, which fails the test.
func wantUnlocked(*testing.T, string) {}
