package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryOf returns how much memory a process has in use and had at most, in
// MiB, or ok false where the system does not say. The rusage of an ended
// process is no substitute: on Linux its peak is at least that of the process
// which started it.
func memoryOf(pid int) (now, peak float64, ok bool) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			now = kib / 1024
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			peak = kib / 1024
		}
	}
	return now, peak, now > 0 && peak > 0
}

// processorTime returns what a running process's threads have taken so far, or
// ok false where the system does not say. Threads that have ended are missing.
func processorTime(pid int) (total time.Duration, ok bool) {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	if err != nil {
		return 0, false
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		if ns, err := strconv.ParseInt(first, 10, 64); err == nil {
			total += time.Duration(ns)
			ok = true
		}
	}
	return total, ok
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
