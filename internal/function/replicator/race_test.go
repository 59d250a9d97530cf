//go:build race

package replicator

const raceDetector = true
