//go:build !unix

package replicaset

import "testing"

// testPipe has nothing to read from: only Unix has named pipes in directories.
func testPipe(*testing.T, string) {}
