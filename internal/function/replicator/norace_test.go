//go:build !race

package replicator

const raceDetector = false
