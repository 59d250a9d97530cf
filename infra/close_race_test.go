//go:build race

package infra

// closeRuntime does nothing: jsii's own Close trips the race detector.
func closeRuntime() {}
