//go:build race

package main

// closeRuntime does nothing: jsii's own Close trips the race detector.
func closeRuntime() {}
